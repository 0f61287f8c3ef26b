/* limit — what a sender waited for, gap by gap between its segments. */
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

struct limit_state {      /* of one sender; zeroed at the start */
	uint64_t last_ns; /* its last data; 0: none */
};

struct limit_shares {             /* of one sender; times in ns */
	uint64_t ns[LIMIT_COUNT]; /* waited for each */
};

const char *limit_name(enum limit limit);

void limit_segment(struct tcp_measure *m, struct segment *s);

#endif
