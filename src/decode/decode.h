/*
 * decode — bytes of captured frames into struct packet: the innermost connection and
 * its measures.
 *
 * Lengths
 * - ip_bytes is the IP length of the innermost header, but at most what an enclosing
 * length field (802.3, PPPoE, an outer IP, UDP or GTP-U length…) leaves. The frame
 * itself bounds nothing: a frame cut by the snaplen, or one whose recorded length is
 * too small, keeps the IP length. IP length 0 (segmentation offload, jumbograms): the
 * rest of the frame.
 * - payload_len follows from ip_bytes and the headers; UDP: from the UDP length.
 * - frame.len and a tag that the kernel took out count as wire_bytes. With gso_bytes,
 * segments says how many packets the frame stands for, and wire_bytes and ip_bytes
 * count the headers of each.
 *
 * TCP headers that were not captured whole (snaplen, or a first fragment that ends
 * inside)
 * - up to the flags (14 bytes): everything that is there; the window may be 0, and
 * options are taken as far as they were captured;
 * - at least the ports (4 bytes): the packet belongs to its flow, but tcp_flags, seq,
 * ack and payload_len are 0. Flags of 0 mean "no sequence numbers", also in later
 * fragments;
 * - fewer: malformed `cut`.
 * UDP likewise: the ports are enough, payload_len is then what IP leaves.
 *
 * Tunnels
 * - The inner flow is the connection. What carries none (ARP in VXLAN, LCP in PPTP), or
 * only looks like a tunnel by its port, remains a packet of the outer flow.
 * - mac_src and mac_dst are those of the outermost frame; vlan[] continues inside
 * tunnels.
 *
 * Fragments
 * - The first one has the transport header; it lends its flow to the later ones
 * (fragment 2: payload_len is what the fragment carries). Later fragments of a
 * fragmented tunnel belong to the inner flow and have ip_bytes without the tunnel's
 * header.
 *
 * ICMP errors whose quotation is too short for its ports are PACKET_ICMP with ports 0.
 * A window scale above 14 is given as 14 (RFC 7323 §2.3).
 */
#ifndef KONN_DECODE_DECODE_H
#define KONN_DECODE_DECODE_H

#include <stdint.h>

#include "base/hash.h"
#include "core/frame.h"
#include "core/packet.h"

struct decoder;

/* `key` is that of the flow table (packet.hash). NULL when there is no memory. */
struct decoder *decoder_new(const struct hash_key *key);
void decoder_free(struct decoder *d);

/*
 * Fills out[i] for each frame. payload is borrowed from the frame. Time is taken from
 * the frames; it may run back.
 */
void decode_batch(struct decoder *d, const struct frame *frames, unsigned count,
	struct packet *out);

/* Fragments that overlapped an earlier one of their datagram; repeated ones included.
 */
uint64_t decoder_overlaps(const struct decoder *d);

#endif
