#include "act/result.h"

#include <errno.h>
#include <string.h>

#include "core/proto.h"

static const char *const what_names[ACT_COUNT] = {
#define ACT(name_, help_) [ACT_##name_] = #name_,
#include "act/what.def"
#undef ACT
};

static const char *const outcome_names[ACT_OUTCOME_COUNT] = {
#define OUTCOME(name_, help_) [ACT_OUTCOME_##name_] = #name_,
#include "act/outcome.def"
#undef OUTCOME
};

static const char *const outcome_helps[ACT_OUTCOME_COUNT] = {
#define OUTCOME(name_, help_) [ACT_OUTCOME_##name_] = help_,
#include "act/outcome.def"
#undef OUTCOME
};

static const char *const proof_names[ACT_PROOF_COUNT] = {
#define PROOF(name_, help_) [ACT_PROOF_##name_] = #name_,
#include "act/proof.def"
#undef PROOF
};

static const char *const proof_helps[ACT_PROOF_COUNT] = {
#define PROOF(name_, help_) [ACT_PROOF_##name_] = help_,
#include "act/proof.def"
#undef PROOF
};

const char *result_what_name(enum act_what what)
{
	return what < ACT_COUNT ? what_names[what] : NULL;
}

const char *result_outcome_name(enum act_outcome outcome)
{
	return outcome < ACT_OUTCOME_COUNT ? outcome_names[outcome] : NULL;
}

const char *result_outcome_help(enum act_outcome outcome)
{
	return outcome < ACT_OUTCOME_COUNT ? outcome_helps[outcome] : NULL;
}

const char *result_proof_name(enum act_proof proof)
{
	return proof < ACT_PROOF_COUNT ? proof_names[proof] : NULL;
}

const char *result_proof_help(enum act_proof proof)
{
	return proof < ACT_PROOF_COUNT ? proof_helps[proof] : NULL;
}

void result_refused(struct act_result *result, int error)
{
	result->error = error;
	result->proof = ACT_PROOF_kernel;
	switch (error) {
	case EPERM:
	case EACCES: result->outcome = ACT_OUTCOME_no_right; break;
	case EOPNOTSUPP:
	case ENOSYS:
	case EPROTONOSUPPORT: result->outcome = ACT_OUTCOME_not_supported; break;
	case ENOENT:
	case ESRCH: result->outcome = ACT_OUTCOME_already_gone; break;
	default: result->outcome = ACT_OUTCOME_failed; break;
	}
}

static void put_end(
	struct buf *out, const struct addr *a, uint16_t port, enum family family)
{
	buf_char(out, ' ');
	if (family == FAMILY_V6)
		buf_char(out, '[');
	addr_format(out, a, family);
	if (family == FAMILY_V6)
		buf_char(out, ']');
	buf_fmt(out, ":%u", port);
}

void result_format(struct buf *out, const struct act_result *result)
{
	const struct act_target *t = &result->target;
	const char *what = result_what_name(result->what);
	const char *proto = proto_name(t->proto);
	const char *outcome = result_outcome_name(result->outcome);
	const char *proof = result_proof_name(result->proof);

	buf_str(out, what ? what : "none");
	if (proto)
		buf_fmt(out, " %s", proto);
	else
		buf_fmt(out, " %u", t->proto);
	put_end(out, &t->local, t->local_port, t->family);
	put_end(out, &t->peer, t->peer_port, t->family);
	if (t->cookie)
		buf_fmt(out, " cookie=%llu", (unsigned long long)t->cookie);
	if (t->pid)
		buf_fmt(out, " pid=%d", t->pid);
	buf_fmt(out, " outcome=%s proof=%s", outcome ? outcome : "none",
		proof ? proof : "none");
	if (result->error) {
		const char *name = strerrorname_np(result->error);

		buf_fmt(out, " error=%s", name ? name : "unknown");
	}
}
