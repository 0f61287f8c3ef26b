/* frame — one captured link-layer frame, as a source hands it over. */
#ifndef KONN_CORE_FRAME_H
#define KONN_CORE_FRAME_H

#include <stdint.h>

#define FRAME_BATCH 256 /* most frames a source hands over at once */

enum frame_dir { /* as the capturing host saw it */
	FRAME_DIR_UNKNOWN,
	FRAME_DIR_IN,
	FRAME_DIR_OUT,
};

struct frame {
	const uint8_t *bytes; /* borrowed until the source's next read */
	uint64_t ts_ns;       /* since the epoch */
	uint32_t caplen;      /* bytes that are there */
	uint32_t len; /* bytes on the wire; may be smaller than caplen in bad files */
	uint16_t linktype;  /* LINKTYPE_ number of capture files, pcap-linktype(7) */
	uint16_t interface; /* index into the source's list of interfaces */
	uint16_t gso_bytes; /* payload of each segment it stands for; 0: one packet */
	uint16_t vlan_tci; /* valid when vlan_tpid != 0: tag that the kernel took out */
	uint16_t vlan_tpid; /* outermost; 0: none */
	uint8_t dir;        /* enum frame_dir */
	uint8_t filtered;   /* the user's BPF filter refused it: count only */
};

#endif
