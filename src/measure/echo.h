/* echo — ICMP requests that ask for a reply (RFC 792, RFC 950, RFC 4443), matched by
 * sequence number. */
#ifndef KONN_MEASURE_ECHO_H
#define KONN_MEASURE_ECHO_H

#include <stdbool.h>
#include <stdint.h>

struct measure;
struct packet;
struct talk;

/* A request that comes again so late is another one. */
#define ECHO_WAIT_NS 10000000000ull

/* Whether the message asks. */
bool echo_is_request(uint8_t proto, uint8_t type);

/* A message that has an identifier. */
void echo_packet(struct measure *g, struct talk *t, const struct packet *p);

#endif
