#include "flow/small.h"

#include <string.h>

#include "flow/history.h"
#include "flow/service.h"
#include "flow/tcp.h"

#define LASTS_NS      1000000000u
#define LASTS_PACKETS 4 /* a flood of spoofed packets has one or two of a kind */
#define WSCALE_NONE   15u

static bool tcp_kind(const struct packet *p, enum small_kind *out)
{
	unsigned flags = p->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN);

	if (p->fragment == 2)
		return false;
	if (!(flags & TCP_SYN)) {
		*out = SMALL_MIDSTREAM;
		return true;
	}
	*out = flags & TCP_ACK ? SMALL_SYNACK : SMALL_SYN;
	return (flags & (TCP_RST | TCP_FIN)) == 0 && p->payload_len == 0;
}

static bool counters_fit(const struct small *s, const struct packet *p)
{
	unsigned d = p->dir;
	uint32_t overhead = p->wire_bytes - p->ip_bytes;

	return p->segments == 1 && s->packets[d] < UINT8_MAX &&
	       p->wire_bytes >= p->ip_bytes &&
	       p->ip_bytes <= (uint32_t)(UINT16_MAX - s->ip_bytes[d]) &&
	       overhead <= (uint32_t)(UINT8_MAX - s->overhead[d]) &&
	       p->payload_len <= p->ip_bytes;
}

static void count(struct small *s, const struct packet *p)
{
	unsigned d = p->dir;

	s->packets[d]++;
	s->ip_bytes[d] = (uint16_t)(s->ip_bytes[d] + p->ip_bytes);
	s->overhead[d] = (uint8_t)(s->overhead[d] + (p->wire_bytes - p->ip_bytes));
	if (s->kind <= SMALL_SYNACK)
		s->note = (s->note & SMALL_NOTE_FOLLOWS) | (d ? SMALL_NOTE_RESP : 0);
	else
		s->payload[d] = (uint16_t)(s->payload[d] + p->payload_len);
	if (s->packets[d] == 1)
		s->ttl[d] = p->ttl;
	if (p->ts_ns > small_last_ns(s))
		s->delta_ns = p->ts_ns - s->first_ns;
}

/* Its payload is gone when an answer makes it a full flow. */
static bool has_names(const struct packet *p)
{
	return p->payload && p->kind <= PACKET_UDP && names_begin(p);
}

bool small_accepts(const struct packet *p, enum small_kind *out)
{
	struct small empty = {0};

	if (!counters_fit(&empty, p) || has_names(p))
		return false;
	switch ((enum packet_kind)p->kind) {
	case PACKET_TCP: return tcp_kind(p, out);
	case PACKET_UDP:
	case PACKET_OTHER_IP: *out = SMALL_ONE_WAY; return true;
	case PACKET_ICMP: *out = SMALL_ICMP; return true;
	default: return false;
	}
}

static void note_syn(struct small *s, const struct packet *p)
{
	unsigned d = p->dir, other = d ? 0x0fu : 0xf0u;

	s->seq[d] = p->seq + 1;
	if (s->kind == SMALL_SYN)
		s->seq[!d] = p->ip_id; /* until the answer's number takes the place */
	s->window[d] = p->window;
	if (p->has_mss)
		s->mss[d] = p->mss;
	if (p->has_wscale)
		s->wscale = (s->wscale & other) | (p->wscale & 15u) << (d ? 4 : 0);
}

static void note_midstream(struct small *s, const struct packet *p)
{
	unsigned d = p->dir;

	s->payload[!d] = p->ip_id;
	if (!tcp_has_sequence(p))
		return;
	if (!s->mid.flags && !p->window && !(p->tcp_flags & (TCP_FIN | TCP_RST)))
		s->note |= SMALL_NOTE_ZERO_WINDOW;
	if (!s->mid.flags || tcp_span(p)) /* in order: midstream_update saw to that */
		s->seq[d] = p->seq + tcp_span(p);
	if (!s->mid.flags || seq_after(p->ack, s->seq[!d]))
		s->seq[!d] = p->ack;
	s->mid.window = p->window;
	s->mid.flags = p->tcp_flags;
	if (p->payload_len && !(s->note & SMALL_NOTE_ACK))
		s->note |= SMALL_NOTE_DATA_FIRST;
	if (p->payload_len)
		s->note |= SMALL_NOTE_DATA;
	else if (!(p->tcp_flags & (TCP_FIN | TCP_RST)))
		s->note |= SMALL_NOTE_ACK;
}

void small_init(struct small *s, const struct packet *p, enum small_kind kind,
	unsigned orig, uint16_t path)
{
	bool v6 = p->key.family == FAMILY_V6;

	memset(s, 0, v6 ? SMALL_V6_BYTES : SMALL_V4_BYTES);
	s->first_ns = p->ts_ns;
	s->wscale = 0xff;
	s->path = path;
	s->port[0] = p->key.port[0];
	s->port[1] = p->key.port[1];
	s->proto = p->key.proto;
	s->kind = (uint8_t)kind & 7;
	s->orig = orig & 1;
	if (v6) {
		memcpy(s->addr, p->key.addr, 32);
	} else {
		memcpy(s->addr, p->key.addr[0].b + 12, 4);
		memcpy(s->addr + 4, p->key.addr[1].b + 12, 4);
	}
	if (kind == SMALL_SYN || kind == SMALL_SYNACK) {
		note_syn(s, p);
		if (kind == SMALL_SYNACK)
			s->seq[!p->dir] = p->ack;
	} else if (kind == SMALL_MIDSTREAM) {
		note_midstream(s, p);
	} else if (kind == SMALL_ICMP) {
		s->icmp_type = p->icmp_type;
		s->icmp_code = p->icmp_code;
		s->icmp_seq = s->payload[!p->dir] = p->icmp_seq;
		s->note = p->has_icmp_id ? SMALL_NOTE_ICMP_ID : 0;
	} else if (p->kind == PACKET_UDP) {
		s->note = (uint8_t)service_detect(p) & 15;
		if (s->note == SERVICE_QUIC)
			s->payload[!p->dir] = service_quic_initial(p);
	}
	if (kind >= SMALL_ONE_WAY)
		s->seq[p->dir] = small_mark(p);
	count(s, p);
}

static bool syn_update(struct small *s, const struct packet *p)
{
	unsigned flags = p->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN);

	if (p->payload_len || !(flags & TCP_SYN) || flags & (TCP_RST | TCP_FIN))
		return false;
	if (flags == TCP_SYN) { /* repeated: small_is_reuse saw that its number is the
				   same */
		if (p->dir != s->orig || s->kind == SMALL_SYNACK)
			return false;
		note_syn(s, p);
		return true;
	}
	if (p->dir == s->orig || p->ack != s->seq[s->orig])
		return false;
	if (s->kind != SMALL_SYN && p->seq + 1 != s->seq[p->dir])
		return false;
	if (s->kind == SMALL_SYN)
		s->kind = SMALL_SYN_SYNACK;
	note_syn(s, p);
	return true;
}

/*
 * An answer of the other side makes a full flow, and so does what the record has no
 * room for: data out of order, the first closed window.
 */
static bool midstream_update(struct small *s, const struct packet *p)
{
	unsigned first = s->packets[0] ? 0 : 1, flags = p->tcp_flags | s->mid.flags;

	if (p->dir != first || flags & (TCP_SYN | TCP_FIN | TCP_RST) || has_names(p))
		return false;
	if (s->mid.flags && tcp_has_sequence(p) &&
		(p->seq != s->seq[first] || (p->tcp_flags ^ s->mid.flags) & TCP_ACK ||
			!p->window || seq_after(s->seq[!first], p->ack) ||
			(!tcp_span(p) && p->ack == s->seq[!first])))
		return false; /* the last two: of interest to the experts */
	note_midstream(s, p);
	return true;
}

/* The answer makes a full flow, where the round trip is measured. */
static bool icmp_update(struct small *s, const struct packet *p)
{
	if (!(s->note & SMALL_NOTE_ICMP_ID))
		return !p->has_icmp_id;
	if (!p->has_icmp_id || s->packets[!p->dir] || p->icmp_type != s->icmp_type)
		return false;
	s->icmp_seq = p->icmp_seq;
	return true;
}

/* An answer, and what is measured of datagrams, need a full flow. */
static bool one_way_update(const struct small *s, const struct packet *p)
{
	return !s->packets[!p->dir] && s->note != SERVICE_QUIC &&
	       (s->note != SERVICE_DNS || !service_dns_query(p));
}

/* It lasts: its rates are of interest, and only a full flow keeps them by the second.
 */
static bool lasts(const struct small *s, const struct packet *p)
{
	return s->kind >= SMALL_MIDSTREAM && p->ts_ns > s->first_ns + LASTS_NS &&
	       s->packets[0] + s->packets[1] >= LASTS_PACKETS;
}

bool small_update(struct small *s, const struct packet *p)
{
	if ((p->fragment == 2 && p->kind == PACKET_TCP) || lasts(s, p))
		return false;
	if (!counters_fit(s, p) || p->ts_ns < s->first_ns ||
		p->ts_ns - s->first_ns >= 1ull << 40)
		return false;
	switch ((enum small_kind)s->kind) {
	case SMALL_SYN:
	case SMALL_SYN_SYNACK:
	case SMALL_SYNACK:
		if (!syn_update(s, p))
			return false;
		break;
	case SMALL_MIDSTREAM:
		if (!midstream_update(s, p))
			return false;
		break;
	case SMALL_ONE_WAY:
		if (!one_way_update(s, p))
			return false;
		s->seq[p->dir] = small_mark(p);
		break;
	case SMALL_ICMP:
		if (!icmp_update(s, p))
			return false;
		s->seq[p->dir] = small_mark(p);
		break;
	}
	count(s, p);
	return true;
}

bool small_is(const struct small *s, const struct packet *p, const struct paths *ps)
{
	const struct tuple *k = &p->key;

	if (s->port[0] != k->port[0] || s->port[1] != k->port[1] ||
		s->proto != k->proto || ps->path[s->path].scope != k->scope)
		return false;
	if (k->family == FAMILY_V6)
		return memcmp(s->addr, k->addr, 32) == 0;
	return memcmp(s->addr, k->addr[0].b + 12, 4) == 0 &&
	       memcmp(s->addr + 4, k->addr[1].b + 12, 4) == 0;
}

void small_key(
	struct tuple *out, const struct small *s, bool v6, const struct paths *ps)
{
	*out = (struct tuple){
		.port = {s->port[0], s->port[1]},
		.proto = s->proto,
		.family = v6 ? FAMILY_V6 : FAMILY_V4,
		.scope = ps->path[s->path].scope,
	};
	if (v6) {
		memcpy(out->addr, s->addr, 32);
	} else {
		out->addr[0] = addr_v4(s->addr);
		out->addr[1] = addr_v4(s->addr + 4);
	}
}

static bool midstream_repeat(const struct small *s, const struct packet *p)
{
	return p->ip_id && p->ip_id == s->payload[!p->dir] &&
	       p->tcp_flags == s->mid.flags && p->ack == s->seq[!p->dir] &&
	       p->seq + tcp_span(p) == s->seq[p->dir];
}

bool small_is_repeat(const struct small *s, const struct packet *p)
{
	if (p->fragment)
		return false;
	if (s->kind == SMALL_MIDSTREAM)
		return midstream_repeat(s, p);
	if (s->kind > SMALL_MIDSTREAM)
		return p->ip_id && s->seq[p->dir] == small_mark(p);
	if (!(p->tcp_flags & TCP_SYN))
		return false;
	if ((s->note & SMALL_NOTE_RESP) != p->dir || p->seq + 1 != s->seq[p->dir])
		return false;
	return s->kind != SMALL_SYN || p->ip_id == 0 || p->ip_id == s->seq[!p->dir];
}

bool small_is_reuse(const struct small *s, const struct packet *p)
{
	if ((p->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN ||
		p->kind != PACKET_TCP || p->fragment == 2)
		return false;
	if (s->kind == SMALL_MIDSTREAM)
		return true;
	if (s->kind == SMALL_SYN && p->dir != s->orig)
		return false; /* both open at once */
	return p->seq + 1 != s->seq[p->dir];
}
