#include "app/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/process.h"
#include "source/sockets.h"

#define STEP       65536u /* processes and descriptors; the pass is done at once */
#define DUMP_TRIES 3      /* a table that changed while it was dumped */
#define TEXTS_MOST ((size_t)64 << 20)
#define RAW_HEAD   offsetof(struct process_raw, bytes)

/* ---- before the lock-down ---- */

/* Passes facts on to the owners, and notes processes that have a socket. */
struct noted {
	struct owners *owners;
	struct buf ids; /* struct process_id */
	int32_t newest; /* pid of the last of them */
};

static void note(void *ctx, enum owners_event event, const struct owner_fact *fact)
{
	struct noted *n = ctx;

	owners_tell(n->owners, event, fact);
	if (event != OWNERS_HAS || fact->process.pid == n->newest)
		return;
	n->newest = fact->process.pid;
	buf_add(&n->ids, &fact->process, sizeof(fact->process));
}

static void note_inode(void *ctx, const struct socket_fact *fact)
{
	uint64_t inode = fact->inode;

	if (socket_has(fact, SOCKET_INODE))
		buf_add(ctx, &inode, sizeof(inode));
}

static int compare_inodes(const void *left, const void *right)
{
	uint64_t a, b;

	memcpy(&a, left, sizeof(a));
	memcpy(&b, right, sizeof(b));
	return a < b ? -1 : a > b;
}

/* A socket that is not among these may be younger than the look at its process. */
static void note_inodes(struct machine *m)
{
	struct sockets_sink sink = {&m->inodes, note_inode};
	struct sockets s;

	if (sockets_open(&s, m->netns) < 0)
		return; /* machine_tell says so */
	(void)sockets_list(&s, SOCKETS_EVERY_STATE, 0, &sink);
	sockets_close(&s);
	if (m->inodes.len)
		qsort(m->inodes.data, m->inodes.len / sizeof(uint64_t),
			sizeof(uint64_t), compare_inodes);
}

static bool was_there(const struct machine *m, uint64_t inode)
{
	return m->inodes.len &&
	       bsearch(&inode, m->inodes.data, m->inodes.len / sizeof(uint64_t),
		       sizeof(uint64_t), compare_inodes);
}

static int scan_owners(struct machine *m, int proc_fd, struct noted *noted)
{
	struct owners_sink sink = {noted, note};
	struct owners_scan scan;
	int r;

	owners_scan_init(&scan, proc_fd);
	(void)owners_begin(&m->owners); /* the first pass is of all */
	r = owners_scan_begin(&scan, OWNERS_ALL, &sink);
	if (r >= 0)
		do
			r = owners_scan_step(&scan, STEP, &sink);
		while (r == 1);
	if (r == 0)
		owners_end(&m->owners, &scan.status);
	owners_scan_done(&scan);
	return r;
}

/* What is not read here has a number and no name. */
static void read_processes(struct machine *m, int proc_fd, const struct buf *ids)
{
	static const uint64_t padding;
	struct process_raw raw;
	struct process_id id;

	for (size_t at = 0; at < ids->len; at += sizeof(id)) {
		size_t len = RAW_HEAD;

		memcpy(&id, ids->data + at, sizeof(id));
		if (process_read(proc_fd, id, &raw) < 0)
			continue;
		for (unsigned i = 0; i < PROCESS_PARTS; i++)
			len += raw.len[i];
		if (m->processes.len + len > TEXTS_MOST)
			return;
		buf_add(&m->processes, &raw, len);
		buf_add(&m->processes, &padding, -len % 8);
	}
}

int machine_scan(struct machine *m)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC, r;
	int proc_fd = open("/proc", flags), scan_fd = open("/proc", flags);
	struct noted noted = {.owners = &m->owners};
	struct hash_key key;
	struct stat st;

	if (stat("/proc/self/ns/net", &st) == 0)
		m->netns = st.st_ino;
	m->root = geteuid() == 0;
	note_inodes(m);
	r = proc_fd < 0 || scan_fd < 0 || getrandom(&key, sizeof(key), 0) < 0 ? -errno
									      : 0;
	if (r == 0)
		r = owners_init(&m->owners, OWNERS_MOST, &key);
	m->scanned = r == 0;
	if (r == 0)
		r = scan_owners(m, scan_fd, &noted); /* closes it */
	else if (scan_fd >= 0)
		(void)close(scan_fd); /* only read from */
	if (r == 0)
		read_processes(m, proc_fd, &noted.ids);
	if (proc_fd >= 0)
		(void)close(proc_fd); /* only read from */
	buf_done(&noted.ids);
	return r;
}

void machine_done(struct machine *m)
{
	owners_done(&m->owners);
	buf_done(&m->processes);
	buf_done(&m->inodes);
	*m = (struct machine){0};
}

/* ---- in the worker ---- */

struct round {
	struct socket_table *sockets;
	uint64_t now_ns;
};

static void tell_socket(void *ctx, const struct socket_fact *fact)
{
	struct round *round = ctx;

	socket_table_tell(round->sockets, fact, round->now_ns);
}

static uint64_t trouble(const struct sockets *s)
{
	const struct sockets_status *status = &s->parser.status;

	return status->interrupted + status->truncated + status->overruns;
}

/* A table that changed meanwhile may lack a socket: it is dumped again. */
static int dump(struct machine *m, struct sockets *s, const struct sockets_sink *sink)
{
	uint64_t before;
	int r;

	for (unsigned i = 0; i < DUMP_TRIES; i++) {
		before = trouble(s);
		r = sockets_list(s, SOCKETS_EVERY_STATE, SOCKETS_ALL_DETAILS, sink);
		if (r < 0 || trouble(s) == before)
			return r;
	}
	m->tables_lost++;
	return 0;
}

static void tell_processes(struct machine *m, struct engine *e)
{
	struct process_fact fact;
	struct process_text text;
	struct buf scratch = {0};

	for (size_t at = 0; at < m->processes.len;) {
		const struct process_raw *raw = (const void *)(m->processes.data + at);
		size_t len = RAW_HEAD;

		for (unsigned i = 0; i < PROCESS_PARTS; i++)
			len += raw->len[i];
		at += len + -len % 8;
		if (process_parse(raw, &scratch, &fact, &text))
			(void)process_table_tell(engine_processes(e), &fact,
				&text); /* no room: it has no name */
	}
	buf_done(&scratch);
	buf_done(&m->processes);
}

static void tell_owner(
	struct machine *m, struct engine *e, const struct socket_entry *s)
{
	const struct socket_entry *listener = NULL;
	struct owners_question question = {
		.inode = socket_has(&s->fact, SOCKET_INODE) ? s->fact.inode : 0,
		.state = s->fact.proto == PROTO_TCP ? (enum tcp_state)s->fact.state
						    : TCP_STATE_NONE,
	};
	struct process *process = NULL;
	struct owner_fact owner;

	if (!question.inode && question.state != TCP_TIME_WAIT && !s->alone)
		listener = socket_table_server(engine_sockets(e), &s->key, s->end);
	if (question.inode && !was_there(m, question.inode))
		question.first_passes = owners_passes(&m->owners);
	if (listener && socket_has(&listener->fact, SOCKET_INODE))
		question.listener = listener->fact.inode;
	owners_resolve(&m->owners, &question, &owner);
	owner.cookie = s->fact.cookie;
	owner.has |= OWNER_HAS_COOKIE;
	m->hidden += owner.reason == OWNER_REASON_no_permission;
	if (owner.process.pid)
		process = process_table_get(engine_processes(e), owner.process);
	socket_table_own(engine_sockets(e), &owner, process);
}

int machine_tell(struct machine *m, struct engine *e, uint64_t now_ns, struct err *err)
{
	struct socket_table *t = engine_sockets(e);
	struct round round = {t, now_ns};
	struct sockets_sink sink = {&round, tell_socket};
	struct sockets s;
	int r = sockets_open(&s, m->netns);

	if (r < 0) {
		errno = -r;
		return err_errno(err, "the kernel's sockets cannot be asked for");
	}
	socket_table_begin(t);
	r = dump(m, &s, &sink);
	sockets_close(&s);
	if (r < 0) {
		errno = -r;
		return err_errno(err, "the kernel's sockets cannot be read");
	}
	socket_table_end(t);
	m->hidden = 0;
	tell_processes(m, e);
	for (uint32_t n = 1; m->scanned && n <= t->highest; n++) {
		const struct socket_entry *entry = socket_table_at(t, n);

		if (entry && !entry->gone)
			tell_owner(m, e, entry);
	}
	return 0;
}

const char *machine_missing(const struct machine *m)
{
	const struct owners_status *s = &m->owners.status;

	if (!m->scanned || s->limited)
		return "not all processes could be looked at: owners may be missing";
	if (!m->hidden)
		return NULL;
	return m->root ? "some processes cannot be looked at, not even by root: owners "
			 "may be missing"
		       : "other users' processes cannot be looked at: run it as root "
			 "to "
			 "see who has their sockets";
}
