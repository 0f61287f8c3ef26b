#include <errno.h>
#include <string.h>

#include "base/num.h"
#include "source/cgroup.h"
#include "source/clean.h"
#include "source/process.h"

/* proc_pid_stat(5): fields are counted from 1; 3 is the first behind the name. */
enum stat_field {
	FIELD_STATE = 3,
	FIELD_PARENT = 4,
	FIELD_FLAGS = 9,
	FIELD_THREADS = 20,
	FIELD_START = 22,
};

#define PF_KTHREAD 0x00200000u /* include/linux/sched.h; fixed since 2.6.18 */

static const char deleted_tail[] = " (deleted)";

/* Takes the text before the next blank; false at the end. */
static bool next_word(const char **at, const char *end, const char **word, size_t *len)
{
	const char *blank;

	while (*at < end && **at == ' ')
		(*at)++;
	if (*at >= end)
		return false;
	blank = memchr(*at, ' ', (size_t)(end - *at));
	*word = *at;
	*len = (size_t)((blank ? blank : end) - *at);
	*at += *len;
	return true;
}

static bool set_field(
	struct process_stat *out, unsigned field, const char *word, size_t len)
{
	uint64_t value;

	if (field == FIELD_STATE) {
		out->state = word[0];
		return len == 1;
	}
	if (field != FIELD_PARENT && field != FIELD_FLAGS && field != FIELD_THREADS &&
		field != FIELD_START)
		return true;
	if (!num_parse_u64(word, len, &value))
		return false;
	if (field == FIELD_START)
		out->start_ticks = value;
	else if (field == FIELD_FLAGS)
		out->flags = (uint32_t)value;
	else if (value > INT32_MAX)
		return false;
	else if (field == FIELD_PARENT)
		out->parent_pid = (int32_t)value;
	else
		out->threads = (uint32_t)value;
	return true;
}

bool process_stat_parse(const char *text, size_t len, struct process_stat *out)
{
	struct process_stat made = {0};
	const char *open = len ? memchr(text, '(', len) : NULL;
	/* The name may hold brackets and blanks: the last one ends it. */
	const char *close = len ? memrchr(text, ')', len) : NULL;
	const char *at, *end, *word;
	uint64_t pid;
	size_t word_len;

	if (!open || !close || close < open || open == text || open[-1] != ' ' ||
		!num_parse_u64(text, (size_t)(open - text) - 1, &pid) ||
		pid > INT32_MAX)
		return false;
	made.comm = open + 1;
	made.comm_len = (size_t)(close - open) - 1;
	at = close + 1;
	end = text + len;
	for (unsigned field = FIELD_STATE; field <= FIELD_START; field++)
		if (!next_word(&at, end, &word, &word_len) ||
			!set_field(&made, field, word, word_len))
			return false;
	/* The text may have been cut inside the last number. */
	if (at == end)
		return false;
	made.id = (struct process_id){(int32_t)pid, made.start_ticks};
	*out = made;
	return true;
}

/* What stands behind "\nUid:" — real, effective, saved, file system. */
static bool parse_uids(
	const char *text, size_t len, uint32_t *out_uid, uint32_t *out_euid)
{
	static const char key[] = "\nUid:\t";
	const char *at = len ? memmem(text, len, key, sizeof(key) - 1) : NULL;
	const char *end = text + len, *stop;
	uint64_t ids[2];

	if (!at)
		return false;
	at += sizeof(key) - 1;
	for (unsigned i = 0; i < 2; i++) {
		stop = memchr(at, '\t', (size_t)(end - at));
		if (!stop || !num_parse_u64(at, (size_t)(stop - at), &ids[i]) ||
			ids[i] > UINT32_MAX)
			return false;
		at = stop + 1;
	}
	*out_uid = (uint32_t)ids[0];
	*out_euid = (uint32_t)ids[1];
	return true;
}

/* Arguments end with NUL each; a program may have written anything over them. */
static void parse_cmdline(const char *text, size_t len, bool cut, struct buf *scratch,
	struct process_text *out)
{
	char blank[PROCESS_CMDLINE_BYTES];

	len = len < sizeof(blank) ? len : sizeof(blank);
	while (len && text[len - 1] == '\0')
		len--;
	for (size_t i = 0; i < len; i++)
		blank[i] = text[i] ? text[i] : ' ';
	out->cmdline_cut = !clean_into(
		scratch, blank, len, out->cmdline, sizeof(out->cmdline));
	out->cmdline_cut |= cut;
}

static void parse_exe(const struct process_raw *raw, const char *text, size_t len,
	struct buf *scratch, struct process_text *out)
{
	size_t tail = sizeof(deleted_tail) - 1;
	bool marked = len > tail && memcmp(text + len - tail, deleted_tail, tail) == 0;

	/* A file that exists may be named so. */
	out->exe_deleted = marked && !raw->exe_linked;
	out->exe_cut = !clean_into(scratch, text, out->exe_deleted ? len - tail : len,
		out->exe, sizeof(out->exe));
	out->exe_cut |= (raw->cut >> PROCESS_PART_EXE) & 1;
}

/* The parts lie behind one another; false when their lengths cannot be. */
static bool place_parts(
	const struct process_raw *raw, const char *parts[static PROCESS_PARTS])
{
	size_t at = 0;

	for (unsigned i = 0; i < PROCESS_PARTS; i++) {
		if (raw->len[i] > sizeof(raw->bytes) - at)
			return false;
		parts[i] = raw->bytes + at;
		at += raw->len[i];
	}
	return true;
}

static void set_fact(const struct process_raw *raw, const struct process_stat *stat,
	struct buf *scratch, struct process_fact *out)
{
	memset(out, 0, sizeof(*out));
	out->id = stat->id;
	out->parent_pid = stat->parent_pid;
	out->has = PROCESS_HAS_PARENT;
	if (stat->flags & PF_KTHREAD)
		out->has |= PROCESS_KERNEL_THREAD;
	if (raw->netns) {
		out->netns = raw->netns;
		out->has |= PROCESS_HAS_NETNS;
	}
	(void)clean_into(
		scratch, stat->comm, stat->comm_len, out->comm, sizeof(out->comm));
	if (out->comm[0])
		out->has |= PROCESS_HAS_COMM;
}

bool process_parse(const struct process_raw *raw, struct buf *scratch,
	struct process_fact *out_fact, struct process_text *out_text)
{
	const char *parts[PROCESS_PARTS];
	const uint32_t *len = raw->len;
	struct process_stat stat;

	if (!place_parts(raw, parts) || !process_stat_parse(parts[PROCESS_PART_STAT],
						len[PROCESS_PART_STAT], &stat))
		return false;
	set_fact(raw, &stat, scratch, out_fact);
	if (parse_uids(parts[PROCESS_PART_STATUS], len[PROCESS_PART_STATUS],
		    &out_fact->uid, &out_fact->euid))
		out_fact->has |= PROCESS_HAS_UID;
	memset(out_text, 0, sizeof(*out_text));
	parse_cmdline(parts[PROCESS_PART_CMDLINE], len[PROCESS_PART_CMDLINE],
		(raw->cut >> PROCESS_PART_CMDLINE) & 1, scratch, out_text);
	parse_exe(
		raw, parts[PROCESS_PART_EXE], len[PROCESS_PART_EXE], scratch, out_text);
	cgroup_parse(parts[PROCESS_PART_CGROUP], len[PROCESS_PART_CGROUP], scratch,
		&out_text->cgroup);
	return true;
}
