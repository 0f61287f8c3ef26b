#include "act/forget.h"

#include <errno.h>

void forget_entry(struct conntrack_socket *socket, const struct conntrack *ct,
	const struct conntrack_fact *fact, struct act_result *out)
{
	const struct conntrack_tuple *t = &fact->orig;
	int r;

	*out = (struct act_result){
		.what = ACT_forget,
		.target = {.local = t->src,
			.peer = t->dst,
			.local_port = t->src_port,
			.peer_port = t->dst_port,
			.proto = t->proto,
			.family = t->family},
	};
	r = conntrack_socket_delete(socket, ct, fact);
	if (r < 0) {
		result_refused(out, -r);
		return;
	}
	/* Only the same entry has this id: once it is gone, deleting gives ENOENT. */
	r = conntrack_socket_delete(socket, ct, fact);
	out->outcome = r == -ENOENT ? ACT_OUTCOME_gone : ACT_OUTCOME_survives;
	out->proof = r == -ENOENT ? ACT_PROOF_table : ACT_PROOF_kernel;
}
