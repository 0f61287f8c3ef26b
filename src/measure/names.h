/*
 * names — what the first bytes of a connection say about it: TLS server name and ALPN
 * (RFC 6066 §3, RFC 7301), HTTP/1 Host, SSH identification, the same in QUIC Initials.
 */
#ifndef KONN_MEASURE_NAMES_H
#define KONN_MEASURE_NAMES_H

#include <stdbool.h>
#include <stdint.h>

struct measure;
struct packet;
struct string;

struct names {                             /* zeroed at the start */
	struct string *server_name, *alpn; /* used by this; NULL: not known */
	struct string *banner;             /* SSH identification of the server */
	uint32_t hello; /* POOL_HELLO: a head that is not whole yet; 0: none */
	uint8_t done;   /* names.c's, as the rest: nothing more will come */
	uint8_t looked; /* packets with nothing of interest */
	uint8_t facts;
};

/* Whether more packets with payload are of interest; tested before each call. */
static inline bool names_wanted(const struct names *n)
{
	return !n->done;
}

/*
 * Whether a connection that begins (for us) with this packet must be looked at from it
 * on: a QUIC client's Initial, a ClientHello or HTTP request without a handshake before
 * it.
 */
bool names_begin(const struct packet *p);

/*
 * A TCP segment with payload, seen for the first time, or a UDP datagram. `n` stays
 * where it is until names_done.
 */
void names_packet(
	struct measure *g, struct names *n, const struct packet *p, bool from_orig);

/* Makes `out` one more user of the same names. */
void names_copy(struct names *out, const struct names *n);

void names_done(struct measure *g, struct names *n);

#endif
