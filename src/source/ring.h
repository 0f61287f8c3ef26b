/*
 * ring — one TPACKET_V3 ring: frames straight out of memory that the kernel fills block
 * by block (packet(7), Documentation/networking/packet_mmap.rst).
 */
#ifndef KONN_SOURCE_RING_H
#define KONN_SOURCE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/frame.h"
#include "source/capture_filter.h"

#define RING_BLOCK_TIMEOUT_MS \
	60 /* a block with a packet in it is handed over after this */
#define RING_LEAST_BYTES (64u * 1024)

/*
 * How late a frame may come to light. In an open block: until the block is handed over
 * (the kernel's timer may be two ticks late, and the machine busy). Before that, from
 * its stamp until the block counts it.
 */
#define RING_HELD_NS   ((RING_BLOCK_TIMEOUT_MS + 40) * 1000000ull)
#define RING_UNSEEN_NS 5000000ull

struct ring_setup {
	const struct capture_filter *filter; /* borrowed while the ring is open */
	uint32_t ifindex;
	uint16_t interface; /* for struct frame */
	size_t bytes;       /* of the ring, about */
	uint32_t snaplen;   /* the longest frame that the filter keeps */
	bool promisc;
	bool loopback; /* drop outgoing copies: each packet comes twice */
	/*
	 * -1: the ring begins a group of its own. Else the descriptor of an open ring
	 * of the same interface: each packet then goes to one of the two
	 * (ring_take_over).
	 */
	int join_fd;
};

struct ring {
	int fd; /* owned; -1: closed */
	uint8_t *map;
	size_t map_bytes;
	uint32_t block_bytes, blocks;
	uint32_t block; /* the one being read, or to be read next */
	uint32_t owed;  /* blocks before it that were read whole, not given back yet */
	const uint8_t *next;  /* frame; NULL: `block` was not begun */
	uint32_t frames_left; /* in the block being read, `next` included */
	uint16_t interface, linktype;
	bool vnet;     /* a virtio header with the segment size precedes each frame */
	bool grouped;  /* member of a fanout group */
	bool loopback; /* skip outgoing copies */
	bool losing;   /* the kernel marked a block: packets before it were lost */
	bool stopped;  /* receives nothing any more */
	bool cramped; /* frames went out before their turn: there was no room to wait */
	uint64_t drops;
	uint64_t bound_ns; /* no frame older than this can still come; see ring_bound */
	const struct capture_filter *filter; /* borrowed */
};

/*
 * Makes a capture socket (taken over, also on failure) receive. The filter is set
 * before the socket is bound, so nothing unwanted ever comes. 0 or -errno.
 */
int ring_open(struct ring *ring, int socket_fd, const struct ring_setup *setup);
void ring_close(struct ring *ring);

/* From now on the newer of two grouped rings gets everything; the older one is stopped.
 */
int ring_take_over(struct ring *older, struct ring *newer);

/* Stops receiving. What was received stays to be read, within RING_BLOCK_TIMEOUT_MS. */
void ring_stop(struct ring *ring);

/* Is anything left, read or not, that the kernel has not handed over yet? */
bool ring_pending(const struct ring *ring);

/* Time of the next frame; false: none is ready. */
bool ring_peek(struct ring *ring, uint64_t *out_ts_ns);

/*
 * For a ring without a ready frame: none older than *out_ns can still come from it. No
 * frame that came after `now_ns` is thought of. True: the block being filled has frames
 * in it, so it will become readable.
 */
bool ring_bound(struct ring *ring, uint64_t now_ns, uint64_t *out_ns);

/* Is so much ready to be read that the kernel may soon have no room? */
bool ring_crowded(const struct ring *ring);

/*
 * Writes at most `most` frames that are not newer than `until_ns`, or the first one
 * however new. Their bytes stay until ring_release. Returns how many.
 */
unsigned ring_take(
	struct ring *ring, uint64_t until_ns, struct frame *out, unsigned most);

/* Gives the blocks back to the kernel that were read whole. */
void ring_release(struct ring *ring);

/* Adds the kernel's count of packets lost since the last call to ring->drops. */
void ring_count_drops(struct ring *ring);

/* The socket's pending error, cleared: ENETDOWN after the interface went down. */
int ring_error(const struct ring *ring);

#endif
