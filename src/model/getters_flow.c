#include "model/getters.h"

static uint64_t bits(const struct row *r, unsigned dir, enum rate_window window)
{
	const struct flow *f = r->flow;

	return 8 * rate_per_second(&f->rate[dir], f->side[dir].payload_bytes, r->now_ns,
			   window);
}

struct value flow_bps(const struct row *r, unsigned dir, enum rate_window window)
{
	if (dir < 2)
		return value_number(bits(r, dir, window));
	return value_number(bits(r, 0, window) + bits(r, 1, window));
}

struct value flow_pps(const struct row *r, unsigned dir)
{
	const struct flow *f = r->flow;

	return value_number(rate_packets_per_second(
		&f->rate[dir], f->side[dir].packets, r->now_ns));
}

struct value flow_flags(const struct flow *f, unsigned dir, const struct row *r)
{
	static const struct {
		uint16_t bit;
		char letter;
	} letters[] = {{TCP_SYN, 'S'}, {TCP_PSH, 'P'}, {TCP_ACK, 'A'}, {TCP_URG, 'U'},
		{TCP_FIN, 'F'}, {TCP_RST, 'R'}, {TCP_ECE, 'E'}, {TCP_CWR, 'C'},
		{TCP_AE, 'N'}};
	const struct flow_side *side = &f->side[dir];
	char text[sizeof(letters) / sizeof(letters[0])];
	struct buf *out;
	size_t len = 0;

	if (side->packets == 0)
		return value_absent();
	if (side->last_flags == 0)
		return value_text("none");
	out = text_start(r);
	if (!out)
		return value_absent();
	for (unsigned i = 0; i < sizeof(text); i++) {
		text[len] = letters[i].letter;
		len += (side->last_flags & letters[i].bit) != 0;
	}
	buf_add(out, text, len);
	return text_end(out);
}

struct value flow_missed(const struct flow *f)
{
	if (!f->tcp) /* a small record: a gap would have made it a full flow */
		return value_number(0);
	return value_number(f->tcp->result[0].loss.missed_bytes +
			    f->tcp->result[1].loss.missed_bytes);
}

uint64_t flow_half_open(const struct flow *f)
{
	return (f->facts & (FLOW_SAW_SYN | FLOW_SAW_SYNACK)) &&
	       !(f->facts & (FLOW_ESTABLISHED | FLOW_CLOSED | FLOW_REFUSED));
}

struct icmp_error {
	uint8_t type;
	int16_t code; /* -1: any */
	const char *name;
};

/* RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1 */
static const struct icmp_error errors_v4[] = {
	{3, 0, "net_unreachable"},
	{3, 1, "host_unreachable"},
	{3, 2, "protocol_unreachable"},
	{3, 3, "port_unreachable"},
	{3, 4, "fragmentation_needed"},
	{3, 5, "source_route_failed"},
	{3, 6, "net_unknown"},
	{3, 7, "host_unknown"},
	{3, 8, "source_isolated"},
	{3, 9, "net_prohibited"},
	{3, 10, "host_prohibited"},
	{3, 11, "net_unreachable_tos"},
	{3, 12, "host_unreachable_tos"},
	{3, 13, "admin_prohibited"},
	{3, 14, "precedence_violation"},
	{3, 15, "precedence_cutoff"},
	{4, -1, "source_quench"},
	{5, -1, "redirect"},
	{11, 0, "time_exceeded"},
	{11, 1, "reassembly_timeout"},
	{12, -1, "parameter_problem"},
	{0, 0, NULL},
};

/* RFC 4443 §3, RFC 7048 §3 */
static const struct icmp_error errors_v6[] = {
	{1, 0, "no_route"},
	{1, 1, "admin_prohibited"},
	{1, 2, "beyond_scope"},
	{1, 3, "host_unreachable"},
	{1, 4, "port_unreachable"},
	{1, 5, "source_policy_failed"},
	{1, 6, "route_rejected"},
	{2, -1, "packet_too_big"},
	{3, 0, "time_exceeded"},
	{3, 1, "reassembly_timeout"},
	{4, -1, "parameter_problem"},
	{0, 0, NULL},
};

struct value flow_icmp_error(const struct row *r)
{
	const struct flow *f = r->flow;
	const struct icmp_error *e = f->key.family == FAMILY_V6 ? errors_v6 : errors_v4;
	uint8_t type = f->icmp_error_type, code = f->icmp_error_code;
	struct buf *out;

	for (; e->name; e++)
		if (e->type == type && (e->code < 0 || e->code == code))
			return value_text(e->name);
	out = text_start(r);
	if (!out)
		return value_absent();
	buf_fmt(out, "type_%u_code_%u", type, code);
	return text_end(out);
}
