/*
 * flood — sends raw UDP frames as fast as asked, and says exactly how many left.
 *
 * flood IF DST_MAC COUNT SIZE [RATE_PPS] [FLOWS]
 *
 * Frames go from 10.9.0.1 to 10.9.9.9, which nobody has, so nobody answers. SIZE is the
 * frame's, without checksum. Writes one JSON object.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <linux/if_packet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH      64
#define SIZE_LEAST 60
#define SIZE_MOST  1514

struct flood {
	int fd;
	uint64_t count, rate_pps, sent;
	unsigned size, flows;
	uint8_t frames[BATCH][SIZE_MOST];
	struct iovec iov[BATCH];
	struct mmsghdr messages[BATCH];
};

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void make_frame(uint8_t *f, const uint8_t mac[6], unsigned size, unsigned port)
{
	static const uint8_t ip[20] = {
		0x45, 0, 0, 0, 0, 1, 0, 0, 64, 17, 0, 0, 10, 9, 0, 1, 10, 9, 9, 9};
	uint32_t sum = 0;

	memset(f, 0, size);
	memcpy(f, mac, 6);
	f[6] = 2; /* locally administered */
	put16(f + 12, 0x0800);
	memcpy(f + 14, ip, sizeof(ip));
	put16(f + 16, size - 14);
	for (unsigned i = 0; i < 20; i += 2)
		sum += (uint32_t)f[14 + i] << 8 | f[15 + i];
	sum = (sum & 0xffff) + (sum >> 16);
	put16(f + 24, ~(sum + (sum >> 16)) & 0xffff);
	put16(f + 34, port);
	put16(f + 36, 9);
	put16(f + 38, size - 34);
}

static double now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Waits until the next batch is due. */
static void pace(const struct flood *f, double start_s)
{
	double due = start_s + (double)f->sent / (double)f->rate_pps, now = now_s();
	struct timespec t;

	if (now >= due)
		return;
	t.tv_sec = (time_t)(due - now);
	t.tv_nsec = (long)((due - now - (double)t.tv_sec) * 1e9);
	(void)nanosleep(&t, NULL);
}

static int send_all(struct flood *f)
{
	double start = now_s();
	unsigned port = 0;

	while (f->sent < f->count) {
		uint64_t left = f->count - f->sent;
		int done;

		for (unsigned i = 0; f->flows > BATCH && i < BATCH; i++)
			put16(f->frames[i] + 34, 1024 + port++ % f->flows);
		done = sendmmsg(
			f->fd, f->messages, left < BATCH ? (unsigned)left : BATCH, 0);
		if (done < 0 && errno != ENOBUFS && errno != EINTR)
			return -errno;
		if (done > 0)
			f->sent += (uint64_t)done;
		if (f->rate_pps)
			pace(f, start);
	}
	(void)printf("{\"sent\":%llu,\"seconds\":%.6f}\n", (unsigned long long)f->sent,
		now_s() - start);
	return 0;
}

static int open_socket(const char *name)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	at.sll_ifindex = (int)if_nametoindex(name);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
		return -1;
	return fd;
}

static unsigned number(const char *text)
{
	return (unsigned)strtoul(text, NULL, 10);
}

static bool parse_mac(const char *text, uint8_t mac[6])
{
	char *end;

	for (unsigned i = 0; i < 6; i++) {
		mac[i] = (uint8_t)strtoul(text, &end, 16);
		if (*end != (i < 5 ? ':' : '\0'))
			return false;
		text = end + 1;
	}
	return true;
}

static bool parse(struct flood *f, int argc, char **argv, uint8_t mac[6])
{
	if (argc < 5 || !parse_mac(argv[2], mac))
		return false;
	f->fd = open_socket(argv[1]);
	f->count = number(argv[3]);
	f->size = number(argv[4]);
	f->rate_pps = argc > 5 ? number(argv[5]) : 0;
	f->flows = argc > 6 ? number(argv[6]) : 1;
	return f->fd >= 0 && f->size >= SIZE_LEAST && f->size <= SIZE_MOST && f->flows;
}

int main(int argc, char **argv)
{
	static struct flood f;
	uint8_t mac[6];
	int r;

	if (!parse(&f, argc, argv, mac))
		return 64;
	for (unsigned i = 0; i < BATCH; i++) {
		make_frame(f.frames[i], mac, f.size, 1024 + i % f.flows);
		f.iov[i] = (struct iovec){f.frames[i], f.size};
		f.messages[i].msg_hdr = (struct msghdr){
			.msg_iov = &f.iov[i], .msg_iovlen = 1};
	}
	r = send_all(&f);
	if (r < 0)
		(void)fprintf(stderr, "flood: %s\n", strerror(-r));
	return r < 0;
}
