#include "flow/service.h"

#include <assert.h>
#include <string.h>

#include "base/cur.h"
#include "core/proto.h"

static const char *const service_names[SERVICE_COUNT] = {
	[SERVICE_TLS] = "tls",
	[SERVICE_HTTP] = "http",
	[SERVICE_DNS] = "dns",
	[SERVICE_SSH] = "ssh",
	[SERVICE_QUIC] = "quic",
};

const char *service_name(enum service_kind kind)
{
	assert(kind < SERVICE_COUNT);
	return service_names[kind];
}

static bool port_is(const struct packet *p, uint16_t port)
{
	return p->key.port[0] == port || p->key.port[1] == port;
}

/* A record of type handshake or alert, SSL 3.0 to TLS 1.3 (RFC 8446 §5.1). */
static bool looks_tls(struct cur c)
{
	unsigned type = cur_u8(&c), major = cur_u8(&c), minor = cur_u8(&c);
	unsigned len = cur_be16(&c);

	return !c.bad && (type == 22 || type == 21) && major == 3 && minor <= 4 &&
	       len >= 2 && len <= 16384 + 2048;
}

/* A request line's method, or a status line (RFC 9112 §3, §4). */
static bool looks_http(const struct cur *c)
{
	static const char *const starts[] = {"GET ", "POST ", "HEAD ", "PUT ",
		"DELETE ", "OPTIONS ", "CONNECT ", "TRACE ", "PATCH ", "HTTP/1.",
		"PRI * HTTP/2"};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		size_t len = strlen(starts[i]);

		if (cur_left(c) >= len && memcmp(c->at, starts[i], len) == 0)
			return true;
	}
	return false;
}

/* A header with a sane operation and few questions (RFC 1035 §4.1.1). */
static bool looks_dns(struct cur c, bool tcp)
{
	unsigned flags, questions;

	if (tcp)
		cur_skip(&c, 2); /* length of the message */
	cur_skip(&c, 2);
	flags = cur_be16(&c);
	questions = cur_be16(&c);
	return !c.bad && (flags >> 11 & 15) <= 6 && (flags & 0x40) == 0 &&
	       questions <= 4;
}

/* A long header of version 1 or 2 or a draft, or a version negotiation (RFC 9000
 * §17.2). */
static bool looks_quic(struct cur c)
{
	unsigned first = cur_u8(&c);
	uint32_t version = cur_be32(&c);
	unsigned id_len = cur_u8(&c);

	if (c.bad || (first & 0x80) == 0 || id_len > 20)
		return false;
	return ((first & 0x40) && (version == 1 || version == 0x6b3343cf ||
					  version >> 8 == 0xff0000)) ||
	       (version == 0 && cur_left(&c) >= 8);
}

enum service_kind service_detect(const struct packet *p)
{
	struct cur c;
	bool tcp = p->kind == PACKET_TCP;

	if (!p->payload || p->payload_captured < 4)
		return SERVICE_NONE;
	c = cur_of(p->payload, p->payload_captured);
	if (port_is(p, 53) && looks_dns(c, tcp))
		return SERVICE_DNS;
	if (!tcp) {
		if (port_is(p, 5353) && looks_dns(c, false))
			return SERVICE_DNS;
		return looks_quic(c) ? SERVICE_QUIC : SERVICE_NONE;
	}
	if (looks_tls(c))
		return SERVICE_TLS;
	if (looks_http(&c))
		return SERVICE_HTTP;
	return memcmp(c.at, "SSH-", 4) == 0 ? SERVICE_SSH : SERVICE_NONE;
}

bool service_dns_query(const struct packet *p)
{
	struct cur c = cur_of(p->payload, p->payload_captured);

	cur_skip(&c, 2);
	return !(cur_u8(&c) & 0x80) && !c.bad;
}

bool service_quic_initial(const struct packet *p)
{
	struct cur c = cur_of(p->payload, p->payload_captured);
	unsigned type = cur_u8(&c) & 0xb0;

	return type == (cur_be32(&c) == 0x6b3343cf ? 0x90 : 0x80) && !c.bad;
}

bool service_dns_begins(const struct packet *p)
{
	return p->kind == PACKET_TCP && p->payload_len < 6 && port_is(p, 53);
}
