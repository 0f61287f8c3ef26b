#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "table_check.h"

#define HEADERS_BYTES  40u
#define ETHERNET_BYTES 14u

static void on_event(
	void *ctx, const struct flow *f, enum flow_event e, uint64_t now_ns)
{
	struct rig *r = ctx;

	if (r->events < RIG_EVENTS)
		r->event[r->events++] = (struct rig_event){e, now_ns, f->key};
}

static void on_ended(void *ctx, const struct flow *f, uint64_t now_ns)
{
	struct rig *r = ctx;

	(void)now_ns;
	r->ended_packets += f->side[0].packets + f->side[1].packets;
	if (r->rows < RIG_ROWS)
		r->row[r->rows] = *f;
	for (unsigned d = 0; f->tcp && r->rows < RIG_ROWS && d < 2; d++)
		r->missed[r->rows][d] = f->tcp->result[d].loss.missed_bytes;
	r->rows++;
}

struct rig *rig_new(const struct flow_setup *setup)
{
	struct rig *r = aligned_alloc(_Alignof(struct rig), sizeof(*r));

	assert_non_null(r);
	memset(r, 0, sizeof(*r));
	if (setup)
		r->setup = *setup;
	if (!r->setup.memory_bytes)
		r->setup.memory_bytes = 1u << 20;
	r->setup.key = (struct hash_key){7, 11};
	r->setup.counters = &r->counters;
	r->setup.sink = (struct flow_sink){
		.ctx = r, .event = on_event, .ended = on_ended};
	r->table = flow_table_new(&r->setup);
	assert_non_null(r->table);
	r->now_ns = RIG_EPOCH;
	r->batch = 1;
	r->talk = rig_talk(PROTO_TCP, 0, false);
	return r;
}

void rig_free(struct rig *r)
{
	flow_table_free(r->table);
	free(r);
}

void rig_only_full(struct rig *r)
{
	r->table->paths.used = PATHS_MOST - 1;
}

struct dialogue rig_talk(uint8_t proto, unsigned n, bool v6)
{
	struct addr client = {{[10] = 0xff, [11] = 0xff, 10, 0, 0, 1}};
	struct addr server = {{[10] = 0xff, [11] = 0xff, 10, 0, 0, 2}};
	struct dialogue t = {.next = {RIG_ISN0, RIG_ISN1}};
	struct packet *p = &t.proto;

	if (v6) {
		client = (struct addr){{0x20, 1, 0xd, 0xb8, [15] = 1}};
		server = (struct addr){{0x20, 1, 0xd, 0xb8, [15] = 2}};
	}
	client.b[13] = (uint8_t)(n >> 16);
	client.b[14] = (uint8_t)(n >> 8);
	p->key.family = v6 ? FAMILY_V6 : FAMILY_V4;
	p->key.proto = proto;
	p->dir = (uint8_t)tuple_order(
			 &p->key, &client, (uint16_t)(40000 + n % 256), &server, 443) &
		 1;
	p->outcome = OUTCOME_PARSED;
	p->kind = proto == PROTO_TCP ? PACKET_TCP : PACKET_UDP;
	if (proto == PROTO_ICMP || proto == PROTO_ICMPV6) {
		p->kind = PACKET_ICMP;
		p->icmp_type = v6 ? 128 : 8;
		p->key.port[0] = p->key.port[1] = p->icmp_id = (uint16_t)n;
		p->has_icmp_id = true;
	}
	p->segments = 1;
	p->window = RIG_WINDOW;
	p->ttl = 64;
	return t;
}

struct packet rig_packet(const struct rig *r, const struct dialogue *t, unsigned dir)
{
	struct packet p = t->proto;

	p.dir = (p.dir ^ dir) & 1;
	if (dir)
		p.ttl = 32;
	if (dir && p.kind == PACKET_ICMP)
		p.icmp_type = p.key.family == FAMILY_V6 ? 129 : 0;
	p.hash = (uint32_t)tuple_hash(&r->setup.key, &p.key);
	p.ts_ns = r->now_ns;
	p.interface = p.carrier = r->interface;
	p.ip_id = r->ip_id;
	p.seq = t->next[dir];
	p.ip_bytes = HEADERS_BYTES;
	p.wire_bytes = p.ip_bytes + ETHERNET_BYTES;
	return p;
}

void rig_feed_waiting(struct rig *r)
{
	const char *problem;

	if (!r->waiters)
		return;
	flow_table_feed(r->table, r->waiting, r->waiters);
	r->waiters = 0;
	problem = table_check(r->table);
	if (problem)
		fail_msg("%s", problem);
}

void rig_feed(struct rig *r, const struct packet *p)
{
	r->waiting[r->waiters++] = *p;
	if (p->outcome == OUTCOME_PARSED && p->kind >= PACKET_TCP &&
		p->kind <= PACKET_OTHER_IP && p->kind != PACKET_ICMP_ERROR)
		r->fed += p->segments;
	if (r->waiters >= r->batch)
		rig_feed_waiting(r);
}

static unsigned flag_of(char c)
{
	static const char letters[] = "FSRPAU";
	const char *at = c ? strchr(letters, c) : NULL;

	return at ? 1u << (at - letters) : 0;
}

static void play_option(struct packet *p, char what, long number)
{
	switch (what) {
	case '@': p->seq += (uint32_t)number; break;
	case '#': p->ack += (uint32_t)number; break;
	case 'w': p->window = (uint16_t)number; break;
	case 's':
		p->has_wscale = true;
		p->wscale = (uint8_t)number;
		break;
	default: fail_msg("unknown option %c", what);
	}
}

static void play_options(struct packet *p, const char *at)
{
	while (*at && *at != ' ') {
		char *end;
		long number = strtol(at + 1, &end, 0);

		play_option(p, *at, number);
		at = end;
	}
}

static void play_packet(struct rig *r, const char *at)
{
	struct dialogue *t = &r->talk;
	unsigned dir = *at++ == '<';
	struct packet p = rig_packet(r, t, dir);
	uint32_t end;
	char *rest;

	for (; isupper((unsigned char)*at) || *at == '.'; at++)
		p.tcp_flags |= (uint16_t)flag_of(*at);
	p.payload_len = (uint32_t)strtoul(at, &rest, 10);
	p.ip_bytes += p.payload_len;
	p.wire_bytes += p.payload_len;
	if (p.tcp_flags & TCP_ACK)
		p.ack = t->next[!dir];
	play_options(&p, rest);
	end = p.seq + p.payload_len + !!(p.tcp_flags & TCP_SYN) +
	      !!(p.tcp_flags & TCP_FIN);
	if ((int32_t)(end - t->next[dir]) > 0)
		t->next[dir] = end;
	rig_feed(r, &p);
	r->now_ns += RIG_MS;
}

static void play_word(struct rig *r, const char *at)
{
	switch (*at) {
	case '<':
	case '>': play_packet(r, at); break;
	case 'x':
		r->talk.next[at[1] == '<'] += (uint32_t)strtoul(at + 2, NULL, 10);
		break;
	case 't': r->now_ns += (uint64_t)(strtoll(at + 1, NULL, 10) * 1000000); break;
	case 'i': r->interface = (uint16_t)strtoul(at + 1, NULL, 10); break;
	case 'n': r->ip_id = (uint16_t)strtoul(at + 1, NULL, 10); break;
	default: fail_msg("unknown word %s", at);
	}
}

void rig_play(struct rig *r, const char *script)
{
	while (*script) {
		if (*script != ' ')
			play_word(r, script);
		script += strcspn(script, " ");
		script += strspn(script, " ");
	}
}

void rig_end(struct rig *r)
{
	const char *problem;

	rig_feed_waiting(r);
	problem = table_check_all(r->table);
	if (problem)
		fail_msg("%s", problem);
	flow_table_flush(r->table, r->now_ns);
	assert_int_equal(flow_table_count(r->table), 0);
	assert_null(table_check_all(r->table));
	assert_int_equal(r->rows, r->counters.conns);
	if (!r->counters.overruns && !r->setup.no_midstream)
		assert_int_equal(r->ended_packets + r->counters.copies, r->fed);
}

struct wanted {
	const struct tuple *key;
	uint32_t handle;
};

static void visit(void *ctx, const struct flow *f, uint32_t handle)
{
	struct wanted *w = ctx;

	if (tuple_equal(w->key, &f->key))
		w->handle = handle;
}

const struct flow *rig_now(struct rig *r, const struct dialogue *t)
{
	struct wanted w = {&t->proto.key, 0};

	rig_feed_waiting(r);
	flow_table_each(r->table, &w, visit);
	return w.handle ? flow_table_at(r->table, w.handle) : NULL;
}

unsigned rig_count(const struct rig *r, enum flow_event e)
{
	unsigned count = 0;

	for (unsigned i = 0; i < r->events; i++)
		count += r->event[i].event == e;
	return count;
}

struct rig *rig_of(const char *script)
{
	struct rig *r = rig_new(NULL);

	rig_play(r, script);
	rig_end(r);
	return r;
}
