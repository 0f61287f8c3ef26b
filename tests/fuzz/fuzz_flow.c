/*
 * Flow table: bytes become packets of a few connections, in small tables with any
 * clock.
 *
 * The first byte chooses the setup, the next ones are packets of PACKET_BYTES. After
 * each batch every record, wheel and index entry must agree (table_check.h), and at the
 * end each packet must have been counted once: in a row, as a copy, or as lost.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/counters.h"
#include "measure/gaps.h"
#include "measure/resent.h"
#include "../unit/flow/table_check.h"

#define PACKET_BYTES 8
#define BATCH        32
#define EPOCH_NS     1700000000000000000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
	struct flow_table *table;
	struct flow_setup setup;
	struct counters counters;
	uint64_t now_ns;
	uint64_t fed, ended_packets, rows, active;
	struct packet batch[BATCH];
	unsigned waiting;
};

static void check_row(const struct flow *f)
{
	assert(f->last_ns >= f->first_ns);
	assert(memchr(f->history, '\0', sizeof(f->history)));
	assert(flow_conn_state(f));
	assert(f->orig < 2);
	assert(f->side[0].packets + f->side[1].packets > 0);
	for (unsigned d = 0; d < 2; d++) {
		assert(f->side[d].payload_bytes <= f->side[d].ip_bytes);
		assert(f->side[d].state < TCP_STATE_COUNT);
		assert(!f->tcp || f->tcp->holes[d].gaps_used <= GAPS_MOST);
		assert(!f->tcp || f->tcp->holes[d].resent_used <= RESENT_MOST);
		assert(f->side[d].packets || !f->side[d].ip_bytes);
	}
	assert(f->key.proto == PROTO_TCP || !(f->facts & FLOW_CLOSED));
	assert(f->facts & FLOW_CLOSED || !f->closed_ns);
}

static void on_event(
	void *ctx, const struct flow *f, enum flow_event e, uint64_t now_ns)
{
	(void)ctx;
	(void)now_ns;
	assert(e < FLOW_EVENT_COUNT);
	assert(flow_conn_state(f));
}

static void on_ended(void *ctx, const struct flow *f, uint64_t now_ns)
{
	struct fuzz *z = ctx;
	uint32_t half_open = z->table->wheel[CLASS_HALF_OPEN].count +
			     z->table->wheel[CLASS_HALF_OPEN_SMALL].count;

	(void)now_ns;
	check_row(f);
	if (f->evicted == EVICT_ACTIVE && z->setup.max_flows)
		assert(half_open == 0);
	z->rows++;
	z->ended_packets += f->side[0].packets + f->side[1].packets;
}

struct wanted {
	const struct tuple *key;
	unsigned found;
};

static void visit(void *ctx, const struct flow *f, uint32_t handle)
{
	struct wanted *w = ctx;

	(void)handle;
	check_row(f);
	w->found += tuple_equal(w->key, &f->key);
}

static bool counted(const struct packet *p)
{
	return p->outcome == OUTCOME_PARSED && p->kind >= PACKET_TCP &&
	       p->kind <= PACKET_OTHER_IP && p->kind != PACKET_ICMP_ERROR;
}

/* The newest packet's flow is there, once. */
static void check_newest(struct fuzz *z, const struct packet *p, uint64_t overruns)
{
	struct wanted w = {&p->key, 0};

	flow_table_each(z->table, &w, visit);
	assert(w.found <= 1);
	if (counted(p) && p->ts_ns == z->table->now_ns && p->ts_ns < UINT64_MAX / 2 &&
		overruns == z->counters.overruns && !z->setup.no_midstream)
		assert(w.found == 1);
}

static void feed(struct fuzz *z)
{
	uint64_t overruns = z->counters.overruns;
	const char *problem;

	if (!z->waiting)
		return;
	for (unsigned i = 0; i < z->waiting; i++)
		if (counted(&z->batch[i]))
			z->fed += z->batch[i].segments;
	flow_table_feed(z->table, z->batch, z->waiting);
	problem = table_check(z->table);
	if (problem)
		__builtin_trap();
	check_newest(z, &z->batch[z->waiting - 1], overruns);
	z->waiting = 0;
}

static void set_key(struct fuzz *z, struct packet *p, unsigned talk)
{
	static const uint8_t protos[] = {
		PROTO_TCP, PROTO_TCP, PROTO_TCP, PROTO_UDP, PROTO_ICMP, PROTO_ESP};
	static const uint8_t kinds[] = {PACKET_TCP, PACKET_TCP, PACKET_TCP, PACKET_UDP,
		PACKET_ICMP, PACKET_OTHER_IP};
	struct addr a = {{[10] = 0xff, [11] = 0xff, 10, 0, 0, 1}}, b = a;
	bool v6 = talk & 8;

	b.b[15] = 2;
	if (v6)
		a.b[0] = b.b[0] = 0x20;
	p->key.proto = protos[talk % 6];
	p->kind = kinds[talk % 6];
	if (v6 && p->kind == PACKET_ICMP)
		p->key.proto = PROTO_ICMPV6;
	p->key.family = v6 ? FAMILY_V6 : FAMILY_V4;
	p->key.scope = talk % 5 == 0;
	(void)tuple_order(&p->key, &a, (uint16_t)(40000 + talk), &b, 80);
	p->hash = (uint32_t)tuple_hash(&z->setup.key, &p->key);
}

static void set_time(struct fuzz *z, uint8_t code)
{
	static const uint64_t steps_ns[] = {0, 1000, 900000, 60000000, 1000000000,
		5000000000, 60000000000, 301000000000, 7441000000000, 1ull << 40};

	if (code < 200)
		z->now_ns += steps_ns[code % 10];
	else if (code < 240)
		z->now_ns -= steps_ns[code % 10];
	else if (code < 244)
		z->now_ns = code < 242 ? 0 : UINT64_MAX;
	else
		z->now_ns = EPOCH_NS;
}

static uint32_t number(uint8_t code, uint32_t base)
{
	static const uint32_t jumps[] = {0, 1, 2, 100, 101, 1400, 65536, 0x7fffffff};

	return code & 8 ? base - jumps[code & 7] : base + jumps[code & 7];
}

static void set_rest(struct packet *p, const uint8_t *b)
{
	static const uint32_t sizes[] = {0, 0, 1, 100, 1400, 60000, 65535, 20000000};

	p->payload_len = sizes[b[2] & 7];
	p->ip_bytes = p->payload_len + 40;
	p->wire_bytes = p->ip_bytes + (b[2] & 8 ? 14 : b[2] & 16 ? 0 : 250);
	p->segments = b[2] & 32 ? 3 : 1;
	p->cut = b[2] & 64;
	p->seq = number(b[4] & 15, 1000);
	p->ack = p->tcp_flags & TCP_ACK ? number(b[4] >> 4, 1000) : 0;
	p->ip_id = b[5] & 7;
	p->fragment = b[5] >> 3 & 3;
	if (p->fragment == 3)
		p->fragment = 0;
	p->carrier = p->interface = b[5] >> 5 & 1;
	p->window = b[5] & 64 ? 0 : 1000;
	p->has_wscale = b[6] & 1;
	p->wscale = b[6] >> 1 & 7;
	p->has_mss = b[6] & 16;
	p->mss = 1460;
	p->vlans = b[6] >> 5 & 1;
	p->vlan[0] = b[6] >> 6;
	p->tos = b[6] >> 6;
	p->icmp_type = b[7];
	p->icmp_code = b[7] >> 4;
	p->has_icmp_id = b[7] & 1;
}

static void add_packet(struct fuzz *z, const uint8_t *b)
{
	struct packet *p = &z->batch[z->waiting++];

	memset(p, 0, sizeof(*p));
	set_key(z, p, b[0] & 15);
	p->dir = b[0] >> 4 & 1;
	p->outcome = OUTCOME_PARSED;
	p->tcp_flags = p->kind == PACKET_TCP ? b[1] : 0;
	p->ttl = 64;
	set_rest(p, b);
	if (b[0] >> 5 == 7)
		p->kind = PACKET_ICMP_ERROR;
	if (b[0] >> 5 == 6)
		p->outcome = OUTCOME_MALFORMED;
	set_time(z, b[3]);
	p->ts_ns = z->now_ns;
	if (z->waiting == BATCH || b[1] & 0x40)
		feed(z);
}

static void finish(struct fuzz *z)
{
	feed(z);
	flow_table_flush(z->table, z->now_ns);
	assert(flow_table_count(z->table) == 0);
	assert(!table_check(z->table));
	assert(z->rows == z->counters.conns);
	/* a copy may stand for three packets */
	if (!z->counters.overruns && !z->setup.no_midstream)
		assert(z->ended_packets <= z->fed &&
			z->fed - z->ended_packets >= z->counters.copies &&
			z->fed - z->ended_packets <= 3 * z->counters.copies);
	flow_table_free(z->table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t memory[] = {1000, 16 << 10, 64 << 10, 1 << 20};
	struct fuzz z = {.now_ns = EPOCH_NS};

	if (size < 1)
		return 0;
	z.setup = (struct flow_setup){
		.key = {7, 11},
		.counters = &z.counters,
		.sink = {.ctx = &z, .event = on_event, .ended = on_ended},
		.memory_bytes = memory[data[0] & 3],
		.max_flows = data[0] >> 2 & 3,
		.idle_ns = data[0] & 16 ? 1000000000u : 0,
		.live = data[0] & 32,
		.no_midstream = data[0] & 64,
	};
	z.table = flow_table_new(&z.setup);
	assert(z.table);
	if (data[0] & 128)
		flow_table_merge_interfaces(z.table);
	for (size_t at = 1; at + PACKET_BYTES <= size; at += PACKET_BYTES)
		add_packet(&z, data + at);
	finish(&z);
	return 0;
}
