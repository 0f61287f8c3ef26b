#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "source/live_ports.h"
#include "source/source.h"

struct link_list {
	struct link *list; /* owned */
	unsigned count, cap;
	bool oom;
};

static void collect(void *ctx, const struct link *link)
{
	struct link_list *all = ctx;
	unsigned cap = all->cap ? 2 * all->cap : 64;
	struct link *moved;

	if (all->count == all->cap) {
		moved = realloc(all->list, cap * sizeof(*moved));
		if (!moved) {
			all->oom = true;
			return;
		}
		all->list = moved;
		all->cap = cap;
	}
	all->list[all->count++] = *link;
}

/* Interfaces have other names as well (`ip link property add altname`); the kernel
 * knows. */
static char *kernel_name(const char *name)
{
	char real[IFNAMSIZ];
	unsigned ifindex = if_nametoindex(name);

	return strdup(ifindex && if_indextoname(ifindex, real) ? real : name);
}

static int copy_setup(struct live_ports *live, const struct live_setup *setup)
{
	live->setup = *setup;
	live->setup.names = NULL;
	live->setup.bpf = NULL;
	live->all = setup->count == 0;
	if (setup->bpf && *setup->bpf) {
		live->bpf = strdup(setup->bpf);
		if (!live->bpf)
			return -ENOMEM;
	}
	if (setup->count == 0)
		return 0;
	live->names = calloc(setup->count, sizeof(*live->names));
	if (!live->names)
		return -ENOMEM;
	for (unsigned i = 0; i < setup->count; i++) {
		if (strcmp(setup->names[i], "any") == 0) {
			live->all = true;
			continue;
		}
		live->names[live->name_count] = kernel_name(setup->names[i]);
		if (!live->names[live->name_count])
			return -ENOMEM;
		live->name_count++;
	}
	return 0;
}

static int open_watch(struct live_ports *live, struct err *err)
{
	live->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (live->epoll_fd < 0)
		return err_errno(err, "epoll");
	errno = -link_watch_open(&live->links);
	if (errno == 0)
		errno = -live_ports_watch_links(live);
	return errno ? err_errno(err, "watch the network interfaces") : 0;
}

/* Lists the links, twice told ones (an interrupted dump) included, and starts. */
static int list_and_start(struct live_ports *live, struct err *err)
{
	struct link_list all = {0};
	int r = link_watch_list(&live->links, collect, &all);

	if (r < 0) {
		errno = -r;
		r = err_errno(err, "list the network interfaces");
	} else if (all.oom) {
		r = err_set(err, EXIT_SOFTWARE, "out of memory");
	} else {
		r = live_names_check(live, all.list, all.count, err);
	}
	if (r == 0)
		r = live_ports_start(live, all.list, all.count, err);
	free(all.list);
	return r;
}

int live_ports_open(
	struct live_ports *live, const struct live_setup *setup, struct err *err)
{
	int r;

	*live = (struct live_ports){.links = {-1, -1, 0}, .epoll_fd = -1};
	if (setup->bpf && *setup->bpf && bpf_check(setup->bpf, err) < 0)
		return -EINVAL;
	if (copy_setup(live, setup) < 0)
		r = err_set(err, EXIT_SOFTWARE, "out of memory");
	else
		r = open_watch(live, err);
	if (r == 0)
		r = list_and_start(live, err);
	if (r < 0)
		live_ports_close(live);
	return r;
}

void live_ports_close(struct live_ports *live)
{
	for (unsigned i = 0; i < live->count; i++) {
		ring_close(&live->ports[i].ring[0]);
		ring_close(&live->ports[i].ring[1]);
	}
	for (unsigned i = 0; i < live->filter_count; i++)
		capture_filter_done(&live->filters[i]);
	for (unsigned i = 0; i < live->name_count; i++)
		free(live->names[i]);
	free(live->names);
	free(live->bpf);
	free(live->ports);
	free(live->interfaces);
	link_watch_close(&live->links);
	if (live->epoll_fd >= 0)
		(void)close(live->epoll_fd); /* holds nothing of its own */
	*live = (struct live_ports){.links = {-1, -1, 0}, .epoll_fd = -1};
}
