#include "frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/proto.h"

struct build frame_begin(uint16_t linktype)
{
	struct build b = {.linktype = linktype};

	return b;
}

static unsigned digit(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

void add_hex(struct build *b, const char *hex)
{
	while (*hex) {
		if (*hex == ' ') {
			hex++;
			continue;
		}
		b->b[b->len++] = (uint8_t)(digit(hex[0]) << 4 | digit(hex[1]));
		hex += 2;
	}
}

void add_zeros(struct build *b, uint32_t count)
{
	memset(b->b + b->len, 0, count);
	b->len += count;
}

void add_u16(struct build *b, unsigned value)
{
	b->b[b->len++] = (uint8_t)(value >> 8);
	b->b[b->len++] = (uint8_t)value;
}

void add_u32(struct build *b, uint32_t value)
{
	add_u16(b, value >> 16);
	add_u16(b, value & 0xffff);
}

void add_length(struct build *b, uint32_t at, uint32_t from)
{
	b->length[b->lengths].at = at;
	b->length[b->lengths++].from = from;
}

void add_ethernet(struct build *b, unsigned type)
{
	add_hex(b, "020000000002 020000000001");
	add_u16(b, type);
}

void add_ip4(struct build *b, unsigned proto, bool outer)
{
	uint32_t at = b->len;

	add_hex(b, "45 20 0000 abcd 0000 40");
	b->b[b->len++] = (uint8_t)proto;
	add_hex(b, outer ? "0000 c0000201 c0000202" : "0000 0a000001 0a000002");
	add_length(b, at + 2, at);
}

void add_ip6(struct build *b, unsigned proto, bool outer)
{
	uint32_t at = b->len;

	add_hex(b, "62012345 0000");
	b->b[b->len++] = (uint8_t)proto;
	add_hex(b, "40");
	add_hex(b, outer ? "20010db800ff00000000000000000001"
			 : "20010db8000000000000000000000001");
	add_hex(b, outer ? "20010db800ff00000000000000000002"
			 : "20010db8000000000000000000000002");
	add_length(b, at + 4, at + 40);
}

void add_ip(struct build *b, bool v6, unsigned proto, bool outer)
{
	if (v6)
		add_ip6(b, proto, outer);
	else
		add_ip4(b, proto, outer);
}

void add_tcp(struct build *b)
{
	add_u16(b, SPORT);
	add_u16(b, DPORT);
	add_u32(b, 1000);
	add_u32(b, 2000);
	add_hex(b, "5018 0200 0000 0000");
	add_hex(b, "68656c6c6f");
}

void add_udp_header(struct build *b, unsigned sport, unsigned dport)
{
	uint32_t at = b->len;

	add_u16(b, sport);
	add_u16(b, dport);
	add_u32(b, 0);
	add_length(b, at + 4, at);
}

void add_udp(struct build *b)
{
	add_udp_header(b, SPORT, DPORT);
	add_hex(b, "68656c6c6f");
}

void add_flow(struct build *b, bool v6)
{
	add_ip(b, v6, PROTO_TCP, false);
	add_tcp(b);
}

void frame_end(struct build *b)
{
	unsigned i;

	for (i = 0; i < b->lengths; i++) {
		uint32_t at = b->length[i].at, len = b->len - b->length[i].from;

		b->b[at] = (uint8_t)(len >> 8);
		b->b[at + 1] = (uint8_t)len;
	}
	b->lengths = 0;
}

struct decoder *test_decoder(void)
{
	struct hash_key key = {0x0123456789abcdef, 0xfedcba9876543210};
	struct decoder *d = decoder_new(&key);

	assert_non_null(d);
	return d;
}

struct frame frame_of(const struct build *b)
{
	return (struct frame){
		.bytes = b->b,
		.ts_ns = 1000000000,
		.caplen = b->len,
		.len = b->len,
		.linktype = b->linktype,
	};
}

static void assert_same(const struct packet *a, const struct packet *b)
{
	unsigned i;

	assert_memory_equal(a, b, offsetof(struct packet, vlan));
	for (i = 0; i < a->vlans; i++)
		assert_int_equal(a->vlan[i], b->vlan[i]);
	for (i = 0; i < a->tunnels; i++) {
		assert_int_equal(a->tunnel[i].kind, b->tunnel[i].kind);
		assert_int_equal(a->tunnel[i].has_id, b->tunnel[i].has_id);
		assert_int_equal(a->tunnel[i].id, b->tunnel[i].id);
	}
	if (a->sacks)
		assert_memory_equal(a->sack, b->sack, a->sacks * sizeof(a->sack[0]));
	if (a->has_mac) {
		assert_memory_equal(a->mac_src, b->mac_src, 6);
		assert_memory_equal(a->mac_dst, b->mac_dst, 6);
	}
}

/* What holds for any packet. */
static void assert_sound(const struct packet *p, const struct frame *f)
{
	assert_true(p->outcome <= OUTCOME_FILTERED);
	assert_int_equal(
		p->malformed != MALFORMED_NONE, p->outcome == OUTCOME_MALFORMED);
	assert_true(p->vlans <= PACKET_VLANS && p->tunnels <= PACKET_TUNNELS);
	assert_true(p->sacks <= PACKET_SACKS && p->wscale <= 14);
	assert_true(p->payload_captured <= p->payload_len);
	assert_int_equal(p->payload != NULL, p->payload_captured != 0);
	assert_true(p->segments >= 1);
	if (!p->payload)
		return;
	assert_true(p->payload >= f->bytes);
	assert_true(p->payload + p->payload_captured <= f->bytes + f->caplen);
}

struct packet decode_both(
	struct decoder *d, struct decoder *twin, const struct frame *f)
{
	/* of the exact size, so that the sanitizer sees each byte beyond */
	uint8_t *copy = malloc(f->caplen ? f->caplen : 1);
	struct frame own = *f;
	struct packet p, q;

	assert_non_null(copy);
	memcpy(copy, f->bytes, f->caplen);
	own.bytes = copy;
	memset(&p, 0xa5, sizeof(p));
	memset(&q, 0x5a, sizeof(q));
	decode_batch(d, &own, 1, &p);
	assert_sound(&p, &own);
	if (twin) {
		chain_decode(twin, &own, &q);
		assert_same(&p, &q);
	}
	if (p.payload)
		p.payload = f->bytes + (p.payload - copy);
	free(copy);
	return p;
}

struct packet decode_frame(const struct frame *f)
{
	struct decoder *d = test_decoder(), *twin = test_decoder();
	struct packet p = decode_both(d, twin, f);

	decoder_free(d);
	decoder_free(twin);
	return p;
}

struct packet decode_built(struct build *b)
{
	struct frame f;

	frame_end(b);
	f = frame_of(b);
	return decode_frame(&f);
}

void assert_flow(const struct packet *p, bool v6)
{
	assert_int_equal(p->malformed, MALFORMED_NONE);
	assert_int_equal(p->outcome, OUTCOME_PARSED);
	assert_int_equal(p->kind, PACKET_TCP);
	assert_int_equal(p->key.family, v6 ? FAMILY_V6 : FAMILY_V4);
	assert_int_equal(p->key.proto, PROTO_TCP);
	assert_int_equal(p->key.addr[0].b[15], 1);
	assert_int_equal(p->key.addr[1].b[15], 2);
	assert_int_equal(p->key.addr[0].b[v6 ? 0 : 12], v6 ? 0x20 : 10);
	assert_int_equal(p->key.port[0], SPORT);
	assert_int_equal(p->key.port[1], DPORT);
	assert_int_equal(p->dir, 0);
	assert_int_equal(p->ip_bytes, (v6 ? 60 : 40) + PAYLOAD);
	assert_int_equal(p->payload_len, PAYLOAD);
	assert_int_equal(p->payload_captured, PAYLOAD);
	assert_memory_equal(p->payload, "hello", PAYLOAD);
	assert_int_equal(p->seq, 1000);
	assert_int_equal(p->ack, 2000);
	assert_int_equal(p->tcp_flags, TCP_ACK | TCP_PSH);
	assert_int_equal(p->window, 512);
	assert_int_equal(p->ttl, 64);
	assert_int_equal(p->tos, 0x20);
	assert_int_equal(p->ip_id, v6 ? 0 : 0xabcd);
	assert_int_equal(p->segments, 1);
}

void assert_malformed(const struct packet *p, enum malformed why)
{
	assert_int_equal(p->outcome, OUTCOME_MALFORMED);
	assert_string_equal(malformed_name(p->malformed), malformed_name(why));
}
