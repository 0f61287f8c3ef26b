#include "source/ring.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <string.h>

/* The kernel writes what is read here; it is trusted, the frames' bytes are not. */

static struct tpacket_block_desc *block_at(const struct ring *ring, uint32_t index)
{
	uint8_t *at = ring->map + (size_t)index * ring->block_bytes;

	return (struct tpacket_block_desc *)(void *)at;
}

static const struct tpacket3_hdr *frame_header(const uint8_t *at)
{
	return (const struct tpacket3_hdr *)(const void *)at;
}

static uint32_t status_of(const struct tpacket_block_desc *block)
{
	return __atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE);
}

static void finish_block(struct ring *ring)
{
	ring->next = NULL;
	ring->frames_left = 0;
	ring->owed++;
	ring->block = ring->block + 1 == ring->blocks ? 0 : ring->block + 1;
}

/* Begins the next block that has frames in it; false: none was handed over. */
static bool begin_block(struct ring *ring)
{
	const struct tpacket_block_desc *block;
	uint32_t status;

	while (ring->owed < ring->blocks) {
		block = block_at(ring, ring->block);
		status = status_of(block);
		if (!(status & TP_STATUS_USER))
			return false;
		ring->losing |= (status & TP_STATUS_LOSING) != 0;
		ring->frames_left = block->hdr.bh1.num_pkts;
		ring->next = (const uint8_t *)block +
			     block->hdr.bh1.offset_to_first_pkt;
		if (ring->frames_left)
			return true;
		finish_block(ring);
	}
	return false;
}

static uint64_t stamp_ns(const struct tpacket3_hdr *h)
{
	return (uint64_t)h->tp_sec * 1000000000u + h->tp_nsec;
}

bool ring_peek(struct ring *ring, uint64_t *out_ts_ns)
{
	if (ring->fd < 0 || (!ring->next && !begin_block(ring)))
		return false;
	*out_ts_ns = stamp_ns(frame_header(ring->next));
	return true;
}

static uint8_t direction(const struct tpacket3_hdr *h)
{
	struct sockaddr_ll from;

	memcpy(&from, (const uint8_t *)h + TPACKET_ALIGN(sizeof(*h)), sizeof(from));
	return from.sll_pkttype == PACKET_OUTGOING ? FRAME_DIR_OUT : FRAME_DIR_IN;
}

static uint16_t segment_bytes(const uint8_t *frame)
{
	struct virtio_net_hdr v;

	memcpy(&v, frame - sizeof(v), sizeof(v));
	return v.gso_type == VIRTIO_NET_HDR_GSO_NONE ? 0 : v.gso_size;
}

static void fill(
	const struct ring *ring, const struct tpacket3_hdr *h, struct frame *out)
{
	*out = (struct frame){
		.bytes = (const uint8_t *)h + h->tp_mac,
		.ts_ns = stamp_ns(h),
		.caplen = h->tp_snaplen,
		.len = h->tp_len,
		.linktype = ring->linktype,
		.interface = ring->interface,
		.dir = direction(h),
	};
	if (ring->vnet)
		out->gso_bytes = segment_bytes(out->bytes);
	if (h->tp_status & TP_STATUS_VLAN_VALID) {
		out->vlan_tci = (uint16_t)h->hv1.tp_vlan_tci;
		out->vlan_tpid = h->tp_status & TP_STATUS_VLAN_TPID_VALID
					 ? h->hv1.tp_vlan_tpid
					 : ETH_P_8021Q;
	}
}

/* Steps to the frame behind `h`, which was the current one. */
static void advance(struct ring *ring, const struct tpacket3_hdr *h)
{
	if (--ring->frames_left == 0) {
		finish_block(ring);
		return;
	}
	ring->next += h->tp_next_offset;
	__builtin_prefetch(ring->next + h->tp_next_offset);
}

unsigned ring_take(
	struct ring *ring, uint64_t until_ns, struct frame *out, unsigned most)
{
	const struct tpacket3_hdr *h;
	unsigned count = 0;
	bool first = true;

	while (count < most && (ring->next || begin_block(ring))) {
		h = frame_header(ring->next);
		if (!first && stamp_ns(h) > until_ns)
			break;
		first = false;
		fill(ring, h, &out[count]);
		if (!(ring->loopback && out[count].dir == FRAME_DIR_OUT) &&
			capture_filter_wants(ring->filter, &out[count]))
			count++;
		advance(ring, h);
	}
	return count;
}

bool ring_bound(struct ring *ring, uint64_t now_ns, uint64_t *out_ns)
{
	const struct tpacket_block_desc *block = block_at(ring, ring->block);
	uint64_t least_ns = now_ns - RING_HELD_NS;

	if (__atomic_load_n(&block->hdr.bh1.num_pkts, __ATOMIC_ACQUIRE) == 0) {
		ring->bound_ns = now_ns - RING_UNSEEN_NS;
		*out_ns = ring->stopped ? UINT64_MAX : ring->bound_ns;
		return false;
	}
	/* Above now: the clock was set back. */
	if (ring->bound_ns < least_ns || ring->bound_ns > now_ns)
		ring->bound_ns = least_ns;
	*out_ns = ring->bound_ns;
	return true;
}

bool ring_crowded(const struct ring *ring)
{
	uint32_t ahead = ring->blocks / 2;

	if (ahead > ring->blocks - 2)
		ahead = ring->blocks - 2;
	if (ahead + ring->owed >= ring->blocks)
		return false; /* it gets room first: ring_release */
	return status_of(block_at(ring, (ring->block + ahead) % ring->blocks)) &
	       TP_STATUS_USER;
}

void ring_release(struct ring *ring)
{
	struct tpacket_block_desc *block;
	uint32_t index;

	for (; ring->owed; ring->owed--) {
		index = (ring->block + ring->blocks - ring->owed) % ring->blocks;
		block = block_at(ring, index);
		/* So that ring_pending does not take old frames for new ones. */
		block->hdr.bh1.num_pkts = 0;
		__atomic_store_n(&block->hdr.bh1.block_status, TP_STATUS_KERNEL,
			__ATOMIC_RELEASE);
	}
}

bool ring_pending(const struct ring *ring)
{
	const struct tpacket_block_desc *block;

	if (ring->fd < 0)
		return false;
	if (ring->next || ring->owed)
		return true;
	block = block_at(ring, ring->block);
	return (status_of(block) & TP_STATUS_USER) ||
	       __atomic_load_n(&block->hdr.bh1.num_pkts, __ATOMIC_ACQUIRE) != 0;
}
