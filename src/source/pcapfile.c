#include "source/pcapfile.h"

enum {
	MAGIC_US = 0xa1b2c3d4,
	MAGIC_NS = 0xa1b23c4d,
	MAGIC_PATCHED =
		0xa1b2cd34, /* Kuznetsov's: 8 bytes more in each record's header */
};

#define VERSION_DGUX 543 /* DG/UX tcpdump wrote 543.0 */

static bool is_magic(uint32_t magic)
{
	return magic == MAGIC_US || magic == MAGIC_NS || magic == MAGIC_PATCHED;
}

bool pcapfile_detect(const uint8_t magic[static 4])
{
	struct cur le = cur_of(magic, 4), be = le;

	return is_magic(cur_le32(&le)) || is_magic(cur_be32(&be));
}

static uint8_t lengths_of(uint16_t major, uint16_t minor)
{
	if (major == VERSION_DGUX || minor < 3)
		return PCAPFILE_CAPTURED_LAST;
	return minor == 3 ? PCAPFILE_CAPTURED_SMALLER : PCAPFILE_CAPTURED_FIRST;
}

int pcapfile_begin(struct pcapfile *p, struct cur *in, struct interfaces *interfaces,
	struct err *err)
{
	struct cur peek = *in;
	bool big = is_magic(cur_be32(&peek));
	uint32_t magic = scan_u32(in, big);
	uint16_t major = scan_u16(in, big), minor = scan_u16(in, big);
	uint32_t snaplen, link;
	int interface;

	cur_skip(in, 8); /* time zone and accuracy: always 0 */
	snaplen = scan_u32(in, big);
	link = scan_u32(in, big);
	if (!(major == 2 && minor <= 4) && !(major == VERSION_DGUX && minor == 0))
		return err_set(err, EXIT_NO_INPUT,
			"pcap version %u.%u is not one that konn reads (2.0 to 2.4)",
			major, minor);
	/* upper 6 bits: length of the frame check sequence; the next 10 are reserved */
	if (link & 0x03ff0000)
		return err_set(err, EXIT_NO_INPUT,
			"reserved bits of the link type are set (0x%08x)", link);
	interface = interfaces_add(interfaces, "", 0, (uint16_t)link);
	if (interface < 0)
		return err_set(err, EXIT_NO_INPUT, "out of memory");
	*p = (struct pcapfile){
		.record_bytes = magic == MAGIC_PATCHED ? 24 : 16,
		.most_bytes = scan_most_bytes((uint16_t)link, snaplen),
		.fraction_ns = magic == MAGIC_NS ? 1 : 1000,
		.linktype = (uint16_t)link,
		.interface = (uint16_t)interface,
		.big = big,
		.lengths = lengths_of(major, minor),
	};
	return 0;
}

static void order_lengths(const struct pcapfile *p, uint32_t *caplen, uint32_t *len)
{
	uint32_t first = *caplen;

	if (p->lengths == PCAPFILE_CAPTURED_SMALLER && *caplen <= *len)
		return;
	*caplen = *len;
	*len = first;
}

static inline uint32_t number(const uint8_t *at, bool big)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return big ? __builtin_bswap32(v) : v;
}

/*
 * The next record into *out, past which *in is then moved. False: it is not whole, or
 * faulty. (Inline, for each byte order one.)
 */
static inline __attribute__((always_inline)) bool next_record(
	const struct pcapfile *p, struct scan *s, struct frame *out, bool big)
{
	struct cur c = s->in;
	const uint8_t *h = cur_take(&c, p->record_bytes), *bytes;
	uint32_t caplen, len;

	if (__builtin_expect(!h, 0)) {
		s->want = p->record_bytes;
		return false;
	}
	caplen = number(h + 8, big);
	len = number(h + 12, big);
	if (__builtin_expect(p->lengths != PCAPFILE_CAPTURED_FIRST, 0))
		order_lengths(p, &caplen, &len);
	if (__builtin_expect(caplen > p->most_bytes, 0)) {
		(void)err_set(&s->fault, EXIT_PARTIAL,
			"captured length %u is above the limit of %u", caplen,
			p->most_bytes);
		return false;
	}
	bytes = cur_take(&c, caplen);
	if (__builtin_expect(!bytes, 0)) {
		s->want = (size_t)p->record_bytes + caplen;
		return false;
	}
	*out = (struct frame){
		.bytes = bytes,
		.ts_ns = number(h, big) * (uint64_t)1000000000 +
			 number(h + 4, big) * (uint64_t)p->fraction_ns,
		.caplen = caplen,
		.len = len,
		.linktype = p->linktype,
		.interface = p->interface,
	};
	s->in.at = c.at;
	return true;
}

void pcapfile_scan(const struct pcapfile *p, struct scan *s)
{
	const struct pcapfile own = *p; /* for gcc, frames might be *p */
	struct frame *out = s->frames + s->count, *end = s->frames + s->most;

	s->in_packet = true;
	if (own.big)
		while (out < end && next_record(&own, s, out, true))
			out++;
	else
		while (out < end && next_record(&own, s, out, false))
			out++;
	s->count = (unsigned)(out - s->frames);
}
