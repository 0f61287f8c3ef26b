#include "measure/quic_initial.h"

#include <nettle/aes.h>
#include <nettle/gcm.h>
#include <nettle/hkdf.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <string.h>

#define SECRET_BYTES   32 /* SHA-256 */
#define KEY_BYTES      16 /* AES-128 */
#define SAMPLE_OFFSET  4  /* behind the start of the packet number: RFC 9001 §5.4.2 */
#define HEADER_MOST    1024
#define COALESCED_MOST 8
#define FRAMES_MOST    256
#define LABEL_MOST     32

enum long_type { /* in the header's bits 0x30, version 1: RFC 9000 §17.2 */
	LONG_INITIAL,
	LONG_0RTT,
	LONG_HANDSHAKE,
	LONG_RETRY,
};

enum frame { /* RFC 9000 §12.4: those of a client's first Initials */
	FRAME_PADDING = 0,
	FRAME_PING = 1,
	FRAME_ACK = 2,
	FRAME_ACK_ECN = 3,
	FRAME_CRYPTO = 6,
};

struct version {
	uint32_t first, last;
	uint8_t salt[20];
	const char *key, *iv, *hp; /* labels */
	uint8_t turned;            /* the types are so many places further */
};

static const struct version versions[] = {
	{1, 1,
		{0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6,
			0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
		"quic key", "quic iv", "quic hp", 0},
	{0x6b3343cf, 0x6b3343cf,
		{0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe,
			0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9},
		"quicv2 key", "quicv2 iv", "quicv2 hp", 1},
	{0xff000021, 0xff000022, /* drafts 33 and 34 have version 1's */
		{0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6,
			0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
		"quic key", "quic iv", "quic hp", 0},
	{0xff00001d, 0xff000020,
		{0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1,
			0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99},
		"quic key", "quic iv", "quic hp", 0},
	{0xff000017, 0xff00001c,
		{0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43,
			0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02},
		"quic key", "quic iv", "quic hp", 0},
};

static const struct version *version_of(uint32_t number)
{
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (number >= versions[i].first && number <= versions[i].last)
			return &versions[i];
	return NULL;
}

/* A variable-length integer (RFC 9000 §16). */
static uint64_t varint(struct cur *c)
{
	uint8_t first = cur_u8(c);
	uint64_t value = first & 0x3f;

	for (unsigned more = (1u << (first >> 6)) - 1; more; more--)
		value = value << 8 | cur_u8(c);
	return value;
}

static void skip(struct cur *c, uint64_t len)
{
	cur_skip(c, len > cur_left(c) ? cur_left(c) + 1 : (size_t)len);
}

static enum long_type type_of(unsigned first, const struct version *v)
{
	return (enum long_type)((first >> 4) - v->turned & 3);
}

bool quic_initial_begins(const void *bytes, size_t captured, size_t len)
{
	struct cur c = cur_of(bytes, captured);
	const struct version *v;
	unsigned first;

	if (len < QUIC_DATAGRAM_LEAST)
		return false;
	first = cur_u8(&c);
	v = version_of(cur_be32(&c));
	return !c.bad && (first & 0xc0) == 0xc0 && v &&
	       type_of(first, v) == LONG_INITIAL && cur_u8(&c) <= QUIC_ID_MOST;
}

/* Takes one packet with a long header; false: what follows has no length. */
static bool take_packet(
	struct cur *datagram, struct quic_initial *out, enum long_type *type)
{
	struct cur c = *datagram;
	unsigned first = cur_u8(&c);
	const struct version *v;
	uint64_t len;

	out->version = cur_be32(&c);
	v = version_of(out->version);
	if (c.bad || (first & 0xc0) != 0xc0 || !v)
		return false;
	*type = type_of(first, v);
	out->destination.len = cur_u8(&c);
	if (*type == LONG_RETRY || out->destination.len > QUIC_ID_MOST)
		return false;
	cur_copy(&c, out->destination.bytes, out->destination.len);
	cur_skip(&c, cur_u8(&c)); /* source's id */
	if (*type == LONG_INITIAL)
		skip(&c, varint(&c)); /* token */
	len = varint(&c);
	if (c.bad || len > cur_left(&c))
		return false;
	out->number_offset = (size_t)(c.at - datagram->at);
	out->packet = cur_of(datagram->at, out->number_offset + (size_t)len);
	datagram->at = out->packet.end;
	return true;
}

bool quic_initial_next(struct cur *datagram, struct quic_initial *out)
{
	enum long_type type;

	for (unsigned i = 0; i < COALESCED_MOST; i++) {
		if (!take_packet(datagram, out, &type))
			return false;
		if (type == LONG_INITIAL)
			return true;
	}
	return false;
}

/* HKDF-Expand-Label with an empty context (RFC 8446 §7.1). */
static void expand(const uint8_t secret[static SECRET_BYTES], const char *label,
	uint8_t *out, size_t len)
{
	static const char prefix[] = "tls13 ";
	struct hmac_sha256_ctx hmac;
	uint8_t info[LABEL_MOST];
	size_t label_len = strlen(label), at = 0;

	info[at++] = 0;
	info[at++] = (uint8_t)len;
	info[at++] = (uint8_t)(sizeof(prefix) - 1 + label_len);
	memcpy(info + at, prefix, sizeof(prefix) - 1);
	at += sizeof(prefix) - 1;
	memcpy(info + at, label, label_len);
	at += label_len;
	info[at++] = 0;
	hmac_sha256_set_key(&hmac, SECRET_BYTES, secret);
	hkdf_expand(&hmac, (nettle_hash_update_func *)hmac_sha256_update,
		(nettle_hash_digest_func *)hmac_sha256_digest, SECRET_BYTES, at, info,
		len, out);
}

struct keys {
	uint8_t key[KEY_BYTES], hp[KEY_BYTES], iv[GCM_IV_SIZE];
};

static void derive(struct keys *out, const struct version *v, const struct quic_id *id)
{
	uint8_t initial[SECRET_BYTES], client[SECRET_BYTES];
	struct hmac_sha256_ctx hmac;

	hmac_sha256_set_key(&hmac, sizeof(v->salt), v->salt);
	hkdf_extract(&hmac, (nettle_hash_update_func *)hmac_sha256_update,
		(nettle_hash_digest_func *)hmac_sha256_digest, SECRET_BYTES, id->len,
		id->bytes, initial);
	expand(initial, "client in", client, sizeof(client));
	expand(client, v->key, out->key, sizeof(out->key));
	expand(client, v->iv, out->iv, sizeof(out->iv));
	expand(client, v->hp, out->hp, sizeof(out->hp));
}

/* The header without its protection (RFC 9001 §5.4). Returns its length; 0: too short.
 */
static size_t unmask(const struct quic_initial *i, struct keys *keys,
	uint8_t out[static HEADER_MOST])
{
	struct aes128_ctx aes;
	uint8_t mask[AES_BLOCK_SIZE];
	size_t number_len, offset = i->number_offset;

	if (cur_left(&i->packet) < offset + SAMPLE_OFFSET + AES_BLOCK_SIZE ||
		offset + SAMPLE_OFFSET > HEADER_MOST)
		return 0;
	aes128_set_encrypt_key(&aes, keys->hp);
	aes128_encrypt(&aes, sizeof(mask), mask, i->packet.at + offset + SAMPLE_OFFSET);
	memcpy(out, i->packet.at, offset + SAMPLE_OFFSET);
	out[0] ^= mask[0] & 0x0f;
	number_len = (out[0] & 3u) + 1;
	for (size_t n = 0; n < number_len; n++) {
		out[offset + n] ^= mask[1 + n];
		/* The first numbers of a client are short enough to be whole. */
		keys->iv[GCM_IV_SIZE - number_len + n] ^= out[offset + n];
	}
	return offset + number_len;
}

size_t quic_initial_open(const struct quic_initial *i, const struct quic_id *id,
	uint8_t out[static QUIC_PLAIN_MOST])
{
	const struct version *v = version_of(i->version);
	uint8_t header[HEADER_MOST], tag[GCM_DIGEST_SIZE];
	struct gcm_aes128_ctx gcm;
	struct keys keys;
	size_t header_len, len;

	if (!v)
		return 0;
	derive(&keys, v, id);
	header_len = unmask(i, &keys, header);
	len = cur_left(&i->packet);
	if (!header_len || len < header_len + GCM_DIGEST_SIZE)
		return 0;
	len -= header_len + GCM_DIGEST_SIZE;
	if (len > QUIC_PLAIN_MOST)
		return 0;
	gcm_aes128_set_key(&gcm, keys.key);
	gcm_aes128_set_iv(&gcm, sizeof(keys.iv), keys.iv);
	gcm_aes128_update(&gcm, header_len, header);
	gcm_aes128_decrypt(&gcm, len, out, i->packet.at + header_len);
	gcm_aes128_digest(&gcm, sizeof(tag), tag);
	return memeql_sec(tag, i->packet.end - sizeof(tag), sizeof(tag)) ? len : 0;
}

/* RFC 9000 §19.3: ranges, and three counts of ECN. */
static void skip_ack(struct cur *c, unsigned type)
{
	uint64_t ranges;

	(void)varint(c); /* largest */
	(void)varint(c); /* delay */
	ranges = varint(c);
	for (uint64_t n = 0; n < 2 * ranges + 1 && !c->bad; n++)
		(void)varint(c);
	for (unsigned n = 0; n < (type == FRAME_ACK_ECN ? 3 : 0); n++)
		(void)varint(c);
}

/* Takes a frame without data that may come before; false: it is none. */
static bool skip_frame(struct cur *c, unsigned type)
{
	if (type == FRAME_ACK || type == FRAME_ACK_ECN)
		skip_ack(c, type);
	return type <= FRAME_ACK_ECN;
}

bool quic_initial_crypto(struct cur *frames, uint64_t *offset, struct cur *out)
{
	unsigned type = FRAME_PADDING, count = 0;
	uint64_t len;

	while (cur_left(frames) && (type = cur_u8(frames)) != FRAME_CRYPTO) {
		count += type != FRAME_PADDING; /* of that, as much as it likes */
		if (count > FRAMES_MOST || !skip_frame(frames, type))
			return false;
	}
	if (type != FRAME_CRYPTO)
		return false;
	*offset = varint(frames);
	len = varint(frames);
	if (frames->bad || len > cur_left(frames))
		return false;
	*out = cur_of(frames->at, (size_t)len);
	cur_skip(frames, (size_t)len);
	return true;
}
