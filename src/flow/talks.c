#include "flow/talks.h"

#include <string.h>

#include "flow/service.h"
#include "measure/dns.h"
#include "measure/echo.h"
#include "measure/quic.h"

static enum talk_kind kind_of(const struct flow *f)
{
	/* What is sent to a group is answered by others, if at all. */
	if (addr_is_multicast(&f->key.addr[!f->orig], f->key.family))
		return TALK_NONE;
	if (f->key.proto == PROTO_ICMP || f->key.proto == PROTO_ICMPV6)
		return TALK_ICMP;
	return f->service == SERVICE_DNS    ? TALK_DNS
	       : f->key.proto == PROTO_TCP  ? TALK_DNS /* perhaps: service_dns_begins */
	       : f->service == SERVICE_QUIC ? TALK_QUIC
					    : TALK_NONE;
}

static struct talk *talk_of(struct flow_table *t, struct flow *f)
{
	if (f->talk || kind_of(f) == TALK_NONE)
		return f->talk;
	f->talk_number = pools_alloc(&t->measure.pools, POOL_TALK);
	if (!f->talk_number)
		return NULL;
	f->talk = pools_at(&t->measure.pools, POOL_TALK, f->talk_number);
	*f->talk = (struct talk){.kind = (uint8_t)kind_of(f)};
	return f->talk;
}

void talks_packet(struct flow_table *t, struct flow *f, const struct packet *p)
{
	t->measure.subject = f;
	talk_packet(&t->measure, talk_of(t, f), p, f->orig);
}

void talks_segment(
	struct flow_table *t, struct flow *f, const struct packet *p, bool in_order)
{
	struct talk *talk = talk_of(t, f);

	if (talk && talk->kind == TALK_DNS)
		dns_segment(&t->measure, talk, p, in_order);
}

void talks_first(struct flow_table *t, const struct small *s, const struct packet *p)
{
	if (p->kind == PACKET_UDP && s->note == SERVICE_DNS && service_dns_query(p))
		dns_datagram(&t->measure, NULL, p);
}

/* Of several requests only the first one's and the last one's times are known. */
static void replay_echo(struct flow_table *t, struct flow *f, const struct small *s)
{
	unsigned d = s->packets[0] ? 0 : 1;
	struct packet p = {
		.key = f->key,
		.ts_ns = s->first_ns,
		.kind = PACKET_ICMP,
		.dir = d & 1,
		.icmp_type = s->icmp_type,
		.has_icmp_id = true,
		.icmp_seq = s->payload[!d],
	};

	if (!echo_is_request(s->proto, s->icmp_type) || !talk_of(t, f))
		return;
	echo_packet(&t->measure, f->talk, &p);
	if (s->packets[d] == 1)
		return;
	t->measure.lost += s->packets[d] - 2u;
	f->talk->asked += s->packets[d] - 2u;
	p.ts_ns = small_last_ns(s);
	p.icmp_seq = s->icmp_seq;
	echo_packet(&t->measure, f->talk, &p);
}

void talks_replay(struct flow_table *t, struct flow *f, const struct small *s)
{
	if (!(f->facts & FLOW_TALKS))
		return;
	if (s->kind == SMALL_ICMP)
		replay_echo(t, f, s);
	else if (f->service == SERVICE_QUIC && s->packets[s->orig] &&
		 s->payload[!s->orig] && talk_of(t, f))
		quic_hello(&t->measure, f->talk, s->first_ns);
	else if (f->service == SERVICE_DNS && s->packets[s->orig] && talk_of(t, f))
		f->talk->asked = 1; /* a second query makes it a full flow */
}
