/* services — names of ports, and which ports belong to servers. */
#ifndef KONN_CORE_SERVICES_H
#define KONN_CORE_SERVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct services; /* loaded once, then only read */

/*
 * Reads text in the form of /etc/services ("name port/proto alias… # comment"). Bad
 * lines are passed over. An empty text is fine. NULL when there is no memory.
 */
struct services *services_new(const char *text, size_t len);
void services_free(struct services *s);

/* Name of a port of PROTO_TCP or PROTO_UDP; NULL when it has none. Borrowed. */
const char *services_name(const struct services *s, uint8_t proto, uint16_t port);

/* Port of a name or alias (case ignored), tcp first, then udp; false when unknown. */
bool services_find(
	const struct services *s, const char *name, size_t len, uint16_t *out);

/* True for a port below 1024 or with a name: that side listens, when the other's is
 * not. */
bool services_is_server(const struct services *s, uint8_t proto, uint16_t port);

#endif
