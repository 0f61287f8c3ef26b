/* conntrack_make — ctnetlink messages as the kernel would send them. */
#ifndef KONN_TESTS_CONNTRACK_MAKE_H
#define KONN_TESTS_CONNTRACK_MAKE_H

#include <stddef.h>
#include <stdint.h>

struct made_entry {
	uint32_t id;    /* 0: without */
	uint16_t port;  /* of the client */
	uint8_t state;  /* TCP */
	uint16_t type;  /* IPCTNL_MSG_CT_* */
	uint16_t flags; /* NLM_F_* */
	uint32_t serial;
};

/* Messages one behind the other. */
struct made {
	size_t len;
	_Alignas(8) char bytes[16384];
};

/* 10.0.0.1:port → 10.0.0.2:80, TCP, with everything that a fact can hold. */
void made_add(struct made *m, const struct made_entry *e);
/* NLMSG_DONE or NLMSG_ERROR. */
void made_end(struct made *m, uint16_t type, uint32_t serial, int32_t code);
/* A CPU's counters: 1000 + the attribute's number each. */
void made_cpu(struct made *m, uint32_t serial, uint16_t cpu);

#endif
