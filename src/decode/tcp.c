/* tcp — segments (RFC 9293 §3.1) and their options. */
#include "core/proto.h"
#include "decode/chain.h"
#include "decode/transport.h"

enum {
	OPT_END = 0,
	OPT_NOP = 1,
	OPT_MSS = 2,
	OPT_WSCALE = 3,
	OPT_SACK_PERMITTED = 4,
	OPT_SACK = 5,
	OPT_TIMESTAMPS = 8,
};

#define WSCALE_MOST 14 /* RFC 7323 §2.3: larger ones count as this */

static void sack_blocks(struct packet *p, struct cur *c)
{
	while (cur_left(c) >= 8 && p->sacks < PACKET_SACKS) {
		p->sack[p->sacks].from = cur_be32(c);
		p->sack[p->sacks].to = cur_be32(c);
		p->sacks++;
	}
}

/* `c` holds exactly the value. Values of a wrong length are passed over. */
static void take_option(struct packet *p, unsigned kind, struct cur *c)
{
	size_t len = cur_left(c);

	if (kind == OPT_MSS && len == 2) {
		p->has_mss = true;
		p->mss = cur_be16(c);
	} else if (kind == OPT_WSCALE && len == 1) {
		p->has_wscale = true;
		p->wscale = cur_u8(c);
		if (p->wscale > WSCALE_MOST)
			p->wscale = WSCALE_MOST;
	} else if (kind == OPT_SACK_PERMITTED && len == 0) {
		p->sack_permitted = true;
	} else if (kind == OPT_SACK) {
		sack_blocks(p, c);
	} else if (kind == OPT_TIMESTAMPS && len == 8) {
		tcp_timestamps(p, c->at);
	}
}

void tcp_options(struct packet *p, const uint8_t *at, uint32_t len)
{
	struct cur c = cur_of(at, len);

	while (cur_left(&c)) {
		unsigned kind = cur_u8(&c), size;
		const uint8_t *value;
		struct cur v;

		if (kind == OPT_END)
			return;
		if (kind == OPT_NOP)
			continue;
		size = cur_u8(&c);
		if (size < 2)
			return;
		value = cur_take(&c, size - 2);
		if (!value)
			return;
		v = cur_of(value, size - 2);
		take_option(p, kind, &v);
	}
}

/* A first fragment may end inside of the header. */
static bool bad_offset(const struct chain *ch, uint32_t header)
{
	return header < 20 || (header > chain_left(ch) && !ch->partial);
}

/* The header was not captured whole, or a first fragment ends inside: see decode.h. */
static enum step tcp_part(struct chain *ch, uint32_t claimed)
{
	struct packet *p = ch->p;
	size_t there = cur_left(&ch->c);
	uint8_t h[20] = {0};
	uint32_t header;

	if (there < 4)
		return chain_bad(ch, MALFORMED_cut);
	memcpy(h, ch->c.at, there < 20 ? there : 20);
	chain_flow(ch, PACKET_TCP, load_be16(h), load_be16(h + 2));
	p->payload = NULL;
	p->payload_captured = 0;
	p->payload_len = 0;
	if (there < 14)
		return STEP_DONE;
	header = (h[12] >> 4) * 4u;
	if (bad_offset(ch, header))
		return chain_bad(ch, MALFORMED_tcp_header_length);
	tcp_fixed(p, h);
	if (there > 20)
		tcp_options(p, ch->c.at + 20, (uint32_t)there - 20);
	p->payload_len = claimed > header ? claimed - header : 0;
	return STEP_DONE;
}

static enum step tcp_step(struct chain *ch)
{
	uint32_t claimed = chain_claimed(ch), left = chain_left(ch), header;
	const uint8_t *h = ch->c.at;

	if (left < 20 && !(ch->partial && left >= 4))
		return chain_bad(ch, MALFORMED_tcp_short);
	if (cur_left(&ch->c) < 20)
		return tcp_part(ch, claimed);
	header = (h[12] >> 4) * 4u;
	if (bad_offset(ch, header))
		return chain_bad(ch, MALFORMED_tcp_header_length);
	if (cur_left(&ch->c) < header)
		return tcp_part(ch, claimed);
	cur_skip(&ch->c, header);
	chain_flow(ch, PACKET_TCP, load_be16(h), load_be16(h + 2));
	tcp_fixed(ch->p, h);
	tcp_options_fast(ch->p, h + 20, header - 20);
	chain_payload(ch, claimed - header);
	return STEP_DONE;
}

const struct dissector dissector_tcp = {
	.step = tcp_step,
	.keys = {{KEY_IP, PROTO_TCP}},
};
