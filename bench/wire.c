#include "wire.h"

#include <errno.h>
#include <string.h>

enum {
	FRAME_MAX = 128,
	ETHER_LEN = 14,
	IP4_LEN = 20,
	IP6_LEN = 40,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
};

/* Grows at the end; everything before `used` is written. */
struct frame {
	uint8_t data[FRAME_MAX];
	uint32_t used;
};

static void put8(struct frame *f, uint8_t v)
{
	f->data[f->used++] = v;
}

static void put16(struct frame *f, uint16_t v)
{
	put8(f, (uint8_t)(v >> 8));
	put8(f, (uint8_t)v);
}

static void put32(struct frame *f, uint32_t v)
{
	put16(f, (uint16_t)(v >> 16));
	put16(f, (uint16_t)v);
}

static void put_bytes(struct frame *f, const uint8_t *bytes, uint32_t len)
{
	memcpy(f->data + f->used, bytes, len);
	f->used += len;
}

/* RFC 1071, over an even offset; an odd end counts as padded with 0. */
static uint32_t sum(const uint8_t *bytes, uint32_t len, uint32_t start)
{
	uint32_t i, total = start;

	for (i = 0; i + 1 < len; i += 2)
		total += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	if (len & 1)
		total += (uint32_t)bytes[len - 1] << 8;
	return total;
}

static uint16_t folded(uint32_t total)
{
	total = (total & 0xffff) + (total >> 16);
	total = (total & 0xffff) + (total >> 16);
	return (uint16_t)~total;
}

static void set16(struct frame *f, uint32_t at, uint16_t v)
{
	f->data[at] = (uint8_t)(v >> 8);
	f->data[at + 1] = (uint8_t)v;
}

static void put_ether(struct frame *f, bool v6)
{
	static const uint8_t macs[12] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};

	put_bytes(f, macs, sizeof(macs));
	put16(f, v6 ? 0x86dd : 0x0800);
}

static void put_ip4(struct frame *f, const struct segment *s, uint32_t len)
{
	uint32_t start = f->used;

	put16(f, 0x4500);
	put16(f, (uint16_t)(IP4_LEN + len));
	put32(f, 0x00004000); /* id 0, don't fragment (RFC 6864 §4.1) */
	put8(f, 63);
	put8(f, s->udp ? PROTO_UDP : PROTO_TCP);
	put16(f, 0);
	put_bytes(f, s->from->addr, 4);
	put_bytes(f, s->to->addr, 4);
	set16(f, start + 10, folded(sum(f->data + start, IP4_LEN, 0)));
}

static void put_ip6(struct frame *f, const struct segment *s, uint32_t len)
{
	put32(f, 0x60000000);
	put16(f, (uint16_t)len);
	put8(f, s->udp ? PROTO_UDP : PROTO_TCP);
	put8(f, 63);
	put_bytes(f, s->from->addr, 16);
	put_bytes(f, s->to->addr, 16);
}

static uint32_t options_len(const struct segment *s)
{
	if (s->tsval == 0)
		return s->flags & WIRE_SYN ? 4 : 0;
	return s->flags & WIRE_SYN ? 20 : 12;
}

static void put_options(struct frame *f, const struct segment *s)
{
	if (s->flags & WIRE_SYN)
		put32(f, 0x020405a0 + (s->v6 ? 0 : 20)); /* MSS 1440, 1460 */
	if (s->tsval == 0)
		return;
	if (s->flags & WIRE_SYN)
		put16(f, 0x0402); /* SACK permitted */
	else
		put16(f, 0x0101);
	put16(f, 0x080a);
	put32(f, s->tsval);
	put32(f, s->tsecr);
	if (s->flags & WIRE_SYN)
		put32(f, 0x01030307); /* window scale 7 */
}

static void put_tcp(struct frame *f, const struct segment *s)
{
	put16(f, s->from->port);
	put16(f, s->to->port);
	put32(f, s->seq);
	put32(f, s->ack);
	put8(f, (uint8_t)((20 + options_len(s)) / 4 << 4));
	put8(f, s->flags);
	put16(f, s->window);
	put32(f, 0); /* checksum, urgent pointer */
	put_options(f, s);
}

static void put_udp(struct frame *f, const struct segment *s)
{
	put16(f, s->from->port);
	put16(f, s->to->port);
	put16(f, (uint16_t)(8 + s->len_bytes));
	put16(f, 0);
}

/* The payload after `head` is zeros, so only what the frame holds enters the checksum.
 */
static void set_checksum(struct frame *f, const struct segment *s, uint32_t at)
{
	uint32_t addr_len = s->v6 ? 16 : 4, total;
	uint32_t header = s->udp ? 8 : 20 + options_len(s);

	total = sum(s->from->addr, addr_len, s->udp ? PROTO_UDP : PROTO_TCP);
	total = sum(s->to->addr, addr_len, total);
	total += header + s->len_bytes;
	total = sum(f->data + at, f->used - at, total);
	set16(f, at + (s->udp ? 6 : 16), folded(total));
}

static void put_packet(struct frame *f, const struct segment *s)
{
	uint32_t transport = s->udp ? 8 : 20 + options_len(s), at;

	f->used = 0;
	put_ether(f, s->v6);
	if (s->v6)
		put_ip6(f, s, transport + s->len_bytes);
	else
		put_ip4(f, s, transport + s->len_bytes);
	at = f->used;
	if (s->udp)
		put_udp(f, s);
	else
		put_tcp(f, s);
	if (s->head)
		put_bytes(f, s->head, s->head_bytes);
	set_checksum(f, s, at);
}

static int write_all(FILE *out, const void *data, size_t len)
{
	return fwrite(data, 1, len, out) == len ? 0 : -EIO;
}

int wire_init(struct wire *w, FILE *out, uint32_t snaplen)
{
	const uint32_t header[6] = {0xa1b2c3d4, 0x00040002, 0, 0, snaplen, 1};

	*w = (struct wire){.out = out, .snaplen = snaplen};
	return write_all(out, header, sizeof(header));
}

int wire_put(struct wire *w, const struct segment *s)
{
	static const uint8_t zeros[FRAME_MAX];
	struct frame f;
	uint32_t record[4], wire_len, cap_len, solid;

	put_packet(&f, s);
	wire_len = f.used + s->len_bytes - (s->head ? s->head_bytes : 0);
	cap_len = wire_len < w->snaplen ? wire_len : w->snaplen;
	solid = f.used < cap_len ? f.used : cap_len;
	record[0] = (uint32_t)(s->time_us / 1000000);
	record[1] = (uint32_t)(s->time_us % 1000000);
	record[2] = cap_len;
	record[3] = wire_len;
	w->packets++;
	w->bytes += wire_len;
	if (write_all(w->out, record, sizeof(record)) ||
		write_all(w->out, f.data, solid))
		return -EIO;
	return write_all(w->out, zeros, cap_len - solid);
}
