/* pcapfile — records of the classic capture format (draft-ietf-opsawg-pcap). */
#ifndef KONN_SOURCE_PCAPFILE_H
#define KONN_SOURCE_PCAPFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "source/interfaces.h"
#include "source/scan.h"

#define PCAPFILE_HEADER_BYTES 24

enum pcapfile_lengths { /* order of the two lengths of a record */
	PCAPFILE_CAPTURED_FIRST,
	PCAPFILE_CAPTURED_LAST,    /* before version 2.3 */
	PCAPFILE_CAPTURED_SMALLER, /* version 2.3: some wrote it so, some the other way
				    */
};

struct pcapfile {
	uint32_t record_bytes; /* of a record's header */
	uint32_t most_bytes;   /* of a packet */
	uint32_t fraction_ns;  /* unit of a time's second half */
	uint16_t linktype, interface;
	bool big; /* byte order */
	uint8_t lengths;
};

bool pcapfile_detect(const uint8_t magic[static 4]);

/* Reads the file's header (PCAPFILE_HEADER_BYTES are there) and adds its interface. */
int pcapfile_begin(struct pcapfile *p, struct cur *in, struct interfaces *interfaces,
	struct err *err);

void pcapfile_scan(const struct pcapfile *p, struct scan *s);

#endif
