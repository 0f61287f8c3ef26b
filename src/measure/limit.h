/*
 * limit — what a sender waited for, gap by gap between its data segments.
 *
 * A gap is judged when the segment behind it comes, by what the sender can have known
 * then (segment.known_…), and by how the segment before it left off: at the edge of
 * the window, with the rest of a write (its queue was empty then), or in the middle of
 * more.
 */
#ifndef KONN_MEASURE_LIMIT_H
#define KONN_MEASURE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_measure;
struct segment;

enum limit {
#define LIMIT(name_, help_) LIMIT_##name_,
#include "measure/limit.def"
#undef LIMIT
	LIMIT_COUNT,
};

struct limit_state { /* of one sender; zeroed at the start */
	/* The other side's segments touch these. */
	uint64_t peer_ns; /* the other side's last data since ours; 0: none */
	uint64_t ack_ns;  /* the other side's newest acknowledgement passed; 0: none */
	/* These only its own data. */
	uint64_t last_ns; /* its last data, or when it could first send; 0: none */
	uint32_t next;    /* highest sequence number sent + 1 */
	uint32_t recover; /* what `next` was when recovery began; while `recovering` */
	uint32_t round_end; /* when it is acknowledged, a round trip is over */
	uint32_t round_flight, before_flight; /* most in flight in this round, and the
						 one before */
	uint32_t window;     /* that the sender knew of, in bytes; 0: not known */
	uint32_t pause_us;   /* a gap longer than this is a pause, for this path */
	uint32_t pace_us;    /* mean of the gaps within bursts, in 1/8 us */
	uint32_t pending_us; /* of the burst so far: what ends it will tell */
	uint16_t newest;     /* payload of the last one without PSH */
	uint16_t full;       /* payload of a whole segment as seen; 0: none yet */
	uint16_t most;       /* the same as the SYNs say; 0: not known */
	uint8_t rounds;      /* since it began or was idle, up to 255 */
	uint8_t left;        /* limit.c's: how the last segment left off */
	uint8_t alone; /* segments since a gap that may have been a timer's; 0: none */
	bool recovering, growing;
};
_Static_assert(sizeof(struct limit_state) <= 72, "each data segment touches it");

struct limit_queue { /* do round trips grow with what is in flight? (Welford) */
	uint32_t rounds;
	float flight, rtt;         /* means: bytes, us */
	float flight2, rtt2, both; /* sums of squares and products around them */
};

struct limit_wait { /* for one thing */
	uint64_t ns;
	uint32_t recent_us[2]; /* of this and the 10 s before */
};

struct limit_shares {       /* of one sender; what each gap touches comes first */
	uint64_t recent_ns; /* when the current 10 s began */
	uint64_t last_ns;   /* of its data; valid when segments > 0 */
	uint64_t bytes;     /* of it, nothing twice */
	uint64_t even_ns;   /* of path and slow_start: in gaps like those before */
	uint32_t segments;  /* with data, sent again or not; those of super-packets each
			     */
	uint32_t flight_most; /* bytes */
	uint32_t longest_us;  /* the longest gap, for `longest` */
	uint32_t suspect_us;  /* the gap that may have been a timer's */
	uint32_t writes;      /* pauses its application made */
	uint32_t turns;       /* gaps in which the other side spoke */
	uint32_t stalls;      /* timers that ran out */
	uint16_t segment;     /* payload of a whole one, 0: not known */
	uint8_t longest;      /* enum limit */
	struct limit_queue queue;
	struct limit_wait wait[LIMIT_COUNT];
	uint64_t first_ns; /* of its data; valid when segments > 0 */
	uint32_t
		window_most; /* the receiver's, of those the sender waited for; bytes */
	float window;        /* their mean */
};

/* Touched by most gaps. */
#define LIMIT_HOT_BYTES 192

const char *limit_name(enum limit limit);
const char *limit_help(enum limit limit);

void limit_segment(struct tcp_measure *m, struct segment *s);

#endif
