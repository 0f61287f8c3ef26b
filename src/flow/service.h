/* service — which application protocol a connection speaks, told by its first bytes. */
#ifndef KONN_FLOW_SERVICE_H
#define KONN_FLOW_SERVICE_H

#include "core/packet.h"

enum service_kind { /* at most 15: small records keep it in four bits */
	SERVICE_NONE,
	SERVICE_TLS,
	SERVICE_HTTP,
	SERVICE_DNS,
	SERVICE_SSH,
	SERVICE_QUIC,
	SERVICE_COUNT,
};

/* "tls", "http"…; NULL for SERVICE_NONE. */
const char *service_name(enum service_kind kind);

/* Looks at the payload of the first packet of a direction; SERVICE_NONE when unsure. */
enum service_kind service_detect(const struct packet *p);

/* Of a datagram that is QUIC: the packet that opens a connection, or answers it. */
bool service_quic_initial(const struct packet *p);

/* A segment too short to tell, which may begin a DNS message: a length alone. */
bool service_dns_begins(const struct packet *p);

/* Of a datagram that looks like DNS: it asks. */
bool service_dns_query(const struct packet *p);

#endif
