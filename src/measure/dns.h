/*
 * dns — queries and their answers (RFC 1035), over UDP and TCP: how long the user
 * waited (from the first query), how long the server took (from the last one).
 *
 * Queries wait in one table of all connections, because the small records of
 * conversations that nobody answers have no room for them.
 */
#ifndef KONN_MEASURE_DNS_H
#define KONN_MEASURE_DNS_H

#include "measure/dns_names.h"

struct measure;
struct packet;
struct talk;

/* A query that comes again so late is another one; resolvers wait 5 s at most. */
#define DNS_RETRY_NS 10000000000ull

struct dns {
	struct book queries; /* that wait */
	struct hash_key key;
	struct dns_names names;
};

/* 0 or -ENOMEM. `key` is random. */
int dns_init(struct dns *d, struct strings *strings, const struct hash_key *key,
	uint64_t memory_bytes);
void dns_done(struct dns *d);
size_t dns_bytes(const struct dns *d);

/* A datagram to or from a DNS port. `t` NULL: there is no room to keep statistics. */
void dns_datagram(struct measure *g, struct talk *t, const struct packet *p);

/*
 * A TCP segment with payload; `in_order`: it follows right behind the last one that was
 * given of its side. Takes a block when it is needed.
 */
void dns_segment(
	struct measure *g, struct talk *t, const struct packet *p, bool in_order);

#endif
