/*
 * conntrack — the kernel's connection tracking of one namespace, read from ctnetlink:
 * received bytes into facts. Pure: no descriptor, no clock, no allocation.
 *
 * conntrack_socket.h has the transport for a process that may open the sockets; a
 * privileged process may as well hand on the datagrams, in the order in which it
 * received them. The rules, whoever receives:
 *
 *  1. Subscribe to events, then dump: what happens between is then told by events.
 *  2. One thread receives from both sockets (dump and events) and passes every datagram
 * in the order of its recv() calls. Both queues are the kernel's, so an event may
 * overtake a piece of the dump that was made before it; the reader sees that and drops
 * from the piece what the event said newer.
 *  3. recv() of events gives ENOBUFS: conntrack_lost(). It gives EAGAIN:
 * conntrack_drained().
 *
 * Which entries are gone
 *  - DESTROY says it of entries that were made while somebody listened. With
 *    nf_conntrack_events=2 (the default) the kernel never tells the end of older ones,
 * and an overrun loses the end of others. So:
 *  - Every dump begins a new generation, and every fact, of dump or event, carries the
 *    generation of the dump begun last. A row keeps the generation of its newest fact.
 *    When sink.listed(generation) is called, the dump is whole, and each row whose
 *    generation is another one is gone: it has ended since its last fact, nobody knows
 *    when. A dump that was cut is not told, and then no row may be dropped.
 *
 * Entries and time: nothing here ages. Between dumps a row's timeout_s and counters are
 * those of its newest fact that had them; conntrack_pace.h says how often to dump.
 *
 * A row's identity is (netns, orig tuple with its zone, id). The same tuple with
 * another id is another entry; after DESTROY the same tuple may come back even with the
 * same id.
 */
#ifndef KONN_SOURCE_CONNTRACK_H
#define KONN_SOURCE_CONNTRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/conntrack_fact.h"
#include "source/conntrack_parse.h"

/* A netlink message to be sent as it is. */
struct conntrack_request {
	size_t len;
	_Alignas(8) uint8_t bytes[256];
};

/* The kernel makes no longer datagram (netlink_recvmsg); a shorter buffer loses
 * entries. */
#define CONNTRACK_RECEIVE_BYTES (32u * 1024)

/* What facts are told to. The fact is borrowed until the callback returns. */
struct conntrack_sink {
	void *ctx;
	void (*fact)(void *ctx, const struct conntrack_fact *fact);
	/* A whole dump has ended; see above. May be NULL. */
	void (*listed)(void *ctx, uint32_t generation);
};

/* All counted since conntrack_init. */
struct conntrack_status {
	uint64_t listed;               /* facts of dumps */
	uint64_t made, updated, ended; /* facts of events */
	uint64_t
		overtaken; /* facts of a dump dropped, since DESTROY came before them */
	uint64_t overruns; /* times that the kernel threw events away */
	uint64_t cut; /* datagrams that did not fit, or whose lengths made no sense */
	uint64_t interrupted; /* dumps that the kernel called inconsistent */
	uint64_t malformed;   /* messages without whole tuples */
	uint64_t dumps;       /* that ended whole */
	uint32_t generation;  /* of the dump begun last; 0: none yet */
	uint32_t entries;     /* facts of the last whole dump */
	bool dumping;
	/*
	 * What is known may be wrong: no dump yet, one that failed, or lost events. The
	 * next whole dump that begins after the loss heals it; ask for one soon
	 * (conntrack_pace).
	 */
	bool stale;
};

/* Slots for entries that events told of while a piece of a dump was under way. */
#define CONNTRACK_RECENT 4096

/* Storage is the caller's; 32 KiB. */
struct conntrack {
	struct conntrack_sink sink;
	struct conntrack_status status; /* read it at any time */
	/* private */
	uint64_t netns;
	uint32_t dump_facts;
	bool dump_damaged; /* the dump under way is not whole */
	bool lost;         /* events since it began */
	bool congested;    /* the kernel still throws events away */
	uint32_t piece; /* counts datagrams of dumps; marks of older pieces are void */
	struct conntrack_recent {
		uint32_t id;
		uint32_t mark; /* piece << 1 | destroyed */
	} recent[CONNTRACK_RECENT];
};

/* `netns` is the inode number of the namespace, put into every fact. */
void conntrack_init(
	struct conntrack *ct, uint64_t netns, const struct conntrack_sink *sink);

/*
 * Begins a generation: conntrack_dump_request(ct->status.generation, …) is then sent on
 * the dump socket at once. No dump may be under way there: the kernel answers -EBUSY.
 */
void conntrack_dump_begin(struct conntrack *ct);

/*
 * One datagram from the dump socket; `len` is what was received, `cut` says that it was
 * longer. Returns 1 while the dump goes on, 0 when it has ended, or the kernel's -errno
 * for it: -EPERM without CAP_NET_ADMIN, -EINVAL without ctnetlink. A dump that was
 * damaged returns 0 without sink.listed, and leaves status.stale.
 */
int conntrack_read_dump(struct conntrack *ct, const void *bytes, size_t len, bool cut);

/* One datagram from the event socket. */
void conntrack_read_events(
	struct conntrack *ct, const void *bytes, size_t len, bool cut);

/* The kernel threw events away (ENOBUFS), and does so until the queue is empty. */
void conntrack_lost(struct conntrack *ct);
/* The event socket's queue is empty (EAGAIN). */
void conntrack_drained(struct conntrack *ct);

/*
 * The dump under way ends here, whatever comes later on its socket (which must be
 * opened anew): an error of recv(), or somebody gave up waiting.
 */
void conntrack_dump_abandon(struct conntrack *ct);

/* Asks for all entries of both families. */
void conntrack_dump_request(uint32_t generation, struct conntrack_request *out);

/*
 * Deletes the entry of this fact: by orig tuple, zone and, when known, id. Answered by
 * an acknowledgement with `serial`: 0, ENOENT (gone, or another one has taken the
 * tuple), EBUSY (a flow table has it), EPERM. The connection may live on: its next
 * packet makes a new entry. False when the fact's tuple cannot be asked for.
 */
bool conntrack_delete_request(const struct conntrack_fact *fact, uint32_t serial,
	struct conntrack_request *out);

/* Asks for the counters of all CPUs. */
void conntrack_cpu_request(uint32_t serial, struct conntrack_request *out);

/* Told for each CPU. */
typedef void conntrack_cpu_fn(void *ctx, const struct conntrack_cpu *cpu);

/* One datagram of its answer. Returns 1 while more is to come, 0 at the end, -errno. */
int conntrack_read_cpu(const void *bytes, size_t len, uint32_t serial,
	conntrack_cpu_fn *tell, void *ctx);

/*
 * One datagram that may hold the acknowledgement of `serial`: 1 when it does not, else
 * its 0 or -errno.
 */
int conntrack_read_ack(const void *bytes, size_t len, uint32_t serial);

#endif
