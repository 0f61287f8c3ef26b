#include "source/owners.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PID_BUCKETS 4096u

struct held {
	uint64_t inode;
	uint32_t previous, next; /* of the bucket; 0: none */
	uint32_t sibling;        /* next of the process */
	uint32_t process;
	int32_t fd;
	uint8_t via, confidence;
};
_Static_assert(sizeof(struct held) == 32, "100,000 sockets are 3 MB");

struct known {
	struct process_id id;
	uint32_t next;  /* of the bucket */
	uint32_t first; /* pair */
};

static struct held *held_at(const struct owners *o, uint32_t number)
{
	return slab_at(&o->held, number);
}

static struct known *known_at(const struct owners *o, uint32_t number)
{
	return slab_at(&o->processes, number);
}

int owners_init(struct owners *o, uint32_t most, const struct hash_key *key)
{
	uint32_t buckets = 64;
	int r;

	while (buckets < most / 2)
		buckets *= 2;
	*o = (struct owners){
		.key = *key, .inode_mask = buckets - 1, .pid_mask = PID_BUCKETS - 1};
	o->by_inode = calloc(buckets, sizeof(*o->by_inode));
	o->by_pid = calloc(PID_BUCKETS, sizeof(*o->by_pid));
	r = o->by_inode && o->by_pid ? 0 : -ENOMEM;
	if (r == 0)
		r = slab_init(&o->held, sizeof(struct held), most);
	if (r == 0)
		r = slab_init(
			&o->processes, sizeof(struct known), OWNERS_PROCESSES_MOST);
	if (r < 0)
		owners_done(o);
	return r;
}

void owners_done(struct owners *o)
{
	free(o->by_inode);
	free(o->by_pid);
	slab_done(&o->held);
	slab_done(&o->processes);
	*o = (struct owners){0};
}

static uint32_t *bucket_of(const struct owners *o, uint64_t inode)
{
	struct hash_state s = hash_begin(&o->key);

	hash_word(&s, inode);
	return &o->by_inode[hash_end(&s, sizeof(inode)) & o->inode_mask];
}

/* Numbers of processes are dense, so that their low bits spread them. */
static uint32_t *pid_bucket(const struct owners *o, int32_t pid)
{
	return &o->by_pid[(uint32_t)pid & o->pid_mask];
}

/* Where the number of the process stands; *result is 0 when it is not known. */
static uint32_t *find_process(const struct owners *o, int32_t pid)
{
	uint32_t *at = pid_bucket(o, pid);

	while (*at && known_at(o, *at)->id.pid != pid)
		at = &known_at(o, *at)->next;
	return at;
}

static void release_pairs(struct owners *o, struct known *process)
{
	uint32_t number = process->first, next;

	for (; number; number = next) {
		struct held *h = held_at(o, number);

		next = h->sibling;
		if (h->previous)
			held_at(o, h->previous)->next = h->next;
		else
			*bucket_of(o, h->inode) = h->next;
		if (h->next)
			held_at(o, h->next)->previous = h->previous;
		slab_free(&o->held, number);
	}
	process->first = 0;
}

static void on_gone(struct owners *o, int32_t pid)
{
	uint32_t *at = find_process(o, pid), number = *at;

	o->walking = 0;
	if (!number)
		return;
	release_pairs(o, known_at(o, number));
	*at = known_at(o, number)->next;
	slab_free(&o->processes, number);
}

static void on_walk(struct owners *o, struct process_id id)
{
	uint32_t *at = find_process(o, id.pid), number = *at;
	struct known *process;

	o->walking = 0;
	if (!number) {
		number = slab_alloc(&o->processes);
		if (!number)
			return; /* its sockets count as lost */
		process = known_at(o, number);
		process->first = 0;
		process->next = *pid_bucket(o, id.pid);
		*pid_bucket(o, id.pid) = number;
	}
	process = known_at(o, number);
	release_pairs(o, process);
	process->id = id;
	o->walking = number;
}

/*
 * Has the process that is walked told this socket already, by another descriptor? Newer
 * pairs stand first in a bucket and only one process is walked at a time, so its own
 * are those before any other's.
 */
static bool told_already(const struct owners *o, uint32_t number, uint64_t inode)
{
	for (; number; number = held_at(o, number)->next) {
		if (held_at(o, number)->process != o->walking)
			return false;
		if (held_at(o, number)->inode == inode)
			return true;
	}
	return false;
}

static void on_has(struct owners *o, const struct owner_fact *fact)
{
	uint32_t *bucket = bucket_of(o, fact->inode), number;
	struct known *process;

	if (!fact->inode)
		return;
	if (!o->walking || known_at(o, o->walking)->id.pid != fact->process.pid) {
		o->lost++;
		return;
	}
	if (told_already(o, *bucket, fact->inode))
		return;
	number = slab_alloc(&o->held);
	if (!number) {
		o->lost++;
		return;
	}
	process = known_at(o, o->walking);
	*held_at(o, number) = (struct held){
		.inode = fact->inode,
		.next = *bucket,
		.sibling = process->first,
		.process = o->walking,
		.fd = fact->has & OWNER_HAS_FD ? fact->fd : -1,
		.via = fact->via,
		.confidence = fact->confidence,
	};
	if (*bucket)
		held_at(o, *bucket)->previous = number;
	*bucket = process->first = number;
}

void owners_tell(void *ctx, enum owners_event event, const struct owner_fact *fact)
{
	struct owners *o = ctx;

	switch (event) {
	case OWNERS_WALK: on_walk(o, fact->process); break;
	case OWNERS_HAS: on_has(o, fact); break;
	case OWNERS_GONE: on_gone(o, fact->process.pid); break;
	default: /* of a helper that is not to be trusted either */ break;
	}
}

enum owners_pass owners_wanted(const struct owners *o)
{
	return o->wanted;
}

enum owners_pass owners_begin(struct owners *o)
{
	enum owners_pass pass = o->wanted > OWNERS_CHANGED ? o->wanted : OWNERS_CHANGED;

	o->passes++;
	o->lost = 0;
	o->walking = 0;
	o->wanted = OWNERS_NOTHING;
	return pass;
}

void owners_end(struct owners *o, const struct owners_status *status)
{
	o->status = *status;
	o->walking = 0;
	o->changed_pass = o->passes;
	if (status->whole)
		o->whole_pass = o->passes;
}

static struct owner_fact fact_of(const struct owners *o, const struct held *h)
{
	return (struct owner_fact){
		.inode = h->inode,
		.process = known_at(o, h->process)->id,
		.fd = h->fd < 0 ? 0 : h->fd,
		.via = h->via,
		.confidence = h->confidence,
		.has = OWNER_HAS_INODE | (h->fd < 0 ? 0 : OWNER_HAS_FD),
	};
}

/* Puts the fact at its place by pid; the highest falls out of a full list. */
static void insert(
	struct owner_fact *out, uint32_t count, uint32_t most, struct owner_fact fact)
{
	uint32_t at = count < most ? count : most;

	if (at == most && (!most || out[most - 1].process.pid < fact.process.pid))
		return;
	if (at == most)
		at--;
	for (; at && out[at - 1].process.pid > fact.process.pid; at--)
		out[at] = out[at - 1];
	out[at] = fact;
}

uint32_t owners_list(
	const struct owners *o, uint64_t inode, struct owner_fact *out, uint32_t most)
{
	uint32_t number = inode ? *bucket_of(o, inode) : 0, count = 0;

	for (; number; number = held_at(o, number)->next)
		if (held_at(o, number)->inode == inode)
			insert(out, count++, most, fact_of(o, held_at(o, number)));
	for (uint32_t i = 0; i < count && i < most; i++) {
		out[i].processes = count;
		out[i].has |= OWNER_HAS_COUNT;
	}
	return count;
}

/* A socket without an inode has no file: nobody has it open. */
static enum owner_reason reason_of_state(enum tcp_state state)
{
	switch (state) {
	case TCP_TIME_WAIT: return OWNER_REASON_time_wait;
	case TCP_SYN_RECEIVED:
	case TCP_ESTABLISHED:
	case TCP_CLOSE_WAIT: /* closing one makes it LAST-ACK, so it never had a file */
		return OWNER_REASON_not_accepted;
	default: return OWNER_REASON_orphan;
	}
}

static void want(struct owners *o, enum owners_pass pass)
{
	if (pass > o->wanted)
		o->wanted = pass;
}

static enum owner_reason reason_of_search(struct owners *o, uint32_t first_passes)
{
	const struct owners_status *s = &o->status;

	if (o->whole_pass <= first_passes) {
		want(o, o->changed_pass > first_passes ? OWNERS_ALL : OWNERS_CHANGED);
		return OWNER_REASON_not_searched;
	}
	want(o, OWNERS_CHANGED); /* it may be handed to a process yet */
	if (s->limited || o->lost)
		return OWNER_REASON_limit;
	if (s->denied || s->hidden)
		return OWNER_REASON_no_permission;
	return s->inner ? OWNER_REASON_other_pid_namespace : OWNER_REASON_no_descriptor;
}

void owners_resolve(struct owners *o, const struct owners_question *question,
	struct owner_fact *out)
{
	enum owner_reason reason;

	if (owners_list(o, question->inode, out, 1))
		return;
	reason = question->inode ? reason_of_search(o, question->first_passes)
				 : reason_of_state(question->state);
	if (owners_list(o, question->listener, out, 1)) {
		out->via = OWNER_VIA_listener;
		out->confidence = OWNER_CONFIDENCE_inherited;
		out->has &= (uint8_t) ~(OWNER_HAS_FD | OWNER_HAS_INODE);
		out->fd = 0;
	} else {
		*out = (struct owner_fact){0};
	}
	out->inode = question->inode;
	if (question->inode)
		out->has |= OWNER_HAS_INODE;
	out->reason = (uint8_t)reason;
}
