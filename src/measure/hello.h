/*
 * hello — the first message of each side of a TLS handshake (RFC 5246 §7.4.1, RFC 8446
 * §4.1): the server's name (RFC 6066 §3) and the protocols of ALPN (RFC 7301).
 */
#ifndef KONN_MEASURE_HELLO_H
#define KONN_MEASURE_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cur.h"

enum hello_type { /* as in the handshake message */
	HELLO_NONE = 0,
	HELLO_CLIENT = 1,
	HELLO_SERVER = 2,
};

enum hello_record { /* content types of TLS records (RFC 8446 §5.1) */
	RECORD_CIPHER_SPEC = 20,
	RECORD_ALERT = 21,
	RECORD_HANDSHAKE = 22,
	RECORD_DATA = 23,
};

struct hello { /* borrowed from the message; len 0: not there, or not whole */
	struct cur server_name;
	struct cur alpn; /* a list, each with its length before it */
	bool whole;      /* the end of the message was reached, or it is broken */
};

/* What the records that begin here begin with. */
enum hello_type hello_type(const void *bytes, size_t len);

/* Whether they are too few to tell, and may become a hello. */
bool hello_may_begin(const uint8_t *bytes, size_t len);

/*
 * Takes the next record's header and leaves its body: its content type; 0: no record
 * begins here. `body` ends where the bytes do when the record goes on.
 */
unsigned hello_record(struct cur *c, struct cur *body);

/*
 * Joins the bodies of handshake records: the first `most` bytes at `out`. Returns how
 * many.
 */
size_t hello_unwrap(const void *bytes, size_t len, uint8_t *out, size_t most);

/* Reads a hello as far as the bytes go. */
void hello_read(struct hello *out, const void *message, size_t len);

/* The protocols with commas between them, as many as fit whole. Returns the length. */
size_t hello_alpn(const struct hello *h, uint8_t *out, size_t most);

#endif
