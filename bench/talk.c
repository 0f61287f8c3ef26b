#include "talk.h"

#include <string.h>

enum { CLOSE_PACKETS = 3, SEGMENT_BYTES = 1428, BULK_BURST = 40 };

uint32_t talk_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (uint32_t)(*state * 0x2545f4914f6cdd1dULL >> 32);
}

static void address(struct endpoint *e, bool v6, uint32_t net, uint32_t host)
{
	const uint8_t four[4] = {(uint8_t)net, (uint8_t)(host >> 16),
		(uint8_t)(host >> 8), (uint8_t)host};

	memset(e->addr, 0, sizeof(e->addr));
	if (!v6) {
		memcpy(e->addr, four, sizeof(four));
		return;
	}
	e->addr[0] = 0xfd;
	memcpy(e->addr + 12, four, sizeof(four));
}

void talk_init(struct dialogue *t, uint32_t n, uint32_t total, uint64_t seed)
{
	static const uint16_t ports[8] = {443, 443, 443, 443, 443, 80, 22, 5432};
	struct talk_side *s;
	int i;

	*t = (struct dialogue){
		.total = total, .rng = seed ^ (n + 1) * 0x9e3779b97f4a7c15ULL};
	for (i = 0; i < 8; i++)
		(void)talk_random(&t->rng); /* neighbouring seeds start alike */
	t->v6 = talk_random(&t->rng) % 10 < 3;
	t->bulk = talk_random(&t->rng) % 10 == 0;
	t->odd_permille = 20;
	/* 61 is prime to 28,000, so (client, port) never repeats. */
	address(&t->side[0].end, t->v6, 10, 256 + n / 28000 + n % 4000 * 16);
	t->side[0].end.port = (uint16_t)(32768 + n % 28000 * 61 % 28000);
	address(&t->side[1].end, t->v6, 172, 0x100000 + talk_random(&t->rng) % 500);
	t->side[1].end.port = ports[talk_random(&t->rng) % 8];
	for (s = t->side; s < t->side + 2; s++) {
		s->next = talk_random(&t->rng);
		s->clock = talk_random(&t->rng) >> 1;
	}
}

static int say(struct dialogue *t, struct wire *w, uint8_t from, struct segment seg)
{
	struct talk_side *a = &t->side[from], *b = &t->side[!from];

	a->tsval = (uint32_t)(seg.time_us / 1000) + a->clock;
	seg.from = &a->end;
	seg.to = &b->end;
	seg.v6 = t->v6;
	seg.tsval = a->tsval;
	seg.tsecr = b->tsval;
	seg.window = 502;
	seg.ack = seg.flags & WIRE_ACK ? b->next : 0;
	if (seg.flags & WIRE_ACK)
		a->acked = b->next;
	/* A hole is acknowledged only up to its start. */
	if (t->odd.waiting && t->odd.side != from && seg.flags & WIRE_ACK)
		seg.ack = t->odd.seq;
	return wire_put(w, &seg);
}

static int control(struct dialogue *t, struct wire *w, uint8_t from, struct segment seg)
{
	seg.seq = t->side[from].next;
	t->side[from].next += (seg.flags & (WIRE_SYN | WIRE_FIN)) != 0;
	return say(t, w, from, seg);
}

static int data(
	struct dialogue *t, struct wire *w, uint32_t seq, uint32_t len, uint64_t now_us)
{
	static const uint8_t tls[5] = {0x17, 3, 3, 5, 0x8f}, http[5] = "GET /";
	bool web = t->side[1].end.port == 80;
	struct segment seg = {.time_us = now_us,
		.flags = WIRE_ACK | WIRE_PSH,
		.seq = seq,
		.len_bytes = len};

	if (len >= sizeof(tls) && t->burst % 4 == 0) {
		seg.head = web ? http : tls;
		seg.head_bytes = sizeof(tls);
	}
	return say(t, w, t->talker, seg);
}

static void next_burst(struct dialogue *t)
{
	t->talker = t->bulk ? 1 : !t->talker;
	if (t->sent == 3)
		t->talker = 0;
	if (t->bulk && t->talker == 1)
		t->burst = BULK_BURST;
	else
		t->burst = t->talker == 0 ? 1 : 1 + talk_random(&t->rng) % 8;
}

static int new_data(struct dialogue *t, struct wire *w, uint64_t now_us)
{
	struct talk_side *s = &t->side[t->talker];
	uint32_t len = t->burst > 1 ? SEGMENT_BYTES : 60 + talk_random(&t->rng) % 600;
	uint32_t seq = s->next;
	bool odd = talk_random(&t->rng) % 1000 < t->odd_permille;
	bool last = t->sent + 1 + CLOSE_PACKETS + 2 >= t->total;

	if (odd && !last) {
		/* Half of them are overtaken by their successor, half sent twice. */
		t->odd = (struct talk_odd){seq, len, t->talker, true};
		if (talk_random(&t->rng) & 1)
			seq += len;
	}
	if (seq != s->next)
		s->next += len;
	s->next += len;
	t->burst--;
	t->unacked++;
	return data(t, w, seq, len, now_us);
}

static int odd_data(struct dialogue *t, struct wire *w, uint64_t now_us)
{
	struct talk_odd odd = t->odd;

	t->odd.waiting = false;
	t->talker = odd.side;
	return data(t, w, odd.seq, odd.len_bytes, now_us);
}

static int middle(struct dialogue *t, struct wire *w, uint64_t now_us)
{
	const struct segment ack = {.time_us = now_us, .flags = WIRE_ACK};

	if (t->odd.waiting)
		return odd_data(t, w, now_us);
	if (t->unacked >= 2 || (t->unacked > 0 && t->burst == 0)) {
		t->unacked = 0;
		return control(t, w, !t->talker, ack);
	}
	if (t->burst == 0)
		next_burst(t);
	return new_data(t, w, now_us);
}

int talk_step(struct dialogue *t, struct wire *w, uint64_t now_us, bool *over)
{
	static const uint8_t opening[3] = {WIRE_SYN, WIRE_SYN | WIRE_ACK, WIRE_ACK};
	static const uint8_t closing[3] = {
		WIRE_FIN | WIRE_ACK, WIRE_FIN | WIRE_ACK, WIRE_ACK};
	struct segment seg = {.time_us = now_us};
	uint32_t left = t->total - t->sent;
	int rc;

	if (t->sent < 3) {
		seg.flags = opening[t->sent];
		rc = control(t, w, t->sent == 1, seg);
	} else if (left <= CLOSE_PACKETS) {
		seg.flags = closing[CLOSE_PACKETS - left];
		rc = control(t, w, left == 2, seg);
	} else {
		rc = middle(t, w, now_us);
	}
	t->sent++;
	*over = t->sent == t->total;
	return rc;
}
