/* record — the captures and logs that the emulator leaves in a folder. */
#ifndef PATH_RECORD_H
#define PATH_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "wire.h"

#define RECORD_SNAP 256 /* bytes kept of each frame; nobody reads the payload */

enum record_point {
	RECORD_CLIENT,
	RECORD_MIDDLE,
	RECORD_SERVER,
	RECORD_POINTS,
};

/* One packet's way; times in ns of CLOCK_MONOTONIC, 0: it did not get there. */
struct record_way {
	uint32_t serial; /* counts what entered, both directions */
	bool up;         /* from the client to the server */
	uint8_t copy;    /* made by the first, second link of its way; 0: sent */
	uint64_t enter_ns, middle_ns, due_ns, exit_ns; /* due: when it had to leave */
};

struct record {
	FILE *pcap[RECORD_POINTS]; /* owned, as are the logs */
	FILE *drops, *packets;
	uint64_t epoch_ns; /* CLOCK_REALTIME less CLOCK_MONOTONIC */
};

/* False: a file cannot be made (errno). */
bool record_open(struct record *r, const char *folder, uint64_t epoch_ns);
void record_close(struct record *r);

void record_frame(struct record *r, enum record_point point, uint64_t now_ns,
	const uint8_t *frame, size_t size);

/* Something happened on the link before or after the middle: loss, queue, reorder… */
struct record_event {
	uint64_t now_ns;
	bool after; /* the middle */
	const char *reason;
	bool overtaken; /* of reorder: a later segment of the flow left the link before
			 */
};
void record_event(struct record *r, const struct record_way *way, const struct wire *w,
	const struct record_event *e);

/*
 * The end of a packet: it left ("ok") or was dropped ("loss", "queue"). A copy was not
 * anywhere before it was made.
 */
void record_end(struct record *r, const struct record_way *way, const struct wire *w,
	const char *fate);

#endif
