/* http — whom the head of an HTTP/1 request names (RFC 9112 §3). */
#ifndef KONN_MEASURE_HTTP_H
#define KONN_MEASURE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cur.h"

enum http_head {
	HTTP_NONE,   /* no request begins here */
	HTTP_MORE,   /* the head is not whole, and did not name a host so far */
	HTTP_WHOLE,  /* what it says is known */
	HTTP_TUNNEL, /* the same, and another protocol may follow */
};

/*
 * Reads the head of a request. `host` is the target's host where it has one (CONNECT,
 * proxies), else that of the Host field, without port and brackets; len 0: it names
 * none.
 */
enum http_head http_request(const void *bytes, size_t len, struct cur *host);

/* Whether a request of a known method begins here: the first bytes alone are read. */
bool http_begins(const void *bytes, size_t len);

#endif
