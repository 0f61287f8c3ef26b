/* Raw records of socket owners: any bytes, as if the process that reads them were
 * hostile. */
#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "source/owners_bpf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_process(const struct process_fact *p)
{
	size_t len = strnlen(p->comm, sizeof(p->comm));
	uint32_t code_point;

	assert(p->id.pid >= 0 && len < sizeof(p->comm));
	assert((len > 0) == !!(p->has & PROCESS_HAS_COMM));
	for (size_t at = 0, n; at < len; at += n) {
		n = text_utf8(p->comm + at, len - at, &code_point);
		assert(n && text_printable(code_point));
	}
}

static void on_fact(void *ctx, const struct owners_bpf_fact *f)
{
	size_t *facts = ctx;

	++*facts;
	assert(f->owner.cookie && f->owner.has & OWNER_HAS_COOKIE);
	assert(f->owner.process.pid > 0 && f->owner.process.pid == f->process.id.pid);
	assert(owner_via_name(f->owner.via));
	assert(owner_confidence_name(f->owner.confidence));
	assert(f->family == FAMILY_V4 || f->family == FAMILY_V6);
	check_process(&f->process);
	check_process(&f->creator);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf scratch = {0};
	size_t facts = 0, bad;
	struct owners_bpf_sink sink = {&facts, on_fact};

	bad = owners_bpf_parse(data, size, &scratch, &sink);
	assert(facts + bad ==
		size / OWNERS_BPF_RECORD_BYTES + (size % OWNERS_BPF_RECORD_BYTES > 0));
	buf_done(&scratch);
	return 0;
}
