#include "source/cgroup.h"

#include <string.h>

#include "source/clean.h"

#define ID_HEX_LEN  64 /* of Docker, Podman, containerd, CRI-O */
#define POD_LEN     36 /* a UUID */
#define POD_MIN_LEN 32 /* static pods: a hash instead */

struct span {
	const char *at; /* borrowed */
	size_t len;
};

struct place {
	struct span unit, id, pod;
	enum container container;
	bool unit_done, unit_of_user, escaped;
};

static bool span_is(struct span s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.at, text, s.len) == 0;
}

static bool begins(struct span s, const char *head)
{
	size_t len = strlen(head);

	return s.len >= len && memcmp(s.at, head, len) == 0;
}

static bool ends(struct span s, const char *tail)
{
	size_t len = strlen(tail);

	return s.len >= len && memcmp(s.at + s.len - len, tail, len) == 0;
}

static struct span behind(struct span s, size_t skip)
{
	return (struct span){s.at + skip, s.len - skip};
}

static bool hex_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_id(struct span s)
{
	if (s.len != ID_HEX_LEN)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!hex_digit(s.at[i]))
			return false;
	return true;
}

struct shape {
	const char *head, *tail;
	enum container container;
	bool name; /* a name and not 64 hex digits */
};

/* systemd's and the runtimes' ways to name a container's own cgroup. */
static const struct shape shapes[] = {
	{"docker-", ".scope", CONTAINER_docker, false},
	{"libpod-", ".scope", CONTAINER_podman, false},
	{"libpod-", "", CONTAINER_podman, false},
	{"cri-containerd-", ".scope", CONTAINER_containerd, false},
	{"nerdctl-", ".scope", CONTAINER_containerd, false},
	{"crio-", ".scope", CONTAINER_crio, false},
	{"crio-", "", CONTAINER_crio, false},
	{"lxc.payload.", "", CONTAINER_lxc, true},
	{"machine-qemu\\x2d", ".scope", CONTAINER_libvirt, true},
	{"machine-", ".scope", CONTAINER_nspawn, true},
	{"systemd-nspawn@", ".service", CONTAINER_nspawn, true},
};

/* Folders whose children are containers. */
static const struct shape parents[] = {
	{"docker", "", CONTAINER_docker, false},
	{"lxc", "", CONTAINER_lxc, true},
	{"lxc.payload", "", CONTAINER_lxc, true},
};

/* With the cgroup driver cgroupfs given a systemd path: SLICE:RUNTIME:ID. */
static const struct shape prefixes[] = {
	{":cri-containerd", "", CONTAINER_containerd, false},
	{":crio", "", CONTAINER_crio, false},
	{":docker", "", CONTAINER_docker, false},
	{":nerdctl", "", CONTAINER_containerd, false},
};

#define COUNT(list_) (sizeof(list_) / sizeof((list_)[0]))

static bool set_container(
	struct place *place, struct span id, const struct shape *shape, bool escaped)
{
	if (shape->name ? id.len == 0 : !is_id(id))
		return false;
	place->id = id;
	place->container = shape->container;
	place->escaped = escaped;
	return true;
}

static bool by_shape(struct place *place, struct span s)
{
	for (size_t i = 0; i < COUNT(shapes); i++) {
		size_t head = strlen(shapes[i].head), tail = strlen(shapes[i].tail);
		struct span id;

		if (!begins(s, shapes[i].head) || !ends(s, shapes[i].tail) ||
			s.len < head + tail)
			continue;
		id = (struct span){s.at + head, s.len - head - tail};
		/* Unit names are escaped, names of folders are not. */
		if (set_container(place, id, &shapes[i], tail > 0))
			return true;
	}
	return false;
}

static bool by_parent(struct place *place, struct span parent, struct span s)
{
	for (size_t i = 0; i < COUNT(parents); i++)
		if (span_is(parent, parents[i].head) &&
			set_container(place, s, &parents[i], false))
			return true;
	return false;
}

static bool by_colon(struct place *place, struct span s)
{
	const char *colon = memrchr(s.at, ':', s.len);
	struct span left;

	if (!colon)
		return false;
	left = (struct span){s.at, (size_t)(colon - s.at)};
	for (size_t i = 0; i < COUNT(prefixes); i++)
		if (ends(left, prefixes[i].head))
			return set_container(
				place, behind(s, left.len + 1), &prefixes[i], false);
	return false;
}

static void find_container(struct place *place, struct span parent, struct span s)
{
	static const struct shape pod = {"", "", CONTAINER_kubernetes, false};
	static const struct shape any = {"", "", CONTAINER_unknown, false};

	if (place->container != CONTAINER_NONE || by_shape(place, s) ||
		by_parent(place, parent, s) || by_colon(place, s))
		return;
	(void)set_container(place, s, place->pod.len ? &pod : &any, false);
}

static size_t pod_len(struct span s)
{
	size_t len = 0;

	while (len < s.len && len < POD_LEN &&
		(hex_digit(s.at[len]) || s.at[len] == '-' || s.at[len] == '_'))
		len++;
	return len >= POD_MIN_LEN ? len : 0;
}

/* podUID below a folder kubepods, or kubepods-burstable-podUID.slice. */
static void find_pod(struct place *place, struct span s, bool below_kubepods)
{
	const char *found;
	size_t len;

	if (begins(s, "pod") && below_kubepods) {
		s = behind(s, strlen("pod"));
	} else {
		if (!begins(s, "kubepods") && !begins(s, "kubelet-kubepods"))
			return;
		found = memmem(s.at, s.len, "-pod", strlen("-pod"));
		if (!found)
			return;
		s = behind(s, (size_t)(found - s.at) + strlen("-pod"));
	}
	len = pod_len(s);
	if (!len)
		return;
	place->pod = (struct span){s.at, len};
	place->container = CONTAINER_NONE; /* what this node itself may run in */
}

static bool is_unit(struct span s)
{
	static const char *const tails[] = {
		".service", ".scope", ".socket", ".mount", ".swap"};

	for (size_t i = 0; i < COUNT(tails); i++)
		if (s.len > strlen(tails[i]) && ends(s, tails[i]))
			return true;
	return false;
}

/* The first that is no slice; below user@UID.service the next such one. */
static void find_unit(struct place *place, struct span s)
{
	bool manager;

	if (place->unit_done || ends(s, ".slice") || span_is(s, ".."))
		return;
	place->unit_done = true;
	if (!is_unit(s))
		return;
	manager = !place->unit.len && begins(s, "user@") && ends(s, ".service");
	place->unit_of_user = place->unit.len > 0;
	place->unit = s;
	place->unit_done = !manager;
}

static void parse_path(struct span path, struct place *place)
{
	struct span parent = {path.at, 0}, s;
	bool below_kubepods = false;

	if (ends(path, " (deleted)"))
		path.len -= strlen(" (deleted)");
	while (path.len) {
		const char *slash = memchr(path.at, '/', path.len);

		s = (struct span){
			path.at, slash ? (size_t)(slash - path.at) : path.len};
		path = behind(path, slash ? s.len + 1 : s.len);
		if (!s.len)
			continue;
		find_unit(place, s);
		find_pod(place, s, below_kubepods);
		find_container(place, parent, s);
		if (begins(s, "kubepods"))
			below_kubepods = true;
		parent = s;
	}
}

/* One line ID:CONTROLLERS:PATH; 0: none, else how much it is to be preferred. */
static unsigned parse_line(struct span line, struct place *out)
{
	const char *first = memchr(line.at, ':', line.len), *second;
	struct span left, controllers;
	unsigned rank;

	if (!first)
		return 0;
	left = behind(line, (size_t)(first - line.at) + 1);
	second = memchr(left.at, ':', left.len);
	if (!second)
		return 0;
	controllers = (struct span){left.at, (size_t)(second - left.at)};
	parse_path(behind(left, controllers.len + 1), out);
	/* A container puts its processes in its own group, if not in every hierarchy.
	 */
	rank = out->container != CONTAINER_NONE ? 8 : out->unit.len ? 4 : 0;
	if (begins(line, "0::"))
		return rank + 3;
	return rank + (span_is(controllers, "name=systemd") ? 2 : 1);
}

static int hex_value(char c)
{
	return hex_digit(c) ? (c <= '9' ? c - '0' : c - 'a' + 10) : -1;
}

/* systemd.unit(5): \xNN for what a unit name cannot hold. */
static void add_unescaped(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		bool escape = s.at[i] == '\\' && s.len - i >= 4 && s.at[i + 1] == 'x' &&
			      hex_digit(s.at[i + 2]) && hex_digit(s.at[i + 3]);

		if (!escape) {
			buf_char(out, s.at[i]);
			continue;
		}
		buf_char(out,
			(char)(hex_value(s.at[i + 2]) << 4 | hex_value(s.at[i + 3])));
		i += 3;
	}
}

static void write_id(
	const struct place *place, struct buf *scratch, struct cgroup_fact *out)
{
	struct buf name = {0};

	if (!place->escaped || !memchr(place->id.at, '\\', place->id.len)) {
		(void)clean_into(
			scratch, place->id.at, place->id.len, out->id, sizeof(out->id));
		return;
	}
	add_unescaped(&name, place->id);
	if (!name.oom)
		(void)clean_into(
			scratch, name.data, name.len, out->id, sizeof(out->id));
	buf_done(&name);
}

void cgroup_parse(
	const char *text, size_t len, struct buf *scratch, struct cgroup_fact *out)
{
	struct place best = {0};
	unsigned best_rank = 0;

	memset(out, 0, sizeof(*out));
	while (len) {
		const char *end = memchr(text, '\n', len);
		struct span line = {text, end ? (size_t)(end - text) : len};
		struct place place = {0};
		unsigned rank = parse_line(line, &place);

		if (rank > best_rank) {
			best = place;
			best_rank = rank;
		}
		len -= end ? line.len + 1 : line.len;
		text += end ? line.len + 1 : line.len;
	}
	(void)clean_into(
		scratch, best.unit.at, best.unit.len, out->unit, sizeof(out->unit));
	out->unit_of_user = best.unit_of_user;
	out->container = (uint8_t)best.container;
	if (best.container != CONTAINER_NONE)
		write_id(&best, scratch, out);
	for (size_t i = 0; i < best.pod.len; i++)
		out->pod[i] = best.pod.at[i];
	for (char *c = out->pod; *c; c++)
		if (*c == '_')
			*c = '-';
}
