/* frame — one captured link-layer frame, as a source hands it over. */
#ifndef KONN_CORE_FRAME_H
#define KONN_CORE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FRAME_BATCH 256 /* most frames a source hands over at once */

enum frame_dir { /* as the capturing host saw it */
	FRAME_DIR_UNKNOWN,
	FRAME_DIR_IN,
	FRAME_DIR_OUT,
};

struct frame {
	const uint8_t *bytes; /* borrowed until the source's next read */
	uint64_t ts_ns;       /* since the epoch; this and what follows: packet.ts_ns */
	uint32_t len; /* bytes on the wire; may be smaller than caplen in bad files */
	uint16_t interface; /* index into the source's list of interfaces */
	/* these four are compared as one word: frame_is_plain */
	uint16_t linktype;  /* LINKTYPE_ number of capture files, pcap-linktype(7) */
	uint16_t gso_bytes; /* payload of each segment it stands for; 0: one packet */
	uint16_t vlan_tpid; /* outermost tag that the kernel took out; 0: none */
	uint16_t filtered;  /* 1: the user's BPF filter refused it: count only */
	uint16_t vlan_tci;  /* valid when vlan_tpid != 0 */
	uint32_t caplen;    /* bytes that are there */
	uint8_t dir;        /* enum frame_dir */
};

/* Nothing but bytes of this link type: one packet, all tags inside, not filtered. */
static inline bool frame_is_plain(const struct frame *f, uint16_t linktype)
{
	uint64_t word;

	memcpy(&word, &f->linktype, sizeof(word));
	return word == linktype;
}
_Static_assert(offsetof(struct frame, vlan_tci) - offsetof(struct frame, linktype) == 8,
	"frame_is_plain");

#endif
