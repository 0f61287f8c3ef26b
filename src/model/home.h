/* home — the addresses and networks that are ours: what "in", "out", "local", "peer"
 * refer to. */
#ifndef KONN_MODEL_HOME_H
#define KONN_MODEL_HOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/addr.h"

struct home;

struct home_net {
	struct addr addr; /* bits behind the prefix are not 0 of necessity */
	uint8_t family, prefix;
};

/* Empty: nothing but loopback addresses is at home. NULL when there is no memory. */
struct home *home_new(void);
void home_free(struct home *h);

/* Adds a network; own addresses have prefix 32 or 128. -ENOMEM. */
int home_add(
	struct home *h, const struct addr *net, enum family family, unsigned prefix);

/* Adds "NET,NET…": addresses, 10.0.0.0/8, 10/8, 2001:db8::/32. err has exit code 64. */
int home_parse(struct home *h, const char *text, struct err *err);

bool home_has(const struct home *h, const struct addr *a, enum family family);

/*
 * "10.0.0.0/8", "2001:db8::/32", "10/8" (missing bytes are 0), or an address alone (32,
 * 128). `partial`: "10.1" alone is 10.1.0.0/16 too. False (nothing written) on anything
 * else.
 */
bool home_parse_net(const char *text, size_t len, bool partial, struct home_net *out);

#endif
