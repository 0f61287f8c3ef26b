#include "source/snaplen_program.h"

#include <assert.h>
#include <linux/filter.h>
#include <stddef.h>

#include "source/capture_filter.h"

/*
 * A classic BPF program written as a table of steps with names for its jump targets. X
 * holds the offset of the current layer throughout, M[0] a protocol number while A is
 * busy:
 *
 *   Ethernet, at most two VLAN tags, PPPoE ─┐             ┌→ UDP: known ports
 *   raw IP ─────────────────────────────────┴→ V4 or V6 ──┼→ TCP: first bytes of
 * payload └→ ICMP
 *
 * A load past the end of the packet would refuse the whole packet: LEFT looks before.
 */
enum label {
	NEXT, /* the instruction that follows */
	SHORT,
	LONG,
	TAGGED,
	TAGGED_TWICE,
	ETHERTYPE,
	PPPOE,
	ETHERNET_IP,
	IP,
	V4,
	V6,
	V6_OPTIONS,
	TRANSPORT,
	UDP,
	TCP,
	TCP_BYTES,
	LABELS,
};

struct step {
	uint16_t code; /* of the instruction, or IS_LABEL */
	uint8_t yes,
		no; /* enum label to jump to; IS_LABEL: yes is the label defined here */
	uint32_t k;
};

#define IS_LABEL 0xffff

#define LABEL(name_) \
	{ \
		IS_LABEL, (name_), NEXT, 0 \
	}
#define DO(code_, k_) \
	{ \
		(code_), NEXT, NEXT, (k_) \
	}
#define IF(cond_, k_, yes_, no_) \
	{ \
		BPF_JMP | (cond_) | BPF_K, (yes_), (no_), (k_) \
	}
#define EQUAL(k_, yes_) IF(BPF_JEQ, k_, yes_, NEXT)
#define GO(label_)      IF(BPF_JGE, 0, label_, label_)
#define BYTE(k_)        DO(BPF_LD | BPF_B | BPF_IND, k_)
#define HALF(k_)        DO(BPF_LD | BPF_H | BPF_IND, k_)
#define WORD(k_)        DO(BPF_LD | BPF_W | BPF_IND, k_)
#define ALU(op_, k_)    DO(BPF_ALU | (op_) | BPF_K, k_)
#define ADD_X           DO(BPF_ALU | BPF_ADD | BPF_X, 0)
#define TO_X            DO(BPF_MISC | BPF_TAX, 0)
#define FROM_X          DO(BPF_MISC | BPF_TXA, 0)
#define KEEP            DO(BPF_ST, 0)
#define RECALL          DO(BPF_LD | BPF_MEM, 0)
#define START           DO(BPF_LDX | BPF_W | BPF_IMM, 0)
#define SKIP(bytes_)    FROM_X, ALU(BPF_ADD, bytes_), TO_X
#define LEFT(bytes_) \
	DO(BPF_LD | BPF_W | BPF_LEN, 0), {BPF_JMP | BPF_JGE | BPF_X, NEXT, SHORT, 0}, \
		DO(BPF_ALU | BPF_SUB | BPF_X, 0), IF(BPF_JGE, bytes_, NEXT, SHORT)
#define VLAN_TAG(yes_)   EQUAL(0x8100, yes_), EQUAL(0x88a8, yes_), EQUAL(0x9100, yes_)
#define NAMED_PORT(yes_) EQUAL(53, yes_), EQUAL(443, yes_), EQUAL(5353, yes_)
#define LETTERS(a_, b_, c_, d_) \
	EQUAL((uint32_t)(a_) << 24 | (b_) << 16 | (c_) << 8 | (d_), LONG)

/* clang-format off */
static const struct step ethernet_steps[] = {
	START,
	LEFT(14), HALF(12), VLAN_TAG(TAGGED), GO(ETHERTYPE),
	LABEL(TAGGED),
	SKIP(4), LEFT(14), HALF(12), VLAN_TAG(TAGGED_TWICE), GO(ETHERTYPE),
	LABEL(TAGGED_TWICE),
	SKIP(4), LEFT(14), HALF(12),
	LABEL(ETHERTYPE),
	EQUAL(0x0800, ETHERNET_IP), EQUAL(0x86dd, ETHERNET_IP),
	IF(BPF_JEQ, 0x8864, PPPOE, SHORT),
	LABEL(PPPOE),
	SKIP(8), /* PPPoE 6, PPP protocol 2 (RFC 2516 §4); the IP version tells the rest */
	LABEL(ETHERNET_IP),
	SKIP(14),
};

static const struct step raw_steps[] = {
	START,
};

static const struct step ip_steps[] = {
	LABEL(IP),
	LEFT(20), BYTE(0), ALU(BPF_AND, 0xf0),
	EQUAL(0x40, V4), IF(BPF_JEQ, 0x60, V6, SHORT),

	LABEL(V4),
	HALF(6), IF(BPF_JSET, 0x1fff, SHORT, NEXT), /* not the first fragment */
	BYTE(9), KEEP,
	BYTE(0), ALU(BPF_AND, 0x0f), ALU(BPF_LSH, 2), ADD_X, TO_X,
	RECALL, GO(TRANSPORT),

	LABEL(V6),
	LEFT(40), BYTE(6), KEEP, SKIP(40), RECALL,
	EQUAL(0, V6_OPTIONS), EQUAL(43, V6_OPTIONS), IF(BPF_JEQ, 60, V6_OPTIONS, TRANSPORT),
	LABEL(V6_OPTIONS), /* one extension header, as MLD has; more are rare */
	LEFT(8), BYTE(0), KEEP,
	BYTE(1), ALU(BPF_ADD, 1), ALU(BPF_LSH, 3), ADD_X, TO_X,
	RECALL,

	LABEL(TRANSPORT),
	EQUAL(1, LONG), EQUAL(58, LONG), EQUAL(17, UDP), IF(BPF_JEQ, 6, TCP, SHORT),

	LABEL(UDP),
	LEFT(4), HALF(0), NAMED_PORT(LONG), HALF(2), NAMED_PORT(LONG), GO(SHORT),

	LABEL(TCP), /* pushed to a TLS server: a ClientHello's end may begin with anything */
	LEFT(20), HALF(2), IF(BPF_JEQ, 443, NEXT, TCP_BYTES),
	BYTE(13), IF(BPF_JSET, 0x08, LONG, NEXT),
	LABEL(TCP_BYTES),
	BYTE(12), ALU(BPF_AND, 0xf0), ALU(BPF_RSH, 2), ADD_X, TO_X,
	LEFT(4), WORD(0),
	LETTERS('G', 'E', 'T', ' '), LETTERS('P', 'O', 'S', 'T'), LETTERS('P', 'U', 'T', ' '),
	LETTERS('H', 'E', 'A', 'D'), LETTERS('D', 'E', 'L', 'E'), LETTERS('O', 'P', 'T', 'I'),
	LETTERS('P', 'A', 'T', 'C'), LETTERS('C', 'O', 'N', 'N'), LETTERS('T', 'R', 'A', 'C'),
	LETTERS('P', 'R', 'I', ' '), /* RFC 9113 §3.4 */
	ALU(BPF_AND, 0xffff0000), EQUAL(0x16030000, LONG), /* handshake, 3.x: RFC 8446 §5.1 */

	LABEL(SHORT),
	DO(BPF_RET | BPF_K, CAPTURE_SNAPLEN_SHORT),
	LABEL(LONG),
	DO(BPF_RET | BPF_K, CAPTURE_SNAPLEN_LONG),
};
/* clang-format on */

static const struct step short_steps[] = {
	LABEL(SHORT),
	DO(BPF_RET | BPF_K, CAPTURE_SNAPLEN_SHORT),
};

struct assembly {
	struct step list[SNAPLEN_PROGRAM_MOST]; /* without the labels */
	uint16_t count;
	uint16_t at[LABELS]; /* instruction that each label stands for */
};

static void append(struct assembly *a, const struct step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (steps[i].code == IS_LABEL) {
			a->at[steps[i].yes] = a->count;
			continue;
		}
		assert(a->count < SNAPLEN_PROGRAM_MOST);
		a->list[a->count++] = steps[i];
	}
}

/* How many instructions to skip from `from`; all jumps go forward. */
static uint8_t distance(const struct assembly *a, uint16_t from, uint8_t label)
{
	if (label == NEXT)
		return 0;
	assert(a->at[label] > from);
	return (uint8_t)(a->at[label] - from - 1);
}

#define APPEND(a_, steps_) append((a_), (steps_), sizeof(steps_) / sizeof((steps_)[0]))

uint16_t snaplen_program(
	uint16_t linktype, struct sock_filter out[static SNAPLEN_PROGRAM_MOST])
{
	struct assembly a = {0};

	if (linktype == LINKTYPE_ETHERNET)
		APPEND(&a, ethernet_steps);
	else if (linktype == LINKTYPE_RAW)
		APPEND(&a, raw_steps);
	if (linktype == LINKTYPE_ETHERNET || linktype == LINKTYPE_RAW)
		APPEND(&a, ip_steps);
	else
		APPEND(&a, short_steps);
	for (uint16_t i = 0; i < a.count; i++)
		out[i] = (struct sock_filter){a.list[i].code,
			distance(&a, i, a.list[i].yes), distance(&a, i, a.list[i].no),
			a.list[i].k};
	return a.count;
}
