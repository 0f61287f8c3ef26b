/* owners_bpf_load of a konn that was built without BPF. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "source/owners_bpf.h"

#ifndef KONN_BPF_MISSING /* the build says why */
#define KONN_BPF_MISSING "built without BPF"
#endif

int owners_bpf_load(const struct owners_bpf_setup *setup, struct owners_bpf_load *out)
{
	(void)setup;
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < OWNERS_BPF_FDS; i++)
		out->fd[i] = -1;
	for (unsigned i = 0; i < OWNERS_BPF_PARTS; i++)
		(void)snprintf(
			out->reason[i], sizeof(out->reason[i]), "%s", KONN_BPF_MISSING);
	return -ENOSYS;
}

void owners_bpf_unload(struct owners_bpf_load *load)
{
	(void)load;
}
