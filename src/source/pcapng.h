/* pcapng — blocks of the new capture format (draft-ietf-opsawg-pcapng). */
#ifndef KONN_SOURCE_PCAPNG_H
#define KONN_SOURCE_PCAPNG_H

#include <stdbool.h>
#include <stdint.h>

#include "source/interfaces.h"
#include "source/pcapng_clock.h"
#include "source/scan.h"

#define PCAPNG_INTERFACES 65536u /* most of one section */

struct pcapng_interface {
	struct pcapng_clock clock;
	uint32_t snaplen;    /* 0: no limit */
	uint32_t most_bytes; /* of a packet */
	uint16_t linktype;
	uint16_t interface; /* in the source's list */
	/* cold */
	uint64_t drops_told;    /* newest interface statistics; absolute */
	uint64_t drops_added;   /* sum of the packets' own counts */
	uint64_t drops_counted; /* of both, what is in the counters already */
};

struct pcapng {
	struct pcapng_interface *list; /* owned; of this section */
	unsigned count, cap;
	bool big;                         /* byte order of this section */
	bool section;                     /* a section header was read */
	struct interfaces *interfaces;    /* borrowed */
	struct source_counters *counters; /* borrowed */
};

bool pcapng_detect(const uint8_t magic[static 4]);

/* A struct with only the borrowed pointers set is ready for scanning. */
void pcapng_scan(struct pcapng *p, struct scan *s);
void pcapng_done(struct pcapng *p);

#endif
