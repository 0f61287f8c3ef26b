#include "wire.h"

#include <string.h>

#define ETHER    14
#define TYPE_IP4 0x0800
#define TYPE_IP6 0x86dd
#define TCP      6
#define FIN_PSH  0x09

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
	return get16(at) << 16 | get16(at + 2);
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static bool read_ip(const uint8_t *frame, size_t size, struct wire *w, size_t *end)
{
	const uint8_t *ip = frame + ETHER;
	uint32_t type = size < ETHER + 40 ? 0 : get16(frame + 12);

	w->ip_at = ETHER;
	w->v6 = type == TYPE_IP6;
	if (type == TYPE_IP4 && ip[9] == TCP) {
		w->tcp_at = ETHER + (ip[0] & 15u) * 4;
		w->ip_id = (uint16_t)get16(ip + 4);
		*end = ETHER + get16(ip + 2);
	} else if (type == TYPE_IP6 && ip[6] == TCP) {
		w->tcp_at = ETHER + 40;
		*end = ETHER + 40 + get16(ip + 4);
	} else
		return false;
	return *end <= size && w->tcp_at + 20 <= *end;
}

void wire_read(const uint8_t *frame, size_t size, struct wire *out)
{
	const uint8_t *tcp;
	size_t end;

	memset(out, 0, sizeof(*out));
	if (!read_ip(frame, size, out, &end))
		return;
	tcp = frame + out->tcp_at;
	out->data_at = out->tcp_at + (tcp[12] >> 4) * 4u;
	if (out->data_at > end)
		return;
	out->sport = (uint16_t)get16(tcp);
	out->dport = (uint16_t)get16(tcp + 2);
	out->seq = get32(tcp + 4);
	out->ack = get32(tcp + 8);
	out->flags = tcp[13];
	out->len = (uint32_t)(end - out->data_at);
	out->tcp = true;
}

static uint32_t add_up(uint32_t sum, const uint8_t *at, size_t size)
{
	for (size_t i = 0; i + 1 < size; i += 2)
		sum += get16(at + i);
	if (size % 2)
		sum += (uint32_t)at[size - 1] << 8;
	return (sum & 0xffff) + (sum >> 16);
}

static uint32_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16)) & 0xffff;
}

void wire_checksum(uint8_t *frame, size_t size, const struct wire *w)
{
	size_t len = size - w->tcp_at;
	uint32_t sum = TCP + (uint32_t)len;

	put16(frame + w->tcp_at + 16, 0);
	if (w->v6)
		sum = add_up(sum, frame + w->ip_at + 8, 32);
	else
		sum = add_up(sum, frame + w->ip_at + 12, 8);
	sum = add_up(sum, frame + w->tcp_at, len);
	put16(frame + w->tcp_at + 16, fold(sum));
}

size_t wire_cut(const uint8_t *frame, const struct wire *w, unsigned mss, unsigned i,
	uint8_t *out)
{
	uint32_t from = i * mss, len = w->len - from, seq = w->seq + from;
	uint8_t *ip = out + w->ip_at, *tcp = out + w->tcp_at;
	size_t size;

	if (from >= w->len)
		return 0;
	if (len > mss)
		len = mss;
	size = w->data_at + len;
	memcpy(out, frame, w->data_at);
	memcpy(out + w->data_at, frame + w->data_at + from, len);
	put16(tcp + 4, seq >> 16);
	put16(tcp + 6, seq);
	if (from + len < w->len) /* FIN and PSH belong to the last one */
		tcp[13] &= (uint8_t)~FIN_PSH;
	if (w->v6)
		put16(ip + 4, (uint32_t)(size - w->ip_at - 40));
	else {
		put16(ip + 2, (uint32_t)(size - w->ip_at));
		put16(ip + 4, w->ip_id + i);
		put16(ip + 10, 0);
		put16(ip + 10, fold(add_up(0, ip, w->tcp_at - w->ip_at)));
	}
	wire_checksum(out, size, w);
	return size;
}
