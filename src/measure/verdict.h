/* verdict — why one side's data came no faster, out of what was measured of it. */
#ifndef KONN_MEASURE_VERDICT_H
#define KONN_MEASURE_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "measure/limit.h"

struct tcp_measure;

enum verdict_by {
#define VERDICT(name_, help_) VERDICT_##name_,
#include "measure/verdict.def"
#undef VERDICT
	VERDICT_COUNT,
};

enum verdict_who { /* whose doing it was; for application and window */
	VERDICT_WHO_NOBODY,
	VERDICT_WHO_WRITER, /* the sender's application writes slower */
	VERDICT_WHO_CLIENT, /* did not ask */
	VERDICT_WHO_SERVER, /* had not made its answer yet */
	VERDICT_WHO_TURNS,  /* both: one question after the other */
	VERDICT_WHO_READER, /* the receiver's application reads slower */
	VERDICT_WHO_BUFFER, /* the receiver's buffer is small for the round trip */
};

struct verdict {
	uint8_t by;  /* enum verdict_by */
	uint8_t who; /* enum verdict_who */
	uint8_t dir; /* whose data */
	bool has_rtt;
	bool sees_sender; /* what it had in flight is known, by timestamps or nearness
			   */
	bool even;   /* its segments came as evenly as a full link lets them through */
	bool beyond; /* queueing: most of it between here and the receiver */
	uint64_t ns[LIMIT_COUNT];
	uint64_t all_ns;  /* their sum; 0: nothing was waited for */
	uint64_t by_ns;   /* of it, what the verdict says; not for short, unknown */
	uint64_t bytes;   /* of its data, nothing twice */
	uint64_t span_ns; /* from its first to its last data */
	uint64_t rate_bps, ceiling_bps; /* as it came; what the limit allows; 0: not
					   known */
	uint32_t rtt_us, least_us;      /* of the whole path: median, least; has_rtt */
	uint32_t rounds;                /* round trips that it took */
	uint32_t segments, lost, lost_before, lost_after, reordered, stalls, spurious;
	uint32_t window, window_most, zero_windows; /* of the receiver; bytes */
	uint32_t flight;                            /* mean, bytes; 0: not known */
	uint32_t queue_us;                          /* median less least */
	uint32_t writes, turns;
	uint32_t longest_us; /* the longest gap, and what it was for */
	uint8_t longest;     /* enum limit */
};

const char *verdict_name(enum verdict_by by);
const char *verdict_help(enum verdict_by by);

/*
 * Of the data of side `dir`; `orig` opened the connection. False: it sent none, or was
 * not measured. `now_ns`, not 0: the connection is open, and the sender's silence since
 * its last data counts too.
 */
bool verdict_make(const struct tcp_measure *m, unsigned dir, unsigned orig,
	uint64_t now_ns, struct verdict *out);

/* The same of the last 10 to 20 s. False also: nothing happened in that time. */
bool verdict_recent(const struct tcp_measure *m, unsigned dir, unsigned orig,
	uint64_t now_ns, struct verdict *out);

#endif
