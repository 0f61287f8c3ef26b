#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/doctor/rights.h"
#include "source/links.h"

#define BLOCK_BYTES 65536u
#define BLOCKS      4u
#define FRAME_BYTES 2048u

/* The ring of source/ring.h in small, on a socket that is bound to nothing: no packet
 * comes. 0 or -errno. */
static int try_ring(int fd)
{
	int version = TPACKET_V3;
	struct tpacket_req3 ring = {
		.tp_block_size = BLOCK_BYTES,
		.tp_block_nr = BLOCKS,
		.tp_frame_size = FRAME_BYTES,
		.tp_frame_nr = BLOCK_BYTES / FRAME_BYTES * BLOCKS,
		.tp_retire_blk_tov = 60,
	};
	void *map;

	if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) ||
		setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)))
		return -errno;
	map = mmap(NULL, (size_t)BLOCK_BYTES * BLOCKS, PROT_READ | PROT_WRITE,
		MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	(void)munmap(map, (size_t)BLOCK_BYTES * BLOCKS); /* is mapped */
	return 0;
}

void check_capture(struct doctor *d, struct finding *f)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), ret;

	(void)d;
	if (fd < 0 && (errno == EPERM || errno == EACCES)) {
		finding_set(f, DOCTOR_MISSING, "no packet socket");
		rights_refused(f, RIGHT(CAP_NET_RAW));
		return;
	}
	if (fd < 0 && errno == EAFNOSUPPORT) {
		finding_set(f, DOCTOR_MISSING,
			"the kernel has no packet sockets (CONFIG_PACKET)");
		finding_command(f, "sudo modprobe af_packet");
		return;
	}
	if (fd < 0) {
		finding_set(f, DOCTOR_MISSING, "packet socket: %s", strerror(errno));
		return;
	}
	ret = try_ring(fd);
	(void)close(fd); /* nothing was written */
	if (ret < 0)
		finding_set(f, DOCTOR_MISSING, "packet socket, but no ring: %s",
			strerror(-ret));
	else
		finding_set(f, DOCTOR_WORKS, "a packet socket with a ring");
}

static void ignore_link(void *ctx, const struct link_fact *fact)
{
	(void)ctx, (void)fact;
}

void check_interfaces(struct doctor *d, struct finding *f)
{
	const struct links_sink sink = {.tell = ignore_link};
	struct links links;
	int ret = links_open(&links, 0);

	(void)d;
	if (ret == 0) {
		ret = links_dump(&links, LINKS_EVERYTHING, &sink);
		finding_set(f, DOCTOR_WORKS, "%llu with their counters",
			(unsigned long long)links.parser.status.facts);
		links_close(&links);
	}
	if (ret < 0) {
		finding_set(f, DOCTOR_MISSING, "rtnetlink: %s", strerror(-ret));
		return;
	}
	ret = links_open_events(&links, 0);
	if (ret == 0)
		links_close(&links);
	else
		finding_set(f, DOCTOR_PARTLY, "their changes are not told: %s",
			strerror(-ret));
}
