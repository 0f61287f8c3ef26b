#include "source/live_ports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"

#define RING_DEFAULT_BYTES (2u * 1024 * 1024)
#define RING_START_BYTES   (512u * 1024) /* grown on the first loss */
#define BUDGET_BYTES       (64u * 1024 * 1024)
#define LINKS_EVENT        UINT32_MAX /* epoll: not a port but the link events */
#define EVENTS             32

/* The filter of a link type, made when first needed; NULL and *err on failure. */
static const struct capture_filter *filter_for(
	struct live_ports *live, uint16_t linktype, struct err *err)
{
	struct capture_filter *new = &live->filters[live->filter_count];

	for (unsigned i = 0; i < live->filter_count; i++)
		if (live->filters[i].linktype == linktype)
			return &live->filters[i];
	if (live->filter_count == LIVE_FILTERS ||
		capture_filter_init(
			new, linktype, live->bpf, live->setup.snaplen, err) < 0)
		return NULL;
	live->filter_count++;
	return new;
}

/* What one ring may take: its share of the budget, and never more than is left of it.
 */
static size_t share_bytes(const struct live_ports *live, unsigned rings)
{
	size_t most = live->setup.ring_bytes ? live->setup.ring_bytes
					     : RING_DEFAULT_BYTES;
	size_t budget = live->setup.budget_bytes ? live->setup.budget_bytes
						 : BUDGET_BYTES;
	size_t share = budget / (rings ? rings : 1);

	share = share < most ? share : most;
	return share > RING_LEAST_BYTES ? share : RING_LEAST_BYTES;
}

static int watch_fd(
	const struct live_ports *live, int fd, uint32_t events, uint32_t what)
{
	struct epoll_event event = {.events = events, .data.u32 = what};

	return epoll_ctl(live->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

/* Opens a ring for port setup->interface; `err` may be NULL. 0 or -errno. */
static int open_ring(struct live_ports *live, struct ring *ring,
	const struct ring_setup *setup, struct err *err)
{
	int fd = live->setup.capture_socket(live->setup.ctx, err);
	int r;

	if (fd < 0)
		return -EACCES;
	r = ring_open(ring, fd, setup);
	if (r == 0)
		/*
		 * Edges: a ring with a block that is kept, since its frames wait for
		 * their turn, stays readable. Each block handed over is an edge.
		 */
		r = watch_fd(live, ring->fd, EPOLLIN | EPOLLET, setup->interface);
	if (r == 0)
		return 0;
	ring_close(ring);
	errno = -r;
	return err_errno(err, "capture on %s", live->interfaces[setup->interface].name);
}

static struct ring_setup ring_setup_of(const struct live_ports *live, unsigned index,
	const struct capture_filter *filter, size_t bytes)
{
	const struct source_interface *interface = &live->interfaces[index];

	return (struct ring_setup){
		.filter = filter,
		.ifindex = interface->ifindex,
		.interface = (uint16_t)index,
		.bytes = bytes,
		.snaplen = live->setup.snaplen ? live->setup.snaplen
					       : CAPTURE_SNAPLEN_LONG,
		.promisc = live->setup.promisc,
		.loopback = live->ports[index].loopback,
		.join_fd = -1,
	};
}

static void close_ring(struct port *port, struct ring *ring)
{
	ring_count_drops(ring);
	port->drops += ring->drops;
	ring->drops = 0;
	ring_close(ring);
}

static int reserve(struct live_ports *live)
{
	unsigned cap = live->cap ? 2 * live->cap : 16;
	void *moved;

	if (live->count == LIVE_PORTS_MOST)
		return -ENOSPC;
	if (live->count < live->cap)
		return 0;
	moved = realloc(live->ports, cap * sizeof(*live->ports));
	if (!moved)
		return -ENOMEM;
	live->ports = moved;
	moved = realloc(live->interfaces, cap * sizeof(*live->interfaces));
	if (!moved)
		return -ENOMEM;
	live->interfaces = moved;
	live->cap = cap;
	return 0;
}

static void set_name(struct source_interface *interface, const char *name)
{
	struct buf clean = {0};

	text_clean(&clean, name, strlen(name));
	strncpy(interface->name, buf_cstr(&clean), sizeof(interface->name) - 1);
	interface->name[sizeof(interface->name) - 1] = '\0';
	buf_done(&clean);
}

static bool link_is_up(const struct link *link)
{
	return !link->gone && (link->flags & IFF_UP) && (link->flags & IFF_RUNNING);
}

static bool named(const struct live_ports *live, const struct link *link)
{
	for (unsigned i = 0; i < live->name_count; i++)
		if (strcmp(live->names[i], link->name) == 0)
			return true;
	return false;
}

static bool wanted(const struct live_ports *live, const struct link *link)
{
	if (named(live, link))
		return true;
	return live->all && (link->flags & IFF_UP) && !link->slave &&
	       link_linktype(link->arphrd) != 0;
}

/* The port of a link that comes back by name, or a new one; -errno. */
static int place_for(
	struct live_ports *live, const struct link *link, uint16_t linktype)
{
	struct source_interface *interface;
	struct source_interface new = {.linktype = linktype};
	int r;

	set_name(&new, link->name);
	for (unsigned i = 0; i < live->count; i++) {
		interface = &live->interfaces[i];
		if (interface->ifindex == 0 && interface->linktype == linktype &&
			strcmp(interface->name, new.name) == 0)
			return (int)i;
	}
	r = reserve(live);
	if (r < 0)
		return r;
	live->interfaces[live->count] = new;
	live->ports[live->count] = (struct port){.ring = {{.fd = -1}, {.fd = -1}}};
	return (int)live->count++;
}

static int open_port(struct live_ports *live, const struct link *link, unsigned rings,
	struct err *err)
{
	uint16_t linktype = link_linktype(link->arphrd);
	const struct capture_filter *filter;
	size_t bytes = share_bytes(live, rings), start = bytes;
	struct ring_setup setup;
	struct port *port;
	int index, r;

	if (!linktype)
		return err_set(err, EXIT_NO_INTERFACE,
			"capture on %s: link type %u is not supported", link->name,
			link->arphrd);
	filter = filter_for(live, linktype, err);
	if (!filter)
		return -EINVAL;
	index = place_for(live, link, linktype);
	if (index < 0)
		return err_set(err, EXIT_SOFTWARE, "too many interfaces");
	port = &live->ports[index];
	port->loopback = (link->flags & IFF_LOOPBACK) != 0;
	live->interfaces[index].ifindex = link->ifindex;
	/* A size that was asked for is there from the start. */
	if (!live->setup.ring_bytes && bytes > RING_START_BYTES)
		start = RING_START_BYTES;
	setup = ring_setup_of(live, (unsigned)index, filter, start);
	r = open_ring(live, &port->ring[0], &setup, err);
	if (r < 0) {
		live->interfaces[index].ifindex = 0;
		return r;
	}
	port->growth_tried = bytes <= start || !port->ring[0].grouped;
	port->link_drops_start = link->drops - port->link_drops;
	port->link_drops_known = link->drops_known;
	live->interfaces[index].up = link_is_up(link);
	return 0;
}

/* The device is gone: its last packets are still read, then the ring is closed. */
static void lose_port(struct live_ports *live, unsigned index)
{
	struct port *port = &live->ports[index];

	live->interfaces[index].ifindex = 0;
	live->interfaces[index].up = false;
	ring_stop(&port->ring[0]);
	if (port->ring[1].fd >= 0)
		close_ring(port, &port->ring[1]);
	port->ring[1] = port->ring[0];
	port->ring[0] = (struct ring){.fd = -1};
}

static int find_port(const struct live_ports *live, uint32_t ifindex)
{
	for (unsigned i = 0; i < live->count; i++)
		if (live->interfaces[i].ifindex == ifindex)
			return (int)i;
	return -1;
}

static unsigned open_rings(const struct live_ports *live)
{
	unsigned rings = 0;

	for (unsigned i = 0; i < live->count; i++)
		rings += live->ports[i].ring[0].fd >= 0;
	return rings;
}

static void on_link(void *ctx, const struct link *link)
{
	struct live_ports *live = ctx;
	int index = find_port(live, link->ifindex);

	if (index < 0) {
		/* What cannot be opened now stays away until its next change. */
		if (!link->gone && !live->draining && wanted(live, link))
			(void)open_port(live, link, open_rings(live) + 1, NULL);
		return;
	}
	if (link->gone) {
		lose_port(live, (unsigned)index);
		return;
	}
	live->ports[index].listed = true;
	live->interfaces[index].up = link_is_up(link);
	set_name(&live->interfaces[index], link->name);
}

int live_ports_watch_links(struct live_ports *live)
{
	return watch_fd(live, live->links.event_fd, EPOLLIN, LINKS_EVENT);
}

int live_ports_start(struct live_ports *live, const struct link *links, unsigned count,
	struct err *err)
{
	unsigned rings = 0;
	int r;

	for (unsigned i = 0; i < count; i++)
		rings += wanted(live, &links[i]);
	for (unsigned i = 0; i < count; i++) {
		if (!wanted(live, &links[i]) || find_port(live, links[i].ifindex) >= 0)
			continue;
		r = open_port(live, &links[i], rings, err);
		if (r == -ENODEV && !named(live, &links[i]))
			continue; /* it went away in between */
		if (r < 0)
			return r;
	}
	if (live->count == 0)
		return err_set(err, EXIT_NO_INTERFACE, "no network interface is up");
	return 0;
}

/* After lost events: list all, and take what is not listed for gone. */
static void list_anew(struct live_ports *live)
{
	for (unsigned i = 0; i < live->count; i++)
		live->ports[i].listed = false;
	if (link_watch_list(&live->links, on_link, live) < 0)
		return; /* tried again after the next loss */
	for (unsigned i = 0; i < live->count; i++)
		if (!live->ports[i].listed && live->interfaces[i].ifindex)
			lose_port(live, i);
}

/* A larger ring takes the place of one that lost packets; nothing is lost in between.
 */
static void grow(struct live_ports *live, unsigned index)
{
	struct port *port = &live->ports[index];
	struct ring larger = {.fd = -1};
	struct ring_setup setup = ring_setup_of(
		live, index, port->ring[0].filter, share_bytes(live, open_rings(live)));

	if (port->ring[1].fd >= 0)
		return; /* the last change is not over yet */
	port->growth_tried = true;
	setup.join_fd = port->ring[0].fd;
	if (setup.bytes <= port->ring[0].map_bytes ||
		open_ring(live, &larger, &setup, NULL) < 0)
		return; /* as good as before */
	if (ring_take_over(&port->ring[0], &larger) < 0) {
		ring_close(&larger);
		return;
	}
	port->ring[1] = port->ring[0];
	port->ring[0] = larger;
}

static void tend_port(struct live_ports *live, unsigned index)
{
	struct port *port = &live->ports[index];
	struct ring *old = &port->ring[1];

	if (old->fd >= 0 && !ring_pending(old))
		close_ring(port, old);
	if (!port->growth_tried && !live->draining && port->ring[0].fd >= 0 &&
		(port->ring[0].losing || port->ring[0].cramped || port->ring[0].drops))
		grow(live, index);
}

void live_ports_tend(struct live_ports *live)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(live->epoll_fd, events, EVENTS, 0);

	for (int i = 0; i < count; i++) {
		uint32_t what = events[i].data.u32;

		if (what == LINKS_EVENT) {
			if (link_watch_read(&live->links, on_link, live) == -ENOBUFS)
				list_anew(live);
		} else if (events[i].events & EPOLLERR && what < live->count &&
			   live->ports[what].ring[0].fd >= 0) {
			/* ENETDOWN: the links say it too; reading clears it. */
			(void)ring_error(&live->ports[what].ring[0]);
		}
	}
	for (unsigned i = 0; i < live->count; i++)
		tend_port(live, i);
}

void live_ports_stop(struct live_ports *live)
{
	live->draining = true;
	for (unsigned i = 0; i < live->count; i++)
		ring_stop(&live->ports[i].ring[0]);
}

bool live_ports_finished(const struct live_ports *live)
{
	if (!live->draining)
		return false;
	for (unsigned i = 0; i < live->count; i++)
		if (ring_pending(&live->ports[i].ring[0]) ||
			ring_pending(&live->ports[i].ring[1]))
			return false;
	return true;
}

static void on_statistics(void *ctx, const struct link *link)
{
	struct live_ports *live = ctx;
	int index = find_port(live, link->ifindex);

	if (index >= 0 && link->drops_known && live->ports[index].link_drops_known)
		live->ports[index].link_drops = link->drops -
						live->ports[index].link_drops_start;
}

void live_ports_count(struct live_ports *live, struct source_counters *out)
{
	struct source_counters sum = {0};

	(void)link_watch_list(&live->links, on_statistics, live); /* else as before */
	for (unsigned i = 0; i < live->count; i++) {
		struct port *port = &live->ports[i];

		ring_count_drops(&port->ring[0]);
		ring_count_drops(&port->ring[1]);
		sum.ring_drops += port->drops + port->ring[0].drops +
				  port->ring[1].drops;
		sum.interface_drops += port->link_drops;
	}
	*out = sum;
}
