/* icmp_quote — the start of a packet that an ICMP error quotes. */
#ifndef KONN_DECODE_ICMP_QUOTE_H
#define KONN_DECODE_ICMP_QUOTE_H

#include "decode/chain.h"

struct icmp_quote {
	struct addr src, dst;
	uint16_t port[2]; /* of src and dst; the identifier for ICMP; else 0 */
	uint8_t family, proto;
};

/* True for the types that carry an identifier and a sequence number. */
bool icmp_has_id(unsigned proto, unsigned type);

/*
 * Reads what `c` (behind the 8 bytes of the header) quotes. False when the type quotes
 * nothing, or not enough was captured to say which flow it is.
 */
bool icmp_quote(unsigned proto, unsigned type, struct cur c, struct icmp_quote *out);

#endif
