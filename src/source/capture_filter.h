/*
 * capture_filter — the kernel's filter of a capture socket: the user's expression, then
 * how many bytes of each frame are copied.
 *
 * A filter is always set: without one the kernel copies frames whole, which costs four
 * times the wake-ups and loses packets earlier.
 */
#ifndef KONN_SOURCE_CAPTURE_FILTER_H
#define KONN_SOURCE_CAPTURE_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "core/frame.h"

#define CAPTURE_SNAPLEN_SHORT 256 /* headers, options, a tunnel */
#define CAPTURE_SNAPLEN_LONG \
	2048 /* names: DNS, QUIC, TLS ClientHello, HTTP request; ICMP */

#define LINKTYPE_ETHERNET 1
#define LINKTYPE_RAW      101

struct sock_filter;
struct bpf_program;

struct capture_filter {
	struct sock_filter *code; /* owned */
	uint16_t count;
	uint16_t linktype;
	/*
	 * An expression about VLANs cannot run in the kernel, which has taken the tag
	 * out of the frame before the filter sees it. NULL: the kernel's part says it
	 * all.
	 */
	struct bpf_program *tagged; /* owned */
};

/*
 * `bpf`: a tcpdump expression or NULL; `snaplen` bytes of each frame, 0: konn's own
 * choice. Fails with exit 64 and a caret. An expression that makes no sense for this
 * link type, but does for Ethernet, refuses everything.
 */
int capture_filter_init(struct capture_filter *filter, uint16_t linktype,
	const char *bpf, unsigned snaplen, struct err *err);
void capture_filter_done(struct capture_filter *filter);

/* Attaches to a socket; replaces what was attached. 0 or -errno. */
int capture_filter_attach(const struct capture_filter *filter, int socket_fd);

/* Attaches a filter that refuses everything from now on. 0 or -errno. */
int capture_filter_attach_none(int socket_fd);

/* The part of the expression that is left to do; always true without `tagged`. */
bool capture_filter_wants(
	const struct capture_filter *filter, const struct frame *frame);

#endif
