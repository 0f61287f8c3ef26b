#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture_make.h"

#define MAGIC      0xa1b2c3d4
#define PACKED     300000 /* room for a compressed capture */
#define FRAMES     900
#define SECOND     UINT64_C(1000000000)
#define HEADER     24
#define RECORD     16
#define MOST_GIVEN 4

static struct result r;
static uint8_t packed[PACKED];

/* Several captures of memory as one source. */
struct given {
	struct source_file files[MOST_GIVEN];
	unsigned count;
};

static void give(struct given *g, const char *name, const void *bytes, size_t len)
{
	g->files[g->count++] = (struct source_file){make_fd(bytes, len), name};
}

static void read_given(const struct given *g)
{
	struct source source;
	struct err err;

	assert_int_equal(file_source_open(g->files, g->count, NULL, &source, &err), 0);
	result_read(&source, &r);
}

/* `count` packets of a second each from `from` on; each 10 bytes longer than the last.
 */
static void pcap_from(struct make *m, uint32_t from, unsigned count)
{
	*m = (struct make){0};
	make_pcap(m, MAGIC, 4, 1);
	for (unsigned i = 0; i < count; i++)
		make_record(m, from + i, 0, 10 + i);
}

static void in_the_order_of_time(void **state)
{
	struct make late, early, empty, first;
	struct given g = {0};

	(void)state;
	pcap_from(&late, 300, 3);
	pcap_from(&early, 200, 3);
	pcap_from(&empty, 0, 0);
	pcap_from(&first, 100, 1);
	give(&g, "late", late.b.data, late.b.len);
	give(&g, "early", early.b.data, early.b.len);
	give(&g, "empty", empty.b.data, empty.b.len);
	give(&g, "first", first.b.data, first.b.len);
	read_given(&g);
	assert_int_equal(r.status, SOURCE_END);
	assert_int_equal(r.count, 7);
	assert_int_equal(r.frames[0].ts_ns, 100 * SECOND);
	assert_int_equal(r.frames[1].ts_ns, 200 * SECOND);
	assert_int_equal(r.frames[4].ts_ns, 300 * SECOND);
	assert_int_equal(r.interface_count, 1);
	buf_done(&late.b);
	buf_done(&early.b);
	buf_done(&empty.b);
	buf_done(&first.b);
}

static void damage_does_not_stop_the_others(void **state)
{
	struct make a, b;
	struct given g = {0};

	(void)state;
	pcap_from(&a, 100, 3);
	pcap_from(&b, 200, 3);
	give(&g, "b", b.b.data, b.b.len);
	give(&g, "a", a.b.data, a.b.len - 1);
	give(&g, "no", "no capture", 10);
	read_given(&g);
	assert_int_equal(r.status, SOURCE_DAMAGED);
	assert_int_equal(r.err.exit_code, EXIT_PARTIAL);
	assert_int_equal(r.count, 5);
	/* it has no first packet, so it comes first */
	assert_string_equal(r.err.text, "no: not a capture file (it begins with 6e 6f "
					"20 63); 1 more damaged file");
	buf_done(&a.b);
	buf_done(&b.b);
}

static void nothing_to_read(void **state)
{
	struct given g = {0};

	(void)state;
	give(&g, "empty", "", 0);
	give(&g, "text", "hello, world", 12);
	read_given(&g);
	assert_int_equal(r.status, SOURCE_DAMAGED);
	assert_int_equal(r.err.exit_code, EXIT_NO_INPUT);
	assert_string_equal(
		r.err.text, "empty: empty file, no capture; 1 more damaged file");

	g = (struct given){{{open("/", O_RDONLY | O_DIRECTORY), "dir"}}, 1};
	read_given(&g);
	assert_int_equal(r.err.exit_code, EXIT_NO_INPUT);
	assert_string_equal(r.err.text, "dir: Is a directory");
}

static size_t pack(int filter, const void *bytes, size_t len, uint8_t *out, size_t room)
{
	struct archive *a = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	size_t used = 0;

	assert_int_equal(archive_write_add_filter(a, filter), ARCHIVE_OK);
	assert_int_equal(archive_write_set_format_raw(a), ARCHIVE_OK);
	assert_int_equal(archive_write_set_bytes_in_last_block(a, 1), ARCHIVE_OK);
	assert_int_equal(archive_write_open_memory(a, out, room, &used), ARCHIVE_OK);
	archive_entry_set_filetype(entry, AE_IFREG);
	assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
	assert_int_equal(archive_write_data(a, bytes, len), len);
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_entry_free(entry);
	assert_int_equal(archive_write_free(a), ARCHIVE_OK);
	return used;
}

static const int filters[] = {ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_ZSTD,
	ARCHIVE_FILTER_XZ, ARCHIVE_FILTER_LZ4, ARCHIVE_FILTER_BZIP2};
#define FILTERS (sizeof(filters) / sizeof(filters[0]))

static void compressed(void **state)
{
	struct make m;

	(void)state;
	pcap_from(&m, 1, FRAMES);
	for (size_t i = 0; i < FILTERS; i++) {
		size_t len = pack(filters[i], m.b.data, m.b.len, packed, PACKED);

		assert_true(len > 0);
		result_of(packed, len, &r);
		assert_int_equal(r.status, SOURCE_END);
		assert_int_equal(r.count, FRAMES);
		result_of(packed, len - 1, &r);
		assert_in_range(r.status, SOURCE_END, SOURCE_DAMAGED);
		result_of(packed, len / 2, &r);
		assert_int_equal(r.status, SOURCE_DAMAGED);
		assert_non_null(strstr(r.err.text, "x: "));
	}
	buf_done(&m.b);
}

static void compressed_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < FILTERS; i++) {
		size_t len;

		/* libarchive 3.6 crashes when it writes an empty lz4 file */
		if (filters[i] != ARCHIVE_FILTER_LZ4) {
			len = pack(filters[i], "", 0, packed, PACKED);
			result_of(packed, len, &r);
			assert_int_equal(r.status, SOURCE_DAMAGED);
			assert_int_equal(r.err.exit_code, EXIT_NO_INPUT);
		}
		len = pack(filters[i], "no capture", 10, packed, PACKED);
		result_of(packed, len, &r);
		assert_int_equal(r.err.exit_code, EXIT_NO_INPUT);
		assert_non_null(strstr(r.err.text, "not a capture"));
	}
}

/* A gzip file may be several in a row; the parts need not end with a packet. */
static void gzip_members(void **state)
{
	struct make m;
	size_t half, len;

	(void)state;
	pcap_from(&m, 1, 20);
	half = m.b.len / 2 + 3;
	len = pack(ARCHIVE_FILTER_GZIP, m.b.data, half, packed, PACKED);
	len += pack(ARCHIVE_FILTER_GZIP, m.b.data + half, m.b.len - half, packed + len,
		PACKED - len);
	memset(packed + len, 0, 100); /* padding, as on tapes */
	result_of(packed, len + 100, &r);
	assert_int_equal(r.status, SOURCE_END);
	assert_int_equal(r.count, 20);
	buf_done(&m.b);
}

/* A cut gzip file gives what a cut plain file would: never less with more bytes. */
static void gzip_cut_anywhere(void **state)
{
	unsigned before = 0;
	struct make m;
	size_t len;

	(void)state;
	pcap_from(&m, 1, 20);
	len = pack(ARCHIVE_FILTER_GZIP, m.b.data, m.b.len, packed, PACKED);
	for (size_t at = 0; at < len; at++) {
		result_of(packed, at, &r);
		assert_int_equal(r.status, SOURCE_DAMAGED);
		assert_in_range(r.count, before, 20);
		before = r.count;
		if (r.count)
			assert_int_equal(r.err.exit_code, EXIT_PARTIAL);
	}
	assert_int_equal(before, 20); /* only the checksum was missing */
	assert_non_null(strstr(r.err.text, "x: gzip data cut at byte"));

	packed[len - 6] ^= 1; /* checksum */
	result_of(packed, len, &r);
	assert_int_equal(r.status, SOURCE_DAMAGED);
	assert_int_equal(r.err.exit_code, EXIT_PARTIAL);
	assert_int_equal(r.count, 20);
	assert_non_null(strstr(r.err.text, "gzip data damaged at byte"));
	buf_done(&m.b);
}

struct piped {
	struct source source;
	int writer, reader;
};

static void open_pipe(struct piped *p)
{
	struct source_file file = {.name = "-"};
	struct err err;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	file.fd = p->reader = ends[0];
	p->writer = ends[1];
	assert_int_equal(file_source_open(&file, 1, NULL, &p->source, &err), 0);
}

/* All that is there now. */
static unsigned drain(struct piped *p, enum source_status *status)
{
	struct frame frames[FRAME_BATCH];
	unsigned count, sum = 0;
	struct err err;

	for (;;) {
		count = 0;
		*status = p->source.ops->next(p->source.self, 0, frames, &count, &err);
		if (*status != SOURCE_FRAMES)
			return sum;
		sum += count;
	}
}

static void feed(struct piped *p, const char *bytes, size_t len)
{
	assert_int_equal(write(p->writer, bytes, len), len);
}

/* How many packets of pcap_from are whole in its first `len` bytes. */
static unsigned whole_packets(size_t len)
{
	unsigned count = 0;
	size_t end = HEADER + RECORD + 10;

	while (len >= end)
		end += RECORD + 10 + ++count;
	return count;
}

/* Byte by byte: each packet comes out with its last byte, and waiting never blocks. */
static void growing_pipe(void **state)
{
	enum source_status status;
	unsigned sum = 0;
	struct piped p;
	struct make m;
	int fd = -1;

	(void)state;
	pcap_from(&m, 1, 20);
	open_pipe(&p);
	assert_int_equal(drain(&p, &status), 0);
	assert_int_equal(status, SOURCE_IDLE);
	assert_int_equal(p.source.ops->fds(p.source.self, &fd, 1), 1);
	assert_int_equal(fd, p.reader);
	for (size_t at = 0; at < m.b.len; at++) {
		feed(&p, m.b.data + at, 1);
		sum += drain(&p, &status);
		assert_int_equal(status, SOURCE_IDLE);
		assert_int_equal(sum, whole_packets(at + 1));
	}
	assert_int_equal(sum, 20);
	close(p.writer);
	assert_int_equal(drain(&p, &status), 0);
	assert_int_equal(status, SOURCE_END);
	p.source.ops->close(p.source.self);
	buf_done(&m.b);
}

static void growing_gzip_pipe(void **state)
{
	enum source_status status;
	unsigned sum = 0;
	struct piped p;
	struct make m;
	size_t len;

	(void)state;
	pcap_from(&m, 1, 20);
	len = pack(ARCHIVE_FILTER_GZIP, m.b.data, m.b.len, packed, PACKED);
	open_pipe(&p);
	for (size_t at = 0; at < len; at++) {
		feed(&p, (const char *)packed + at, 1);
		sum += drain(&p, &status);
		assert_int_equal(status, SOURCE_IDLE);
	}
	assert_int_equal(sum, 20);
	close(p.writer);
	assert_int_equal(drain(&p, &status), 0);
	assert_int_equal(status, SOURCE_END);
	p.source.ops->close(p.source.self);
	buf_done(&m.b);
}

static void pipe_of_each_compression(void **state)
{
	enum source_status status;
	struct piped p;
	struct make m;
	size_t len;

	(void)state;
	pcap_from(&m, 1, 50);
	for (size_t i = 0; i < FILTERS; i++) {
		len = pack(filters[i], m.b.data, m.b.len, packed, PACKED);
		open_pipe(&p);
		feed(&p, (const char *)packed, len);
		close(p.writer);
		assert_int_equal(drain(&p, &status), 50);
		assert_int_equal(status, SOURCE_END);
		p.source.ops->close(p.source.self);
	}
	buf_done(&m.b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_the_order_of_time),
		cmocka_unit_test(damage_does_not_stop_the_others),
		cmocka_unit_test(nothing_to_read),
		cmocka_unit_test(compressed),
		cmocka_unit_test(compressed_nothing),
		cmocka_unit_test(gzip_members),
		cmocka_unit_test(gzip_cut_anywhere),
		cmocka_unit_test(growing_pipe),
		cmocka_unit_test(growing_gzip_pipe),
		cmocka_unit_test(pipe_of_each_compression),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
