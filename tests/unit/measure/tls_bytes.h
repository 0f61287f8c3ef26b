/* tls_bytes — TLS hellos for tests, made byte by byte. */
#ifndef KONN_TEST_TLS_BYTES_H
#define KONN_TEST_TLS_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct bytes {
	uint8_t *at;
	size_t len;
};

/* Borrowed. */
struct bytes bytes_of(const void *at, size_t len);

/* Frees what a function below made. */
void bytes_done(struct bytes *b);

/*
 * A handshake message; `alpn` is the list with a length before each protocol, NULL:
 * none. `more` bytes of another extension come between name and ALPN.
 */
struct bytes tls_client_hello(const char *name, const char *alpn, size_t more);
struct bytes tls_server_hello(const char *alpn);

/* In records of at most `most` bytes; takes the message. */
struct bytes tls_records(struct bytes *message, size_t most);

#endif
