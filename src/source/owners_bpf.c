#include "source/owners_bpf.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf/owner_record.h"

_Static_assert(sizeof(struct owner_record) == OWNERS_BPF_RECORD_BYTES, "as promised");
_Static_assert(sizeof(struct owner_record_counts) == sizeof(struct owners_bpf_counts),
	"the same counters");

#define TRIES 8 /* to read a record that changes all the time */

static int bpf_call(int command, union bpf_attr *attr)
{
	long rc = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return rc < 0 ? -errno : (int)rc;
}

/* Size of the ring: what its map was made with. */
static int ring_size(int fd, uint32_t *out)
{
	struct bpf_map_info info = {0};
	union bpf_attr attr = {0};
	int rc;

	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uintptr_t)&info;
	rc = bpf_call(BPF_OBJ_GET_INFO_BY_FD, &attr);
	if (rc < 0)
		return rc;
	if (info.type != BPF_MAP_TYPE_RINGBUF || info.max_entries > 1u << 30)
		return -EINVAL;
	*out = info.max_entries;
	return 0;
}

/*
 * A page with the reader's position, a page with the writer's, and the data twice, so
 * that a record that wraps is whole (kernel/bpf/ringbuf.c).
 */
static int map_ring(struct owners_bpf *o)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = o->fd[OWNERS_BPF_FD_RING];
	int rc = ring_size(fd, &o->ring_bytes);
	void *at;

	if (rc < 0)
		return rc;
	at = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	o->read_at = at;
	at = mmap(NULL, page + 2 * (size_t)o->ring_bytes, PROT_READ, MAP_SHARED, fd,
		(off_t)page);
	if (at == MAP_FAILED)
		return -errno;
	o->written = at;
	return 0;
}

int owners_bpf_open(struct owners_bpf *o, const int fd[static OWNERS_BPF_FD_READ])
{
	int rc;

	memset(o, 0, sizeof(*o));
	memcpy(o->fd, fd, sizeof(o->fd));
	if (o->fd[OWNERS_BPF_FD_RING] < 0)
		return 0;
	rc = map_ring(o);
	if (rc < 0)
		owners_bpf_close(o);
	return rc;
}

void owners_bpf_close(struct owners_bpf *o)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (o->read_at)
		(void)munmap(o->read_at, page); /* cannot fail: it was mapped so */
	if (o->written)
		(void)munmap((void *)(uintptr_t)o->written,
			page + 2 * (size_t)o->ring_bytes); /* likewise */
	o->read_at = NULL;
	o->written = NULL;
}

int owners_bpf_walk_open(const struct owners_bpf *o)
{
	union bpf_attr attr = {0};

	attr.iter_create.link_fd = (uint32_t)o->fd[OWNERS_BPF_FD_WALK];
	return bpf_call(BPF_ITER_CREATE, &attr);
}

/* The rest of a record that the kernel cut; it does so only at the end of its page. */
static ssize_t complete(int fd, char *out, size_t len)
{
	while (len % OWNERS_BPF_RECORD_BYTES) {
		size_t lacks = OWNERS_BPF_RECORD_BYTES - len % OWNERS_BPF_RECORD_BYTES;
		ssize_t n = read(fd, out + len, lacks);

		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (n == 0)
			return -EIO;
		if (n > 0)
			len += (size_t)n;
	}
	return (ssize_t)len;
}

ssize_t owners_bpf_walk(int walk_fd, void *out, size_t size)
{
	ssize_t n = read(walk_fd, out, size - size % OWNERS_BPF_RECORD_BYTES);

	return n < 0 ? -errno : complete(walk_fd, out, (size_t)n);
}

static int look_up(int fd, const void *key, void *out)
{
	union bpf_attr attr = {0};

	if (fd < 0)
		return -ENOENT;
	attr.map_fd = (uint32_t)fd;
	attr.key = (uintptr_t)key;
	attr.value = (uintptr_t)out;
	return bpf_call(BPF_MAP_LOOKUP_ELEM, &attr);
}

ssize_t owners_bpf_find(const struct owners_bpf *o, uint64_t cookie, void *out)
{
	struct owner_record *r = out;

	for (unsigned try = 0; try < TRIES; try++) {
		int rc = look_up(o->fd[OWNERS_BPF_FD_TABLE], &cookie, out);

		if (rc < 0)
			return rc;
		if (r->cookie == cookie && r->serial == r->serial_again)
			return OWNERS_BPF_RECORD_BYTES;
	}
	return -EAGAIN;
}

int owners_bpf_count(const struct owners_bpf *o, struct owners_bpf_counts *out)
{
	uint32_t first = 0;

	return look_up(o->fd[OWNERS_BPF_FD_COUNTS], &first, out);
}

ssize_t owners_bpf_drain(struct owners_bpf *o, void *out, size_t size)
{
	const char *data = (const char *)o->written + sysconf(_SC_PAGESIZE);
	uint64_t at, end;
	size_t len = 0;

	if (!o->written)
		return 0;
	at = *o->read_at; /* nobody else writes it */
	end = __atomic_load_n(o->written, __ATOMIC_ACQUIRE);
	while (at < end && size - len >= OWNERS_BPF_RECORD_BYTES) {
		const char *header = data + (at & (o->ring_bytes - 1));
		uint32_t word = __atomic_load_n(
			(const uint32_t *)(const void *)header, __ATOMIC_ACQUIRE);
		uint32_t record = word &
				  ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		if (word & BPF_RINGBUF_BUSY_BIT)
			break;
		if (!(word & BPF_RINGBUF_DISCARD_BIT) &&
			record == OWNERS_BPF_RECORD_BYTES) {
			memcpy((char *)out + len, header + BPF_RINGBUF_HDR_SZ, record);
			len += record;
		}
		at += (record + BPF_RINGBUF_HDR_SZ + 7) & ~7u;
	}
	__atomic_store_n(o->read_at, at, __ATOMIC_RELEASE);
	return (ssize_t)len;
}
