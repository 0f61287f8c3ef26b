/*
 * Prints the interfaces of this namespace as JSON lines, for the tests of this folder.
 * "links" once, "counters" once, or "watch": changes, until stdin ends.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "source/links.h"

static void print_counters(const char *side, const struct link_counters *c)
{
	printf(",\"%s\":[%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]", side,
		c->bytes, c->packets, c->errors, c->drops);
}

/* Cleaned text has no controls, but backslashes, and may have quotes. */
static void print_text(const char *key, const char *text)
{
	printf(",\"%s\":\"", key);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('"');
}

static void print_speed(const struct link_fact *f)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct link_speed speed;

	if (links_speed(fd, f->ifindex, &speed) == 0) {
		if (speed.mbps)
			printf(",\"mbps\":%u", speed.mbps);
		if (speed.duplex)
			printf(",\"full\":%d", speed.duplex == LINK_DUPLEX_FULL);
	}
	(void)close(fd);
}

static void print_mac(const struct link_fact *f)
{
	printf(",\"mac\":\"");
	for (unsigned i = 0; i < f->mac_len; i++)
		printf("%s%02x", i ? ":" : "", f->mac[i]);
	printf("\"");
}

static void print_fact(void *ctx, const struct link_fact *f)
{
	(void)ctx;
	printf("{\"ifindex\":%u,\"gone\":%d", f->ifindex, f->gone);
	if (f->has & LINK_HAS_FLAGS)
		printf(",\"flags\":%u,\"arphrd\":%u", f->flags, f->arphrd);
	if (f->has & LINK_HAS_NAME)
		print_text("name", f->name);
	if (f->has & LINK_HAS_MTU)
		printf(",\"mtu\":%u", f->mtu);
	if (f->has & LINK_HAS_KIND)
		print_text("kind", f->kind);
	if (f->has & LINK_HAS_MASTER_KIND)
		print_text("master_kind", f->master_kind);
	if (f->has & LINK_HAS_MASTER)
		printf(",\"master\":%u", f->master);
	if (f->has & LINK_HAS_CARRIER)
		printf(",\"carrier\":%d", f->carrier);
	if (f->has & LINK_HAS_OPERSTATE)
		printf(",\"operstate\":%u", f->operstate);
	if (f->has & LINK_HAS_MAC)
		print_mac(f);
	if (f->has & LINK_HAS_COUNTERS) {
		print_counters("rx", &f->rx);
		print_counters("tx", &f->tx);
	}
	if (!f->gone)
		print_speed(f);
	printf("}\n");
	fflush(stdout);
}

static int watch(const struct links_sink *sink)
{
	struct links l;
	int r = links_open_events(&l, 0);
	struct pollfd wait[2] = {
		{.fd = l.fd, .events = POLLIN}, {.fd = 0, .events = POLLIN}};

	printf("{\"ready\":%d}\n", r);
	fflush(stdout);
	while (r == 0 && poll(wait, 2, -1) > 0 && !wait[1].revents) {
		do
			r = links_receive(&l, sink);
		while (r == 1);
		r = r == -EAGAIN ? 0 : r;
	}
	links_close(&l);
	return r;
}

int main(int argc, char **argv)
{
	struct links_sink sink = {NULL, print_fact};
	struct links l;
	int r;

	if (argc == 2 && strcmp(argv[1], "watch") == 0)
		return watch(&sink) == 0 ? 0 : 1;
	r = links_open(&l, 0);
	if (r == 0)
		r = links_dump(&l,
			argc == 2 && strcmp(argv[1], "counters") == 0
				? LINKS_COUNTERS
				: LINKS_EVERYTHING,
			&sink);
	links_close(&l);
	return r == 0 ? 0 : 1;
}
