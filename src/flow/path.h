/* path — where packets were seen: namespace, interface, tags and tunnels, by a 16-bit
 * number. */
#ifndef KONN_FLOW_PATH_H
#define KONN_FLOW_PATH_H

#include "flow/flow.h"

#define PATHS_MOST 4096

struct path { /* without padding: compared and hashed as bytes */
	uint32_t tunnel_id[PACKET_TUNNELS];
	uint8_t tunnel_kind[PACKET_TUNNELS], tunnel_has_id[PACKET_TUNNELS];
	uint16_t vlan[PACKET_VLANS];
	uint16_t interface, carrier, scope;
	uint8_t vlans, tunnels;
	uint8_t zero[2];
};
_Static_assert(sizeof(struct path) == 40, "no padding");

struct paths {
	struct path *path; /* owned; number 0 is never given */
	uint16_t *slot;    /* owned; open addressing over PATHS_MOST * 2 */
	struct hash_key key;
	uint16_t used, newest;
};

int paths_init(struct paths *ps, const struct hash_key *key);
void paths_done(struct paths *ps);

/* The packet's path; 0 when there are too many different ones already. */
uint16_t paths_find(struct paths *ps, const struct packet *p);

/* Writes interface, tags and tunnels of a packet straight into a flow. */
void path_of_packet(struct flow *f, const struct packet *p);
void path_of_number(struct flow *f, const struct paths *ps, uint16_t number);

#endif
