/* turns — requests and responses: how long each answer took, without the way there. */
#ifndef KONN_MEASURE_TURNS_H
#define KONN_MEASURE_TURNS_H

#include <stdbool.h>
#include <stdint.h>

#include "measure/spread.h"

struct measure;
struct tcp_measure;
struct segment;

struct turns {
	uint64_t request_ns; /* last byte of the originator's data; 0: none waits */
	uint64_t hello_ns;   /* TLS ClientHello; 0: none */
	uint32_t first_byte_us, tls_us; /* valid when has_… */
	bool has_first_byte, has_tls;
	struct spread app; /* response − request − round trip to the server, µs */
};

/* `orig` is the side that asks. */
void turns_segment(struct measure *g, struct tcp_measure *m, const struct segment *s,
	unsigned orig);

void turns_done(struct measure *g, struct tcp_measure *m);

#endif
