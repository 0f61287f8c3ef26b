#include <string.h>

#include "flow/history.h"
#include "flow/orient.h"
#include "flow/service.h"
#include "flow/small.h"
#include "flow/tcp.h"

#define WSCALE_NONE 15u

static void expand_sides(struct flow *out, const struct small *s)
{
	for (unsigned d = 0; d < 2; d++) {
		struct flow_side *side = &out->side[d];

		side->packets = s->packets[d];
		side->ip_bytes = s->ip_bytes[d];
		side->wire_bytes = (uint64_t)s->ip_bytes[d] + s->overhead[d];
		side->ttl = s->ttl[d];
		if (s->packets[d] == 1)
			side->last_size = s->ip_bytes[d];
		if (s->packets[d] && s->kind >= SMALL_MIDSTREAM)
			side->payload_bytes = s->payload[d];
		if (s->packets[d] && s->kind >= SMALL_ONE_WAY) {
			side->last_size = s->seq[d] >> 16;
			side->last_ip_id = (uint16_t)s->seq[d];
			side->last_seq = flow_stamp(small_last_ns(s));
		}
	}
}

static void expand_syn_side(
	struct flow *out, const struct small *s, unsigned d, bool ack)
{
	struct flow_side *side = &out->side[d];
	unsigned scale = s->wscale >> (d ? 4 : 0) & 15;

	side->syn_seen = side->has_seq = side->has_window = true;
	side->seq_next = s->seq[d];
	side->last_seq = s->seq[d] - 1;
	side->last_flags = ack ? TCP_SYN | TCP_ACK : TCP_SYN;
	side->window = s->window[d];
	side->mss = s->mss[d];
	side->has_wscale = scale != WSCALE_NONE;
	side->wscale = side->has_wscale ? (uint8_t)scale & 15 : 0;
	side->state = ack ? TCP_SYN_RECEIVED : TCP_SYN_SENT;
	if (ack) {
		side->has_ack = true;
		side->ack = s->seq[!d];
	}
	out->detail[d].isn = s->seq[d] - 1;
	out->detail[d].syns = s->packets[d];
	out->facts |= (ack ? FLOW_SAW_SYNACK : FLOW_SAW_SYN) | FLOW_ORIENTED;
	history_add(out, d, ack ? HISTORY_SYNACK : HISTORY_SYN);
}

static void expand_syn(struct flow *out, const struct small *s)
{
	if (s->note & SMALL_NOTE_FOLLOWS)
		out->facts |= FLOW_FOLLOWS;
	if (s->kind != SMALL_SYNACK) {
		expand_syn_side(out, s, s->orig, false);
		out->syn_ns = s->first_ns;
	}
	if (s->kind != SMALL_SYN)
		expand_syn_side(out, s, !s->orig, true);
	if (s->kind == SMALL_SYN_SYNACK && s->packets[0] == 1 && s->packets[1] == 1)
		out->synack_ns = small_last_ns(s);
	if (s->kind == SMALL_SYNACK) {
		out->synack_ns = s->first_ns;
		out->facts |= FLOW_MIDSTREAM;
	}
}

static void expand_midstream_history(
	struct flow *out, const struct small *s, unsigned d)
{
	if (s->note & SMALL_NOTE_DATA_FIRST)
		history_add(out, d, HISTORY_DATA);
	else if (s->note & SMALL_NOTE_ACK)
		history_add(out, d, HISTORY_ACK);
	if (s->note & SMALL_NOTE_ZERO_WINDOW)
		history_add(out, d, HISTORY_ZERO_WINDOW);
	if (s->note & SMALL_NOTE_ACK)
		history_add(out, d, HISTORY_ACK);
	if (s->note & SMALL_NOTE_DATA)
		history_add(out, d, HISTORY_DATA);
}

static void expand_midstream(struct flow *out, const struct small *s)
{
	unsigned d = s->packets[0] ? 0 : 1;
	struct flow_side *side = &out->side[d];

	side->last_ip_id = s->payload[!d];
	side->state = out->side[!d].state = TCP_ESTABLISHED;
	out->facts |= FLOW_MIDSTREAM;
	if (!s->mid.flags)
		return;
	side->has_window = true;
	side->window = s->mid.window;
	side->last_flags = s->mid.flags;
	if (!(s->mid.flags & TCP_RST)) {
		side->has_seq = true;
		side->seq_next = s->seq[d];
	}
	if ((s->mid.flags & (TCP_ACK | TCP_RST)) == TCP_ACK) {
		side->has_ack = true;
		side->ack = s->seq[!d];
	}
	expand_midstream_history(out, s, d);
	if ((s->mid.flags & (TCP_FIN | TCP_RST)) == (TCP_FIN | TCP_RST))
		history_add(out, d, HISTORY_INCONSISTENT);
	if (s->mid.flags & TCP_FIN && !(s->mid.flags & TCP_RST)) {
		history_add(out, d, HISTORY_FIN);
		side->fin_seen = true;
		side->state = TCP_FIN_WAIT_1;
		out->detail[d].fin_seq = s->seq[d];
	}
	if (s->mid.flags & TCP_RST) {
		history_add(out, d, HISTORY_RST);
		side->rst_seen = true;
		side->state = out->side[!d].state = TCP_CLOSED;
		out->facts |= FLOW_CLOSED;
		out->closed_ns = s->first_ns;
	}
}

static void expand_one_way(struct flow *out, const struct small *s)
{
	if (s->proto == PROTO_UDP)
		out->service = s->note;
	if (out->service)
		out->facts |= FLOW_TALKS;
	history_add(out, s->packets[0] ? 0 : 1, HISTORY_DATA);
}

static void expand_icmp(struct flow *out, const struct small *s)
{
	out->icmp_type = s->icmp_type;
	out->icmp_code = s->icmp_code;
	out->has_icmp_id = s->note & SMALL_NOTE_ICMP_ID;
	out->icmp_id = out->has_icmp_id ? s->port[0] : 0;
	if (out->has_icmp_id)
		out->facts |= FLOW_TALKS;
	if (s->packets[0] && s->packets[1])
		out->facts |= FLOW_ESTABLISHED;
	if (orient_icmp_certain(s->proto, s->icmp_type))
		out->facts |= FLOW_ORIENTED;
}

/* Counters so far as rates: all in the second of the first packet. */
static void expand_rates(struct flow *out, const struct small *s)
{
	out->rate_second = (uint32_t)(s->first_ns / 1000000000u);
	for (unsigned d = 0; d < 2; d++)
		rate_roll(&out->rate[d], out->rate_second, 0, 0);
}

void small_expand(
	struct flow *out, const struct small *s, bool v6, const struct paths *ps)
{
	/* Who sent the first packet: with answers, it was the originator. */
	unsigned first = s->packets[s->orig] ? s->orig : !s->orig;

	small_key(&out->key, s, v6, ps);
	out->first_ns = s->first_ns;
	out->last_ns = small_last_ns(s);
	out->orig = s->orig;
	out->facts = FLOW_SMALL | FLOW_HAS_DETAILS;
	path_of_number(out, ps, s->path);
	expand_sides(out, s);
	expand_rates(out, s);
	if (first != s->orig && s->kind != SMALL_ICMP)
		history_add(out, first, HISTORY_FLIPPED);
	switch ((enum small_kind)s->kind) {
	case SMALL_SYN:
	case SMALL_SYN_SYNACK:
	case SMALL_SYNACK: expand_syn(out, s); break;
	case SMALL_MIDSTREAM: expand_midstream(out, s); break;
	case SMALL_ONE_WAY: expand_one_way(out, s); break;
	case SMALL_ICMP: expand_icmp(out, s); break;
	}
	/* Where the answers came from is not kept: their next packet says it. */
	out->carrier[first] = ps->path[s->path].carrier;
	out->counted_ns[first] = out->last_ns;
}
