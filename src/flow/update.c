#include "flow/update.h"

#include <string.h>

#include "flow/history.h"
#include "flow/orient.h"
#include "flow/service.h"
#include "flow/talks.h"
#include "flow/tcp.h"

#define SECOND_NS 1000000000ull
#define ECN_CE    3u /* RFC 3168 §5 */

static void roll_rates(struct flow *f, uint32_t second)
{
	for (unsigned d = 0; d < 2; d++)
		rate_roll(&f->rate[d], second, f->side[d].payload_bytes,
			f->side[d].packets);
	f->rate_second = second;
}

void update_begin(struct flow_table *t, struct flow *f, const struct packet *p)
{
	bool certain;

	memset(f, 0, sizeof(*f));
	f->key = p->key;
	f->first_ns = f->last_ns = p->ts_ns;
	roll_rates(f, (uint32_t)(p->ts_ns / SECOND_NS));
	f->orig = (uint8_t)orient(p, t->setup.services, &certain);
	f->facts = FLOW_HAS_DETAILS | (certain ? FLOW_ORIENTED : 0);
	path_of_packet(f, p);
	if (f->orig != p->dir && p->kind <= PACKET_UDP)
		history_add(f, p->dir, HISTORY_FLIPPED);
	if (p->kind == PACKET_ICMP) {
		f->icmp_type = p->icmp_type;
		f->icmp_code = p->icmp_code;
		f->has_icmp_id = p->has_icmp_id;
		f->icmp_id = p->icmp_id;
		if (p->has_icmp_id)
			f->facts |= FLOW_TALKS;
	}
	if (p->kind != PACKET_TCP)
		return;
	if (!tcp_has_sequence(p) || (p->tcp_flags & (TCP_SYN | TCP_ACK)) != TCP_SYN)
		f->facts |= FLOW_MIDSTREAM;
	if (!tcp_has_sequence(p) || !(p->tcp_flags & TCP_SYN))
		f->side[0].state = f->side[1].state = TCP_ESTABLISHED;
}

static bool other_interface(
	struct flow_table *t, struct flow *f, const struct packet *p)
{
	unsigned d = p->dir;

	if (!t->merge_interfaces)
		return false;
	if (f->side[d].packets && f->carrier[d] != p->carrier) {
		uint64_t last_ns = f->counted_ns[d];

		/* (the clock may have been put back) */
		if ((p->ts_ns > last_ns ? p->ts_ns - last_ns : last_ns - p->ts_ns) <
			TAKEOVER_NS)
			return true;
	}
	f->carrier[d] = p->carrier;
	f->counted_ns[d] = p->ts_ns;
	return false;
}

static bool mirrored(const struct flow_table *t, uint32_t ref, const struct packet *p)
{
	const struct flow *f = pool_full(t, ref);
	const struct flow_side *s = &f->side[p->dir];

	if (p->ip_id == 0 && p->kind == PACKET_TCP)
		return loss_is_copy(pool_tcp(t, ref), p);
	if (p->ip_id == 0 || p->ip_id != s->last_ip_id || p->fragment ||
		p->ip_bytes != s->last_size || p->ts_ns > f->last_ns + MIRROR_NS)
		return false;
	/* Some hosts give all answers one IP id: the side's own last packet counts. */
	if (p->kind != PACKET_TCP)
		return flow_stamp(p->ts_ns) - s->last_seq <= flow_stamp(MIRROR_NS);
	return p->seq == s->last_seq && p->tcp_flags == s->last_flags &&
	       p->ack == s->ack;
}

bool update_is_copy(struct flow_table *t, uint32_t ref, const struct packet *p)
{
	struct flow *f = pool_full(t, ref);

	if (!other_interface(t, f, p)) {
		if (!mirrored(t, ref, p))
			return false;
		if (f->tcp && p->payload_len)
			f->tcp->result[p->dir].loss.duplicates++;
	}
	f->copies++;
	if (p->interface < 64)
		f->seen_in |= 1ull << p->interface;
	t->setup.counters->copies++;
	return true;
}

static void first_of_side(struct flow *f, const struct packet *p)
{
	struct flow_detail *d = &f->detail[p->dir];

	if (f->side[p->dir].packets == 0) /* else known from the small record */
		f->side[p->dir].ttl = p->ttl;
	f->carrier[p->dir] = p->carrier;
	d->tos = p->tos;
	f->side[p->dir].detailed = true;
	if (p->has_mac) {
		memcpy(d->mac, p->mac_src, sizeof(d->mac));
		d->has_mac = true;
	}
}

static void count(struct flow *f, const struct packet *p)
{
	struct flow_side *s = &f->side[p->dir];

	if (!s->detailed)
		first_of_side(f, p);
	s->packets += p->segments;
	s->payload_bytes += p->payload_len;
	s->ip_bytes += p->ip_bytes;
	s->wire_bytes += p->wire_bytes;
	s->last_size = p->ip_bytes;
	s->last_ip_id = p->ip_id;
	if (__builtin_expect((p->tos & 3) == ECN_CE, 0))
		f->detail[p->dir].ecn_ce += p->segments;
	if (p->ts_ns > f->last_ns)
		f->last_ns = p->ts_ns;
}

static void tcp_events(
	struct flow_table *t, struct flow *f, unsigned change, uint64_t now_ns)
{
	static const struct {
		unsigned change;
		enum flow_event event;
	} table[] = {
		{TCP_CHANGE_OPENED, FLOW_EVENT_OPEN},
		{TCP_CHANGE_REFUSED, FLOW_EVENT_REFUSE},
		{TCP_CHANGE_RESET, FLOW_EVENT_RESET},
		{TCP_CHANGE_CLOSED, FLOW_EVENT_CLOSE},
	};

	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (change & table[i].change)
			pool_event(t, f, table[i].event, now_ns);
}

static void recognise(struct flow *f, const struct packet *p)
{
	f->service = (uint8_t)service_detect(p);
	if (f->service == SERVICE_DNS || f->service == SERVICE_QUIC ||
		service_dns_begins(p))
		f->facts |= FLOW_TALKS;
}

static void learn_names(struct flow_table *t, struct flow *f, const struct packet *p)
{
	const struct flow_side *s = &f->side[p->dir];

	/* The first bytes of a side may come after later ones. */
	if (!f->service && s->syn_seen && p->seq == f->detail[p->dir].isn + 1)
		recognise(f, p);
	names_packet(&t->measure, &f->names, p, p->dir == f->orig);
	if (!names_wanted(&f->names))
		f->facts |= FLOW_NAMED;
}

static void update_tcp(struct flow_table *t, uint32_t ref, const struct packet *p)
{
	struct flow *f = pool_full(t, ref);
	struct segment s;
	unsigned change;

	t->measure.subject = f;
	tcp_measure_segment(&t->measure, pool_tcp(t, ref), p, f->orig, &s);
	if (__builtin_expect(t->setup.sink.segment != NULL, 0))
		t->setup.sink.segment(t->setup.sink.ctx, f, &s);
	if (p->payload_len && !(f->facts & FLOW_NAMED) && s.class < SEGMENT_AGAIN)
		learn_names(t, f, p);
	if (p->payload_len && f->facts & FLOW_TALKS && s.class < SEGMENT_AGAIN)
		talks_segment(t, f, p, s.class == SEGMENT_NEW);
	change = tcp_update(f, p, s.class);

	if (__builtin_expect(change == 0, 1))
		return;
	pool_reclass(t, ref);
	if (change & TCP_CHANGE_CLOSED) /* not after a reset: answers may follow it */
		tcp_measure_rest(&t->measure, pool_tcp(t, ref));
	tcp_events(t, f, change, p->ts_ns);
}

static void update_other(struct flow_table *t, uint32_t ref, const struct packet *p)
{
	struct flow *f = pool_full(t, ref);

	f->side[p->dir].last_seq = flow_stamp(p->ts_ns);
	if (p->kind != PACKET_ICMP) /* Zeek gives it no history */
		history_add(f, p->dir, HISTORY_DATA);
	if (f->facts & FLOW_TALKS) {
		talks_packet(t, f, p);
		if (f->service == SERVICE_QUIC && !(f->facts & FLOW_NAMED))
			learn_names(t, f, p);
	}
	if (f->facts & FLOW_ESTABLISHED || !f->side[0].packets || !f->side[1].packets)
		return;
	f->facts |= FLOW_ESTABLISHED;
	f->established_ns = p->ts_ns;
	pool_reclass(t, ref);
	pool_event(t, f, FLOW_EVENT_OPEN, p->ts_ns);
}

void update_flow(struct flow_table *t, uint32_t ref, const struct packet *p)
{
	struct flow *f = pool_full(t, ref);
	uint32_t second = (uint32_t)(p->ts_ns / SECOND_NS);

	if (second > f->rate_second)
		roll_rates(f, second);
	count(f, p);
	if (p->payload_len && !(f->side[p->dir].letters & HISTORY_DATA) && !f->service)
		recognise(f, p);
	if (p->kind != PACKET_TCP)
		update_other(t, ref, p);
	else if (tcp_has_sequence(p))
		update_tcp(t, ref, p);
	else if (p->fragment == 2)
		tcp_fragment(f, p);
}

/* RFC 1122 §4.2.3.9: unreachable protocol, port and prohibitions are hard for a SYN. */
void update_icmp_error(struct flow_table *t, uint32_t ref, const struct packet *p)
{
	struct flow *f = pool_full(t, ref);
	bool unreachable = p->icmp_type == (f->key.family == FAMILY_V6 ? 1 : 3);
	bool too_big = f->key.family == FAMILY_V4 && p->icmp_code == 4;

	f->facts |= FLOW_ICMP_ERROR;
	f->icmp_error_type = p->icmp_type;
	f->icmp_error_code = p->icmp_code;
	if (f->key.proto != PROTO_TCP || !unreachable || too_big)
		return;
	/* only one about the SYN says that; others quote answers to nobody */
	if (p->dir != f->orig || f->facts & (FLOW_ESTABLISHED | FLOW_CLOSED |
						    FLOW_MIDSTREAM | FLOW_SAW_SYNACK))
		return;
	f->facts |= FLOW_REFUSED | FLOW_CLOSED;
	f->closed_ns = p->ts_ns;
	f->side[0].state = f->side[1].state = TCP_CLOSED;
	pool_reclass(t, ref);
	pool_event(t, f, FLOW_EVENT_REFUSE, p->ts_ns);
}
