/*
 * dns_names — which name was asked for an address: out of the answers (A, AAAA, through
 * CNAME) to queries that were seen. The newest wins; how long it may be used is not
 * looked at.
 */
#ifndef KONN_MEASURE_DNS_NAMES_H
#define KONN_MEASURE_DNS_NAMES_H

#include <stdbool.h>

#include "base/cur.h"
#include "core/addr.h"
#include "measure/book.h"
#include "measure/strings.h"

#define DNS_NAME_MOST 255 /* bytes with lengths and the root (RFC 1035 §2.3.4) */

struct dns_name { /* labels with their lengths, lower case, the root's 0 included */
	uint8_t len;
	uint8_t bytes[DNS_NAME_MOST];
};

struct dns_message {        /* borrowed: valid as long as the packet */
	struct cur whole;   /* from the header on */
	struct cur rest;    /* behind the first question */
	uint16_t id, flags; /* RFC 1035 §4.1.1 */
	uint16_t questions, answers;
	uint16_t type, class; /* of the first question */
	struct dns_name name;
};

#define DNS_RESPONSE   0x8000u
#define DNS_OPCODE(m_) ((m_)->flags >> 11 & 15u)
#define DNS_RCODE(m_)  ((m_)->flags & 15u)

struct dns_names {
	struct book book;
	struct strings *strings; /* borrowed */
	struct hash_key key;
};

/* 0 or -ENOMEM. */
int dns_names_init(struct dns_names *n, struct strings *strings,
	const struct hash_key *key, uint64_t memory_bytes);
void dns_names_done(struct dns_names *n);

/*
 * Reads a name, and follows its pointers back into the message (RFC 1035 §4.1.4).
 * False: cut, too long, or a pointer that does not lead back; `c` is behind the name.
 */
bool dns_name_read(struct cur *c, const struct cur *whole, struct dns_name *out);

/* Header and first question. False: no DNS. */
bool dns_message_read(struct cur c, struct dns_message *out);

/* Takes the addresses of the answer for those of the name it asked for. */
void dns_names_learn(struct dns_names *n, const struct dns_message *m);

/* The name last asked for; NULL: none. Valid until the next packet. */
const struct string *dns_names_find(const struct dns_names *n, const struct addr *a);

#endif
