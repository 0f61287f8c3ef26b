/*
 * getters — what the expressions of columns.def are made of: values out of a row.
 *
 * An expression sees `r` (struct row), `f` (its flow, NULL when no packet was seen),
 * `k` (its key, NULL when nothing is known) and `e` (a socket, NULL when none is); all
 * tests here take NULL for "no".
 */
#ifndef KONN_MODEL_GETTERS_H
#define KONN_MODEL_GETTERS_H

#include <string.h>

#include "core/proto.h"
#include "model/column.h"

#define N_IF(cond_, number_) ((cond_) ? value_number(number_) : value_absent())
#define S_IF(cond_, text_)   ((cond_) ? value_text(text_) : value_absent())
#define A_IF(cond_, addr_)   ((cond_) ? value_addr(&(addr_), k->family) : value_absent())
#define V_IF(cond_, value_)  ((cond_) ? (value_) : value_absent())

static inline struct value value_absent(void)
{
	return (struct value){0};
}

static inline struct value value_number(uint64_t number)
{
	return (struct value){.present = true, .num = number};
}

/* Constant text; absent when NULL. */
static inline struct value value_text(const char *text)
{
	struct value v = {.present = text != NULL};

	if (text) {
		v.str.ptr = text;
		v.str.len = (uint32_t)strlen(text);
	}
	return v;
}

static inline struct value value_addr(const struct addr *a, uint8_t family)
{
	return (struct value){.present = true, .family = family, .addr = *a};
}

static inline bool is_tcp(const struct flow *f)
{
	return f && f->key.proto == PROTO_TCP;
}

static inline bool key_has_ports(const struct tuple *k)
{
	return k && (k->proto == PROTO_TCP || k->proto == PROTO_UDP);
}

static inline bool has_ports(const struct flow *f)
{
	return f && key_has_ports(&f->key);
}

/* Is there somebody at the originator's end? */
static inline bool has_orig(const struct row *r)
{
	return row_key(r) && (r->flow || !r->alone);
}

static inline bool is_icmp(const struct flow *f)
{
	return f && (f->key.proto == PROTO_ICMP || f->key.proto == PROTO_ICMPV6);
}

static inline bool has_details(const struct flow *f)
{
	return f && (f->facts & FLOW_HAS_DETAILS);
}

static inline bool has_fact(const struct flow *f, uint32_t fact)
{
	return f && (f->facts & fact);
}

static inline const struct flow_detail *orig_detail(const struct flow *f)
{
	return &f->detail[f->orig];
}

static inline const struct flow_detail *resp_detail(const struct flow *f)
{
	return &f->detail[!f->orig];
}

/* a − b, 0 when that is below 0 (packets out of order). */
static inline uint64_t since(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* ---- ends: which of the two is ours (getters_end.c); endpoints are numbers in
 * flow.key ---- */

enum direction {
	DIRECTION_NONE, /* home is not known */
	DIRECTION_IN,
	DIRECTION_OUT,
	DIRECTION_LOCAL,
	DIRECTION_FORWARDED,
};

enum direction row_direction(const struct row *r);

/* Endpoint at home (of two, the originator); -1 when there is none or home is unknown.
 */
int row_local(const struct row *r);

struct value end_direction(const struct row *r);
struct value end_addr(const struct row *r, bool local);
struct value end_port(const struct row *r, bool local);
struct value end_bps(const struct row *r, bool local); /* of what that end sends */
struct value end_state(const struct row *r); /* TCP: local end's, else orig's */

/* ---- sockets and owners (getters_socket.c); `e` may be NULL ---- */

enum end {         /* which end of a row a column speaks of */
	END_PLAIN, /* the local one, of two the originator's */
	END_ORIG,
	END_RESP,
};

static inline const struct socket_entry *row_end(const struct row *r, enum end which)
{
	unsigned orig = row_orig(r);

	switch (which) {
	case END_ORIG: return r->end[orig];
	case END_RESP: return r->end[!orig];
	default: return r->end[orig] ? r->end[orig] : r->end[!orig];
	}
}

/* Did the kernel tell that of the socket? */
static inline bool gives(const struct socket_entry *e, enum socket_has which)
{
	return e && socket_has(&e->fact, which);
}

/* Did somebody look for its owner, and what is known of the one who was found? */
static inline const struct owner_fact *owner_of(const struct socket_entry *e)
{
	return e && e->has_owner ? &e->owner : NULL;
}

static inline bool has_pid(const struct socket_entry *e)
{
	return e && e->has_owner && e->owner.process.pid > 0;
}

/* A name of the socket's state; that of a datagram socket is whether it is connected.
 */
struct value socket_state(const struct socket_entry *e);
struct value row_state(const struct row *r); /* TCP: the socket's, else the packets' */
const char *row_state_source(const struct row *r);
struct value owner_process(const struct socket_entry *e);
struct value owner_exe(const struct socket_entry *e);
struct value owner_cmdline(const struct socket_entry *e);
struct value owner_unit(const struct socket_entry *e);
struct value owner_container(const struct socket_entry *e);
struct value owner_user(const struct row *r, const struct socket_entry *e);
/* Identity of a row: that of its flow, else of its socket. */
uint64_t row_uid(const struct row *r);

/* ---- numbers and texts of the flow (getters_flow.c); f is not NULL ---- */

/* Payload bits, packets, a second; direction 0 and 1, or 2 for both together. */
struct value flow_bps(const struct row *r, unsigned dir, enum rate_window window);
struct value flow_pps(const struct row *r, unsigned dir);
struct value flow_flags(const struct flow *f, unsigned dir, const struct row *r);
struct value flow_missed(const struct flow *f);
struct value flow_icmp_error(const struct row *r);
uint64_t flow_half_open(const struct flow *f);

/* ---- made text (getters_text.c); the row has a key ---- */

struct value text_uid(const struct row *r);
struct value text_proto(const struct row *r);
struct value text_endpoint(
	const struct row *r, unsigned dir); /* 10.0.0.1:80, [::1]:80 */
struct value text_mac(const struct row *r, unsigned dir);
struct value text_vlans(const struct row *r);
struct value text_tunnels(const struct row *r);
struct value text_interface(const struct row *r);
struct value text_seen_in(const struct row *r);
struct value text_sources(const struct row *r);
struct value text_community_id(const struct row *r); /* community_id.c */

/* Starts a text: the emptied scratch, or NULL when there is none. */
static inline struct buf *text_start(const struct row *r)
{
	if (r->scratch)
		buf_reset(r->scratch);
	return r->scratch;
}

/* Its value, with a NUL behind it: regexec under sanitizers wants that. */
static inline struct value text_end(struct buf *scratch)
{
	struct value v = {.present = false};

	buf_char(scratch, '\0');
	if (scratch->oom || scratch->len > UINT32_MAX)
		return v;
	v.present = true;
	v.str.ptr = scratch->data;
	v.str.len = (uint32_t)(scratch->len - 1);
	return v;
}

#endif
