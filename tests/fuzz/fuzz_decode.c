/*
 * Decoding: the input is a list of frames, each with its link type, so that fragments
 * of one datagram meet. Both ways of decoding must agree, and each packet must keep
 * packet.h's word.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "decode/chain.h"
#include "decode/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEADER_BYTES \
	6 /* link type, length (both little-endian), flags, extra length \
	   */

enum { /* flags */
	WITH_GSO = 1,
	WITH_VLAN = 2,
	BACK_IN_TIME = 4,
};

static void check_packet(const struct packet *p, const struct frame *f)
{
	assert(p->outcome <= OUTCOME_UNSUPPORTED);
	assert((p->outcome == OUTCOME_MALFORMED) == (p->malformed != MALFORMED_NONE));
	assert(p->malformed < MALFORMED_COUNT);
	assert(p->kind <= PACKET_FRAGMENT);
	assert(p->vlans <= PACKET_VLANS && p->tunnels <= PACKET_TUNNELS);
	assert(p->sacks <= PACKET_SACKS && p->wscale <= 14 && p->segments >= 1);
	assert(p->payload_captured <= p->payload_len);
	assert((p->payload != NULL) == (p->payload_captured != 0));
	if (!p->payload)
		return;
	assert(p->payload >= f->bytes);
	assert(p->payload + p->payload_captured <= f->bytes + f->caplen);
}

static void check_arrays(const struct packet *p, const struct packet *q)
{
	unsigned i;

	assert(memcmp(p->vlan, q->vlan, p->vlans * sizeof(p->vlan[0])) == 0);
	assert(memcmp(p->sack, q->sack, p->sacks * sizeof(p->sack[0])) == 0);
	for (i = 0; i < p->tunnels; i++) {
		assert(p->tunnel[i].kind > TUNNEL_NONE &&
			p->tunnel[i].kind < TUNNEL_COUNT);
		assert(p->tunnel[i].id == q->tunnel[i].id);
	}
	if (!p->has_mac)
		return;
	assert(memcmp(p->mac_src, q->mac_src, 6) == 0);
	assert(memcmp(p->mac_dst, q->mac_dst, 6) == 0);
}

static void decode_copy(struct decoder *d, struct decoder *other, struct frame f)
{
	uint8_t *copy = malloc(f.caplen ? f.caplen : 1); /* each byte beyond is seen */
	struct packet p, q;

	if (!copy)
		abort();
	memcpy(copy, f.bytes, f.caplen);
	f.bytes = copy;
	memset(&p, 0xa5, sizeof(p));
	memset(&q, 0x5a, sizeof(q));
	decode_batch(d, &f, 1, &p);
	chain_decode(other, &f, &q);
	check_packet(&p, &f);
	assert(memcmp(&p, &q, offsetof(struct packet, vlan)) == 0);
	check_arrays(&p, &q);
	free(copy);
}

/* Takes the next frame off the input; 0 at its end. */
static size_t next_frame(const uint8_t *data, size_t size, struct frame *f)
{
	size_t len, left;

	if (size < HEADER_BYTES)
		return 0;
	left = size - HEADER_BYTES;
	len = (size_t)(data[2] | data[3] << 8);
	f->linktype = (uint16_t)(data[0] | data[1] << 8);
	f->bytes = data + HEADER_BYTES;
	f->caplen = (uint32_t)(len < left ? len : left);
	f->len = f->caplen + data[5] * 16u;
	f->gso_bytes = data[4] & WITH_GSO ? 100 : 0;
	f->vlan_tpid = data[4] & WITH_VLAN ? 0x8100 : 0;
	f->vlan_tci = 0xfedc;
	f->ts_ns += data[4] & BACK_IN_TIME ? -1000000000ull : 1000000000ull;
	return HEADER_BYTES + f->caplen;
}

/*
 * Making decoders takes longer than decoding with them, so they stay. Each input starts
 * an hour later: every fragment before it is forgotten, and the outcome does not depend
 * on it.
 */
static struct decoder *decoder, *twin;
static uint64_t start_ns;

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct hash_key key = {1, 2};

	(void)argc;
	(void)argv;
	decoder = decoder_new(&key);
	twin = decoder_new(&key);
	if (!decoder || !twin)
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame f = {.ts_ns = start_ns += 3600000000000u};
	size_t taken;

	while ((taken = next_frame(data, size, &f)) > 0) {
		decode_copy(decoder, twin, f);
		data += taken;
		size -= taken;
	}
	assert(decoder_overlaps(decoder) == decoder_overlaps(twin));
	return 0;
}
