/* snaplen_program — konn's own choice of how much of a frame to keep, as classic BPF.
 */
#ifndef KONN_SOURCE_SNAPLEN_PROGRAM_H
#define KONN_SOURCE_SNAPLEN_PROGRAM_H

#include <linux/filter.h>
#include <stdint.h>

#define SNAPLEN_PROGRAM_MOST 144 /* instructions */

/*
 * Writes the program for frames of a link type (Ethernet or raw IP; others get the
 * short length throughout). Returns the number of instructions.
 */
uint16_t snaplen_program(
	uint16_t linktype, struct sock_filter out[static SNAPLEN_PROGRAM_MOST]);

#endif
