#include "flow/service.h"
#include "measure/echo.h"
#include "model/getters_measure.h"

/* A small record of what asks has asked only: an answer would have made it a flow. */
static uint64_t asked_of_small(const struct flow *f)
{
	if (!(f->facts & FLOW_TALKS) || f->talk || !(f->facts & FLOW_SMALL) ||
		addr_is_multicast(&f->key.addr[!f->orig], f->key.family))
		return 0;
	if (is_icmp(f) && !echo_is_request(f->key.proto, f->icmp_type))
		return 0;
	return is_icmp(f) || f->service == SERVICE_DNS ? flow_orig(f)->packets : 0;
}

static struct value of_talk(const struct talk *t, enum talk_number number)
{
	bool dns = t->kind == TALK_DNS;

	if ((!dns && t->kind != TALK_ICMP) || (!t->asked && !t->answered))
		return value_absent();
	switch (number) {
	case TALK_ASKED: return value_number(t->asked);
	case TALK_UNANSWERED: return value_number(since(t->asked, t->answered));
	case TALK_RETRIES: return N_IF(dns, t->dns_retries);
	default: return N_IF(t->has_dns, t->dns_us);
	}
}

struct value measure_talk(const struct flow *f, enum talk_number number)
{
	uint64_t asked;

	if (!f)
		return value_absent();
	if (f->talk)
		return of_talk(f->talk, number);
	asked = asked_of_small(f);
	if (!asked || number == TALK_DNS_US)
		return value_absent();
	return N_IF(number != TALK_RETRIES || !is_icmp(f),
		number == TALK_RETRIES ? 0 : asked);
}

struct value measure_dns_rcode(const struct row *r)
{
	static const char *const names[] = {
		/* RFC 1035 §4.1.1, RFC 2136 §2.2, RFC 8490 */
		"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
		"YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE", "DSOTYPENI"};
	const struct talk *t = r->flow ? r->flow->talk : NULL;
	struct buf *out;

	if (!t || !t->has_rcode)
		return value_absent();
	if (t->dns_rcode < sizeof(names) / sizeof(names[0]))
		return value_text(names[t->dns_rcode]);
	out = text_start(r);
	if (!out)
		return value_absent();
	buf_fmt(out, "RCODE%u", t->dns_rcode);
	return text_end(out);
}

struct value measure_quic_spin(const struct flow *f)
{
	if (!f || !f->talk || f->talk->spin == TALK_SPIN_UNKNOWN)
		return value_absent();
	return value_text(f->talk->spin == TALK_SPIN_ON ? "on" : "off_or_greased");
}

struct value measure_dns_name(const struct row *r)
{
	const struct flow *f = r->flow;

	if (!f || !r->world || !r->world->measure)
		return value_absent();
	return measure_name(
		dns_names_find(&r->world->measure->dns.names, &f->key.addr[!f->orig]));
}
