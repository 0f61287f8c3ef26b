/* message — one datagram between worker and helper: header, payload, at most one
 * descriptor. */
#ifndef KONN_HELPER_MESSAGE_H
#define KONN_HELPER_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#define HELPER_VERSION     1
#define HELPER_PAYLOAD_MAX (32u * 1024)

/* Both processes are forks of one executable: native byte order, no negotiation. */
struct helper_header {
	uint32_t version;   /* HELPER_VERSION */
	uint16_t type;      /* enum helper_type; a reply repeats its request's */
	uint16_t state;     /* reply: enum helper_state after the request; request: 0 */
	uint32_t serial;    /* chosen by the worker, repeated in the reply */
	int32_t status;     /* reply: 0 or -errno; request: 0 */
	uint32_t len_bytes; /* of the payload behind the header */
	uint32_t fds;       /* descriptors that come along, 0 or 1 */
	uint8_t reserved[40];
};
_Static_assert(sizeof(struct helper_header) == 64, "the protocol's header is 64 bytes");

enum helper_type {
	HELPER_HELLO = 1,
	HELPER_BYE,
	HELPER_CAPTURE_SOCKET,
};

enum helper_state {
	HELPER_START,   /* nothing but hello */
	HELPER_RUNNING, /* serves */
	HELPER_DONE,    /* bye was said; the helper ends */
};

struct helper_message {
	struct helper_header header;
	uint8_t payload[HELPER_PAYLOAD_MAX];
	int fd; /* owned by whoever holds the message; -1: none */
};

/*
 * Receives one message whole. Descriptors arrive close-on-exec; a second one is closed
 * at once. Returns -ECONNRESET when the other side is gone, -EPROTO for a message that
 * contradicts itself (out->header is then set as far as it came, out->fd is -1), else
 * -errno.
 */
int helper_message_receive(int socket_fd, struct helper_message *out);

/* Sends header, header.len_bytes of payload and the descriptor (kept by the caller). */
int helper_message_send(int socket_fd, const struct helper_message *message);

#endif
