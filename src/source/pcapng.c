#include "source/pcapng.h"

#include <errno.h>
#include <stdlib.h>

enum { /* block types */
	BLOCK_INTERFACE = 1,
	BLOCK_OLD_PACKET = 2,
	BLOCK_SIMPLE = 3,
	BLOCK_STATISTICS = 5,
	BLOCK_PACKET = 6,
	BLOCK_SECTION = 0x0a0d0d0a, /* reads the same in both byte orders */
};

enum { /* option codes; a code means something else in each kind of block */
	OPTION_END = 0,
	OPTION_PACKET_FLAGS = 2,
	OPTION_PACKET_DROPS = 4,
	OPTION_IF_NAME = 2,
	OPTION_IF_RESOLUTION = 9,
	OPTION_IF_OFFSET = 14,
	OPTION_ISB_IF_DROPS = 5,
	OPTION_ISB_OS_DROPS = 7,
};

#define ORDER_MAGIC     0x1a2b3c4d
#define BLOCK_AROUND    12 /* type, length, length again */
#define SECTION_MINIMUM 28

struct option {
	uint16_t code;
	struct cur value;
};

bool pcapng_detect(const uint8_t magic[static 4])
{
	struct cur c = cur_of(magic, 4);

	return cur_le32(&c) == BLOCK_SECTION;
}

void pcapng_done(struct pcapng *p)
{
	free(p->list);
	p->list = NULL;
	p->count = p->cap = 0;
}

static uint64_t read_u64(struct cur *c, bool big)
{
	return big ? cur_be64(c) : cur_le64(c);
}

static size_t padding(size_t len) /* to the next multiple of 4 */
{
	return -len & 3;
}

/* False at the end of the options; c->bad when one is cut. */
static bool next_option(struct cur *c, bool big, struct option *out)
{
	uint16_t code, len;
	const uint8_t *value;

	if (cur_left(c) < 4)
		return false;
	code = scan_u16(c, big);
	len = scan_u16(c, big);
	if (code == OPTION_END)
		return false;
	value = cur_take(c, len);
	if (!value)
		return false;
	*out = (struct option){code, cur_of(value, len)};
	cur_skip(c, cur_left(c) < 3 ? cur_left(c) : padding(len));
	return true;
}

/* Files say drops in two ways; counting both would count them twice. */
static void count_drops(struct pcapng *p, struct pcapng_interface *i)
{
	uint64_t best = i->drops_told > i->drops_added ? i->drops_told : i->drops_added;

	if (best <= i->drops_counted)
		return;
	p->counters->ring_drops += best - i->drops_counted;
	i->drops_counted = best;
}

static bool fault(struct scan *s, const char *what)
{
	(void)err_set(&s->fault, EXIT_PARTIAL, "%s", what); /* told by the false */
	return false;
}

static bool read_section(struct pcapng *p, struct scan *s, struct cur *body)
{
	uint16_t major, minor;

	cur_skip(body, 4); /* byte order: read already */
	major = scan_u16(body, p->big);
	minor = scan_u16(body, p->big);
	if (body->bad)
		return fault(s, "section header is too short");
	if (major != 1 || minor != 0 && minor != 2) {
		(void)err_set(&s->fault, EXIT_PARTIAL,
			"pcapng version %u.%u is not one that konn reads (1.0)", major,
			minor);
		return false;
	}
	p->count = 0;
	p->section = true;
	return true;
}

static struct pcapng_interface *new_interface(struct pcapng *p)
{
	unsigned cap = p->cap ? p->cap * 2 : 4;
	struct pcapng_interface *list;

	if (p->count < p->cap)
		return &p->list[p->count];
	list = cap > PCAPNG_INTERFACES ? NULL : realloc(p->list, cap * sizeof(*list));
	if (!list)
		return NULL;
	p->list = list;
	p->cap = cap;
	return &p->list[p->count];
}

static bool read_interface(struct pcapng *p, struct scan *s, struct cur *body)
{
	struct pcapng_interface new = {.clock = pcapng_clock_default()};
	struct pcapng_interface *slot = new_interface(p);
	struct cur name = {0};
	struct option o;
	int index;

	if (!slot)
		return fault(s, "more interfaces than konn follows");
	new.linktype = scan_u16(body, p->big);
	cur_skip(body, 2); /* reserved */
	new.snaplen = scan_u32(body, p->big);
	new.most_bytes = scan_most_bytes(new.linktype, new.snaplen);
	while (next_option(body, p->big, &o)) {
		if (o.code == OPTION_IF_NAME)
			name = o.value;
		else if (o.code == OPTION_IF_RESOLUTION &&
			 !pcapng_clock_set(&new.clock, cur_u8(&o.value)))
			return fault(
				s, "time resolution of an interface is impossible");
		else if (o.code == OPTION_IF_OFFSET)
			new.clock.offset_s = (int64_t)read_u64(&o.value, p->big);
		body->bad |= o.value.bad;
	}
	if (body->bad)
		return fault(s, "interface description has a field that is too short");
	index = interfaces_add(
		p->interfaces, (const char *)name.at, cur_left(&name), new.linktype);
	if (index < 0)
		return fault(s, "out of memory");
	new.interface = (uint16_t)index;
	*slot = new;
	p->count++;
	return true;
}

static bool read_statistics(struct pcapng *p, struct cur *body)
{
	uint32_t number = scan_u32(body, p->big);
	uint64_t drops = 0;
	bool by_os = false;
	struct option o;

	cur_skip(body, 8); /* time */
	if (body->bad || number >= p->count)
		return true; /* no packet depends on it */
	while (next_option(body, p->big, &o)) {
		if (o.code != OPTION_ISB_OS_DROPS &&
			(o.code != OPTION_ISB_IF_DROPS || by_os))
			continue;
		by_os = o.code == OPTION_ISB_OS_DROPS;
		drops = read_u64(&o.value, p->big);
	}
	p->list[number].drops_told = drops;
	count_drops(p, &p->list[number]);
	return true;
}

static void read_packet_options(struct pcapng *p, struct cur *options,
	struct pcapng_interface *i, struct frame *frame)
{
	struct option o;

	while (next_option(options, p->big, &o)) {
		if (o.code == OPTION_PACKET_FLAGS)
			frame->dir = scan_u32(&o.value, p->big) & 3;
		else if (o.code == OPTION_PACKET_DROPS)
			i->drops_added += read_u64(&o.value, p->big);
	}
	if (frame->dir > FRAME_DIR_OUT)
		frame->dir = FRAME_DIR_UNKNOWN;
	count_drops(p, i);
}

static inline bool add_frame(struct scan *s, struct pcapng_interface *i,
	struct cur *body, const struct frame *frame)
{
	const uint8_t *bytes;

	if (__builtin_expect(frame->caplen > i->most_bytes, 0)) {
		(void)err_set(&s->fault, EXIT_PARTIAL,
			"captured length %u is above the limit of %u", frame->caplen,
			i->most_bytes);
		return false;
	}
	bytes = cur_take(body, frame->caplen);
	if (__builtin_expect(!bytes, 0))
		return fault(s, "captured length is longer than its block");
	s->frames[s->count] = *frame;
	s->frames[s->count].bytes = bytes;
	s->frames[s->count].linktype = i->linktype;
	s->frames[s->count].interface = i->interface;
	s->count++;
	return true;
}

static bool read_packet(struct pcapng *p, struct scan *s, struct cur *body, bool old)
{
	const bool big = p->big;
	uint32_t number = old ? scan_u16(body, big) : scan_u32(body, big);
	uint32_t drops = old ? scan_u16(body, big) : 0;
	uint64_t units = (uint64_t)scan_u32(body, big) << 32;
	struct frame frame = {0};
	struct pcapng_interface *i;

	units |= scan_u32(body, big);
	frame.caplen = scan_u32(body, big);
	frame.len = scan_u32(body, big);
	if (__builtin_expect(body->bad, 0))
		return fault(s, "packet block is too short");
	if (__builtin_expect(number >= p->count, 0)) {
		(void)err_set(&s->fault, EXIT_PARTIAL,
			"interface %u of a packet was never described", number);
		return false;
	}
	i = &p->list[number];
	frame.ts_ns = pcapng_clock_ns(&i->clock, units);
	if (!add_frame(s, i, body, &frame))
		return false;
	if (old && drops != UINT16_MAX) /* all ones: not known */
		i->drops_added += drops;
	if (cur_left(body) > padding(frame.caplen) || old) {
		cur_skip(body, padding(frame.caplen));
		read_packet_options(p, body, i, &s->frames[s->count - 1]);
	}
	return true;
}

/* A packet without time and interface: it belongs to the section's first one. */
static bool read_simple(struct pcapng *p, struct scan *s, struct cur *body)
{
	struct frame frame = {.len = scan_u32(body, p->big)};

	if (body->bad)
		return fault(s, "packet block is too short");
	if (!p->count)
		return fault(s, "interface 0 of a packet was never described");
	frame.caplen = frame.len;
	if (p->list[0].snaplen && frame.caplen > p->list[0].snaplen)
		frame.caplen = p->list[0].snaplen;
	return add_frame(s, &p->list[0], body, &frame);
}

static bool read_block(
	struct pcapng *p, struct scan *s, uint32_t type, struct cur *body)
{
	switch (type) {
	case BLOCK_PACKET: return read_packet(p, s, body, false);
	case BLOCK_OLD_PACKET: return read_packet(p, s, body, true);
	case BLOCK_SIMPLE: return read_simple(p, s, body);
	case BLOCK_INTERFACE: return read_interface(p, s, body);
	case BLOCK_STATISTICS: return read_statistics(p, body);
	case BLOCK_SECTION: return read_section(p, s, body);
	default: return true; /* names, secrets, comments, custom: nothing for us */
	}
}

static bool read_order(struct pcapng *p, struct scan *s)
{
	struct cur c = s->in;
	uint32_t magic;

	cur_skip(&c, 8);
	magic = cur_le32(&c);
	if (c.bad) {
		s->want = BLOCK_AROUND;
		return false;
	}
	if (magic != ORDER_MAGIC && magic != __builtin_bswap32(ORDER_MAGIC))
		return fault(s, "section header has no byte order");
	p->big = magic != ORDER_MAGIC;
	return true;
}

static bool bad_length(struct scan *s, uint32_t type, uint32_t len)
{
	uint32_t least = type == BLOCK_SECTION ? SECTION_MINIMUM : BLOCK_AROUND;

	if (len >= least && len <= SCAN_LONGEST_BYTES && len % 4 == 0)
		return false;
	(void)err_set(&s->fault, EXIT_PARTIAL, "block length %u is impossible", len);
	return true;
}

/* One whole block; false when it is cut (want) or wrong (fault). */
static bool scan_block(struct pcapng *p, struct scan *s)
{
	struct cur c = s->in, body;
	uint32_t type, len;
	const uint8_t *start;

	s->in_packet = false;
	type = scan_u32(&c, p->big);
	if (type == BLOCK_SECTION && !c.bad && !read_order(p, s))
		return false;
	len = scan_u32(&c, p->big);
	if (__builtin_expect(c.bad, 0)) {
		s->want = BLOCK_AROUND;
		return false;
	}
	s->in_packet = type == BLOCK_PACKET || type == BLOCK_OLD_PACKET ||
		       type == BLOCK_SIMPLE;
	if (__builtin_expect(bad_length(s, type, len), 0))
		return false;
	start = cur_take(&c, len - BLOCK_AROUND);
	if (__builtin_expect(scan_u32(&c, p->big) != len || c.bad, 0)) {
		s->want = c.bad ? len : 0;
		return !c.bad && fault(s, "the two lengths of a block differ");
	}
	body = cur_of(start, len - BLOCK_AROUND);
	if (__builtin_expect(!read_block(p, s, type, &body), 0))
		return false;
	s->in = c;
	return true;
}

void pcapng_scan(struct pcapng *p, struct scan *s)
{
	while (s->count < s->most)
		if (!scan_block(p, s))
			return;
}
