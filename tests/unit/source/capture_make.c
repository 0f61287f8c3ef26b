#include "capture_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

void make_u16(struct make *m, uint16_t v)
{
	uint8_t b[2] = {(uint8_t)v, (uint8_t)(v >> 8)};

	if (m->big)
		b[0] = (uint8_t)(v >> 8), b[1] = (uint8_t)v;
	buf_add(&m->b, b, sizeof(b));
}

void make_u32(struct make *m, uint32_t v)
{
	make_u16(m, (uint16_t)(m->big ? v >> 16 : v));
	make_u16(m, (uint16_t)(m->big ? v : v >> 16));
}

void make_u64(struct make *m, uint64_t v)
{
	make_u32(m, (uint32_t)(m->big ? v >> 32 : v));
	make_u32(m, (uint32_t)(m->big ? v : v >> 32));
}

uint8_t make_byte(uint32_t len, uint32_t i)
{
	return (uint8_t)(len + i);
}

static void make_bytes(struct make *m, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		buf_char(&m->b, (char)make_byte(len, i));
}

void make_pcap(struct make *m, uint32_t magic, uint16_t minor, uint32_t link)
{
	make_u32(m, magic);
	make_u16(m, 2);
	make_u16(m, minor);
	make_u64(m, 0);
	make_u32(m, 65535);
	make_u32(m, link);
}

void make_record(struct make *m, uint32_t seconds, uint32_t fraction, uint32_t len)
{
	make_u32(m, seconds);
	make_u32(m, fraction);
	make_u32(m, len);
	make_u32(m, len + 10);
	make_bytes(m, len);
}

static void pad(struct make *m)
{
	while (m->b.len % 4)
		buf_char(&m->b, 0);
}

void make_begin(struct make *m, uint32_t type)
{
	m->block = m->b.len;
	make_u32(m, type);
	make_u32(m, 0);
}

void make_option(struct make *m, uint16_t code, const void *value, uint16_t len)
{
	make_u16(m, code);
	make_u16(m, len);
	buf_add(&m->b, value, len);
	while ((m->b.len - m->block) % 4)
		buf_char(&m->b, 0);
}

void make_end(struct make *m)
{
	uint32_t len = (uint32_t)(m->b.len - m->block) + 4;

	make_u32(m, len);
	memcpy(m->b.data + m->block + 4, m->b.data + m->b.len - 4, 4);
}

void make_section(struct make *m)
{
	make_begin(m, 0x0a0d0d0a);
	make_u32(m, 0x1a2b3c4d);
	make_u16(m, 1);
	make_u16(m, 0);
	make_u64(m, UINT64_MAX);
	make_end(m);
}

void make_interface(struct make *m, uint16_t linktype, const char *name)
{
	make_begin(m, 1);
	make_u16(m, linktype);
	make_u16(m, 0);
	make_u32(m, 0);
	if (name)
		make_option(m, 2, name, (uint16_t)strlen(name));
	make_end(m);
}

void make_packet(struct make *m, uint32_t interface, uint64_t units, uint32_t len)
{
	make_begin(m, 6);
	make_u32(m, interface);
	make_u32(m, (uint32_t)(units >> 32));
	make_u32(m, (uint32_t)units);
	make_u32(m, len);
	make_u32(m, len + 10);
	make_bytes(m, len);
	pad(m);
	make_end(m);
}

int make_fd(const void *bytes, size_t len)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void take(struct result *out, const struct frame *frames, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct frame f = frames[i];

		for (uint32_t at = 0; at < f.caplen; at++)
			assert_int_equal(f.bytes[at], make_byte(f.caplen, at));
		assert_true(out->count < RESULT_FRAMES);
		f.bytes = NULL;
		out->frames[out->count++] = f;
	}
}

void result_read(struct source *source, struct result *out)
{
	struct frame frames[FRAME_BATCH];
	const struct source_interface *list;
	unsigned count;

	*out = (struct result){0};
	for (;;) {
		count = 0;
		out->status = source->ops->next(
			source->self, 0, frames, &count, &out->err);
		if (out->status != SOURCE_FRAMES)
			break;
		assert_in_range(count, 1, FRAME_BATCH);
		take(out, frames, count);
	}
	out->interface_count = source->ops->interfaces(source->self, &list);
	for (unsigned i = 0; i < out->interface_count && i < 64; i++)
		out->interfaces[i] = list[i];
	source->ops->counters(source->self, &out->counters);
	source->ops->close(source->self);
}

void result_of(const void *bytes, size_t len, struct result *out)
{
	struct source_file file = {make_fd(bytes, len), "x"};
	struct source source;
	struct err err;

	assert_int_equal(file_source_open(&file, 1, NULL, &source, &err), 0);
	result_read(&source, out);
}
