/* link_fact — a network interface: what it is, its state, what went through it. */
#ifndef KONN_CORE_LINK_FACT_H
#define KONN_CORE_LINK_FACT_H

#include <stdbool.h>
#include <stdint.h>

#define LINK_NAME_BYTES 64 /* 15 bytes of which each may become \xNN */
#define LINK_MAC_BYTES  32

enum link_has {
	LINK_HAS_FLAGS = 1 << 0, /* flags and arphrd */
	LINK_HAS_NAME = 1 << 1,
	LINK_HAS_MTU = 1 << 2,
	LINK_HAS_MAC = 1 << 3,
	LINK_HAS_KIND = 1 << 4, /* absent: a device of a driver */
	LINK_HAS_MASTER = 1 << 5,
	LINK_HAS_CARRIER = 1 << 6,
	LINK_HAS_OPERSTATE = 1 << 7,
	LINK_HAS_COUNTERS = 1 << 8,
	LINK_HAS_MASTER_KIND = 1 << 9,
};

/* Since the interface was made; they never wrap, but begin again when it is made anew.
 */
struct link_counters {
	uint64_t bytes, packets; /* bytes with the link header */
	uint64_t errors;
	uint64_t drops; /* of the kernel; rx: and of the device's queue (missed) */
};

struct link_fact {
	uint64_t netns;
	uint32_t ifindex;
	uint32_t has;   /* enum link_has */
	uint32_t flags; /* IFF_* of linux/if.h: IFF_UP is what was asked for */
	uint32_t mtu;
	uint32_t master;   /* ifindex of the bridge or bond that it belongs to */
	uint16_t arphrd;   /* ARPHRD_* */
	uint8_t operstate; /* IF_OPER_* of linux/if.h: 6 is up, 0 not told by the driver
			    */
	bool carrier;      /* a cable, or what stands for one */
	bool gone;         /* deleted, or moved to another namespace */
	uint8_t mac_len;
	uint8_t mac[LINK_MAC_BYTES];
	char name[LINK_NAME_BYTES];        /* cleaned, NUL-terminated */
	char kind[LINK_NAME_BYTES];        /* veth, bridge, wireguard…; cleaned */
	char master_kind[LINK_NAME_BYTES]; /* bond, bridge…; cleaned */
	struct link_counters rx, tx;
};

enum link_duplex {
	LINK_DUPLEX_NONE, /* not known, or there is no such thing */
	LINK_DUPLEX_HALF,
	LINK_DUPLEX_FULL,
};

/* What only the driver tells. */
struct link_speed {
	uint32_t mbps; /* 10^6 bits a second; 0: not known */
	enum link_duplex duplex;
};

#endif
