#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "source/ring.h"

#define BLOCK_MOST_BYTES (256u * 1024)
#define BLOCKS_LEAST     4
#define PAGE_BYTES       4096u /* blocks are powers of two: multiples of larger pages too */
#define FRAME_HEAD_BYTES 512u /* block and frame headers, generously */

/* linux/if_packet.h of 6.1 lacks these. */
#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif
#ifndef PACKET_FANOUT_FLAG_IGNORE_OUTGOING
#define PACKET_FANOUT_FLAG_IGNORE_OUTGOING 0x4000
#endif

static int set_option(int fd, int name, int value)
{
	return setsockopt(fd, SOL_PACKET, name, &value, sizeof(value)) == 0 ? 0
									    : -errno;
}

/*
 * Before Linux 6.2 a socket with virtio headers loses every UDP GSO packet
 * (virtio_net_hdr_from_skb returned -EINVAL): QUIC servers would vanish. This cannot be
 * found out by trying without sending packets on the user's network.
 */
static bool segment_sizes_are_safe(void)
{
	struct utsname kernel;
	unsigned long major, minor;
	char *end;

	if (uname(&kernel) != 0)
		return false;
	major = strtoul(kernel.release, &end, 10);
	minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
	return major > 6 || major == 6 && minor >= 2;
}

static uint32_t power_of_two(size_t bytes)
{
	uint32_t p = PAGE_BYTES;

	while (p < bytes && p < 1u << 30)
		p <<= 1;
	return p;
}

static int map_ring(struct ring *ring, const struct ring_setup *setup)
{
	uint32_t wanted = power_of_two(setup->bytes / BLOCKS_LEAST);
	uint32_t least = power_of_two(setup->snaplen + FRAME_HEAD_BYTES);
	struct tpacket_req3 req = {.tp_retire_blk_tov = RING_BLOCK_TIMEOUT_MS};
	void *map;

	if (wanted > BLOCK_MOST_BYTES)
		wanted = BLOCK_MOST_BYTES;
	ring->block_bytes = wanted > least ? wanted : least;
	ring->blocks = (uint32_t)(setup->bytes / ring->block_bytes);
	if (ring->blocks < 2)
		ring->blocks = 2; /* one to fill, one to read */
	req.tp_block_size = ring->block_bytes;
	req.tp_block_nr = ring->blocks;
	req.tp_frame_size = TPACKET_ALIGNMENT << 7; /* only checked: V3 packs frames */
	req.tp_frame_nr = ring->block_bytes / req.tp_frame_size * ring->blocks;
	if (setsockopt(ring->fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)) != 0)
		return -errno;
	ring->map_bytes = (size_t)ring->block_bytes * ring->blocks;
	map = mmap(
		NULL, ring->map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	ring->map = map;
	return 0;
}

static int bind_ring(const struct ring *ring, uint32_t ifindex, uint16_t protocol)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = (int)ifindex};

	if (bind(ring->fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
		return -errno;
	return 0;
}

/* Which member of the group gets the packets; the kernel takes it modulo their number.
 */
static int choose_member(int fd, uint32_t index)
{
	struct sock_filter code = {BPF_RET | BPF_K, 0, 0, index};
	struct sock_fprog program = {1, &code};

	if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT_DATA, &program, sizeof(program)) !=
		0)
		return -errno;
	return 0;
}

/*
 * A fanout group hands each packet to exactly one member, and its program decides
 * which: so a larger ring can replace a smaller one without a packet lost or seen
 * twice.
 */
static int join_group(struct ring *ring, const struct ring_setup *setup)
{
	uint32_t argument = (uint32_t)PACKET_FANOUT_CBPF << 16;
	int group = 0;
	socklen_t len = sizeof(group);

	if (setup->loopback)
		argument |= (uint32_t)PACKET_FANOUT_FLAG_IGNORE_OUTGOING << 16;
	if (setup->join_fd < 0) {
		argument |= (uint32_t)PACKET_FANOUT_FLAG_UNIQUEID << 16;
	} else {
		if (choose_member(setup->join_fd, 0) < 0 ||
			getsockopt(setup->join_fd, SOL_PACKET, PACKET_FANOUT, &group,
				&len) != 0)
			return -errno;
		argument |= (uint32_t)group & 0xffff;
	}
	return set_option(ring->fd, PACKET_FANOUT, (int)argument);
}

static int prepare(struct ring *ring, const struct ring_setup *setup)
{
	int r = set_option(ring->fd, PACKET_VERSION, TPACKET_V3);

	if (r < 0)
		return r;
	ring->vnet = segment_sizes_are_safe() &&
		     set_option(ring->fd, PACKET_VNET_HDR, 1) == 0;
	if (setup->loopback) /* since 4.20; else ring_take does it */
		(void)set_option(ring->fd, PACKET_IGNORE_OUTGOING, 1);
	/* A second member must take nothing until it is one: see ring_take_over. */
	r = setup->join_fd >= 0 ? capture_filter_attach_none(ring->fd)
				: capture_filter_attach(setup->filter, ring->fd);
	return r < 0 ? r : map_ring(ring, setup);
}

static void add_promisc(const struct ring *ring, uint32_t ifindex)
{
	struct packet_mreq request = {
		.mr_ifindex = (int)ifindex, .mr_type = PACKET_MR_PROMISC};

	/* Tunnels and others refuse: they have nothing to be promiscuous about. */
	(void)setsockopt(
		ring->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof(request));
}

int ring_open(struct ring *ring, int socket_fd, const struct ring_setup *setup)
{
	int r;

	*ring = (struct ring){.fd = socket_fd,
		.interface = setup->interface,
		.linktype = setup->filter->linktype,
		.loopback = setup->loopback,
		.filter = setup->filter};
	r = prepare(ring, setup);
	if (r == 0 && setup->promisc && !setup->loopback)
		add_promisc(ring, setup->ifindex);
	if (r == 0)
		r = bind_ring(ring, setup->ifindex, ETH_P_ALL);
	if (r == 0) {
		ring->grouped = join_group(ring, setup) == 0;
		/* Alone it works without a group, but then it cannot be replaced. */
		if (!ring->grouped && setup->join_fd >= 0)
			r = -EOPNOTSUPP;
	}
	if (r == 0 && setup->join_fd < 0 && ring->grouped)
		ring->grouped = choose_member(ring->fd, 0) == 0;
	if (r < 0)
		ring_close(ring);
	return r;
}

void ring_close(struct ring *ring)
{
	if (ring->map)
		(void)munmap(ring->map, ring->map_bytes); /* ours, whole */
	if (ring->fd >= 0)
		(void)close(ring->fd); /* only read */
	ring->map = NULL;
	ring->fd = -1;
	ring->owed = 0;
	ring->frames_left = 0;
	ring->next = NULL;
}

int ring_take_over(struct ring *older, struct ring *newer)
{
	int r = capture_filter_attach(newer->filter, newer->fd);

	/* Replacing the program waits until nobody runs the old one (synchronize_net).
	 */
	if (r == 0)
		r = choose_member(older->fd, 1);
	if (r < 0)
		return r;
	older->stopped = true;
	(void)capture_filter_attach_none(older->fd); /* it receives nothing anyway */
	return 0;
}

void ring_stop(struct ring *ring)
{
	if (ring->stopped || ring->fd < 0)
		return;
	ring->stopped = true;
	(void)capture_filter_attach_none(ring->fd); /* cannot fail but for memory */
	/*
	 * Both wait for deliveries under way: setting the group's program again, and
	 * binding to a protocol that nobody sends (IEEE's loopback test) outside a
	 * group.
	 */
	if (ring->grouped)
		(void)choose_member(ring->fd, 0);
	else
		(void)bind_ring(ring, 0, ETH_P_LOOPBACK);
}

void ring_count_drops(struct ring *ring)
{
	struct tpacket_stats_v3 stats = {0};
	socklen_t len = sizeof(stats);

	ring->losing = false;
	if (ring->fd >= 0 &&
		getsockopt(ring->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0)
		ring->drops += stats.tp_drops;
}

int ring_error(const struct ring *ring)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(ring->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		return errno;
	return error;
}
