#include "model/process_table.h"

#include <errno.h>
#include <string.h>

#define TEXT_SHARE 2 /* half of the memory is for texts */

int process_table_init(struct process_table *t, uint64_t memory_bytes)
{
	uint64_t most = memory_bytes / TEXT_SHARE / sizeof(struct process);

	*t = (struct process_table){.text_most = memory_bytes / TEXT_SHARE};
	return slab_init(&t->processes, sizeof(struct process),
		most > UINT32_MAX - 1 ? UINT32_MAX - 1 : (uint32_t)most + 1);
}

static struct process *at(const struct process_table *t, uint32_t number)
{
	return slab_at(&t->processes, number);
}

void process_table_done(struct process_table *t)
{
	for (unsigned i = 0; i < PROCESS_TABLE_BUCKETS; i++)
		for (uint32_t n = t->bucket[i]; n; n = at(t, n)->next)
			buf_done(&at(t, n)->text);
	slab_done(&t->processes);
	*t = (struct process_table){0};
}

struct process *process_table_get(struct process_table *t, struct process_id id)
{
	uint32_t *bucket = &t->bucket[(uint32_t)id.pid % PROCESS_TABLE_BUCKETS], n;

	for (n = *bucket; n; n = at(t, n)->next)
		if (process_id_same(at(t, n)->fact.id, id))
			return at(t, n);
	n = slab_alloc(&t->processes);
	if (!n)
		return NULL;
	*at(t, n) = (struct process){.fact = {.id = id},
		.next = *bucket,
		.exe = "",
		.cmdline = "",
		.unit = "",
		.container = ""};
	*bucket = n;
	return at(t, n);
}

static size_t put(struct buf *out, const char *text)
{
	size_t start = out->len;

	buf_add(out, text, strlen(text) + 1);
	return start;
}

static size_t put_container(struct buf *out, const struct cgroup_fact *cgroup)
{
	const char *kind = container_name(cgroup->container);
	size_t start = out->len;

	if (kind)
		buf_str(out, kind);
	if (kind && cgroup->id[0]) {
		buf_char(out, ':');
		buf_str(out, cgroup->id);
	}
	buf_char(out, '\0');
	return start;
}

int process_table_tell(struct process_table *t, const struct process_fact *fact,
	const struct process_text *text)
{
	struct process *p = process_table_get(t, fact->id);
	size_t exe, cmdline, unit, container;
	struct buf words = {0};

	if (!p)
		return -ENOMEM;
	p->fact = *fact;
	exe = put(&words, text->exe);
	cmdline = put(&words, text->cmdline);
	unit = put(&words, text->cgroup.unit);
	container = put_container(&words, &text->cgroup);
	t->text_bytes -= p->text.len;
	buf_done(&p->text);
	p->exe = p->cmdline = p->unit = p->container = "";
	if (words.oom || t->text_bytes + words.len > t->text_most) {
		buf_done(&words);
		return -ENOMEM;
	}
	t->text_bytes += words.len;
	p->text = words;
	p->exe = words.data + exe;
	p->cmdline = words.data + cmdline;
	p->unit = words.data + unit;
	p->container = words.data + container;
	return 0;
}
