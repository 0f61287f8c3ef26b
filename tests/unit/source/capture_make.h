/* capture_make — capture files made in memory, and everything a source says about them.
 */
#ifndef KONN_TEST_CAPTURE_MAKE_H
#define KONN_TEST_CAPTURE_MAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "source/source.h"

#define RESULT_FRAMES 1200

struct make {
	struct buf b;
	size_t block; /* where the open block begins */
	bool big;     /* byte order */
};

void make_u16(struct make *m, uint16_t v);
void make_u32(struct make *m, uint32_t v);
void make_u64(struct make *m, uint64_t v);

/* `link` is the whole 32-bit field. */
void make_pcap(struct make *m, uint32_t magic, uint16_t minor, uint32_t link);
void make_record(struct make *m, uint32_t seconds, uint32_t fraction, uint32_t len);

/* pcapng: a block is begun, filled and ended; its lengths are put in by make_end. */
void make_begin(struct make *m, uint32_t type);
void make_option(struct make *m, uint16_t code, const void *value, uint16_t len);
void make_end(struct make *m);

void make_section(struct make *m);
void make_interface(struct make *m, uint16_t linktype, const char *name);
void make_packet(struct make *m, uint32_t interface, uint64_t units, uint32_t len);

/* What make_record and make_packet put into a frame: byte i is (uint8_t)(len + i). */
uint8_t make_byte(uint32_t len, uint32_t i);

/* A memory file with these bytes, at offset 0. */
int make_fd(const void *bytes, size_t len);

struct result {
	struct frame frames[RESULT_FRAMES]; /* bytes is NULL: they were checked */
	struct source_interface interfaces[64];
	struct source_counters counters;
	struct err err;
	unsigned count, interface_count;
	enum source_status status;
};

/* Reads all; checks each frame's bytes against make_byte. Closes the source. */
void result_read(struct source *source, struct result *out);

/* One file of these bytes, named "x". */
void result_of(const void *bytes, size_t len, struct result *out);

#endif
