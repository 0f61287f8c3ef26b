/* turns — requests and responses: how long each answer took, without the way there. */
#ifndef KONN_MEASURE_TURNS_H
#define KONN_MEASURE_TURNS_H

#include <stdbool.h>
#include <stdint.h>

#include "measure/spread.h"

struct measure;
struct tcp_measure;
struct segment;

struct turns {                 /* what each segment with data looks at comes first */
	uint64_t request_ns;   /* last byte of the originator's data */
	uint64_t tickets_ns;   /* data of a TLS 1.3 server up to then may be tickets */
	uint32_t request_end;  /* sequence number behind it */
	uint16_t ticket_bytes; /* of the first one; 0: not known */
	bool ticketed;         /* since the request, what may have been tickets */
	uint8_t state, tls;    /* turns.c's, as the rest */
	uint8_t looked;        /* data segments */
	uint8_t requests;      /* up to its highest value */
	bool opened;           /* the connection's first bytes are seen */
	bool spoilt;    /* the request was sent again: which copy was answered? */
	bool http;      /* it is one of HTTP/1 */
	bool pipelined; /* requests without waiting: whose response comes is not known
			 */
	uint8_t hello_dir;
	bool has_first_byte, has_tls;
	uint32_t first_byte_us, tls_us; /* valid when has_… */
	uint32_t hello_end;             /* sequence number behind the ClientHello */
	uint64_t hello_ns;
	struct spread app; /* response − request, way to the server included, µs */
};

/* `orig` is the side that asks. */
void turns_segment(struct measure *g, struct tcp_measure *m, const struct segment *s,
	unsigned orig);

/*
 * Median of response − request − least round trip to the server. False: no turn was
 * whole, or the round trip is not known.
 */
bool turns_app_us(const struct tcp_measure *m, unsigned orig, uint32_t *out);

void turns_done(struct measure *g, struct tcp_measure *m);

#endif
