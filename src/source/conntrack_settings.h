/*
 * conntrack_settings — what /proc says of connection tracking in the namespace of the
 * calling thread: is it there, does it count bytes, how full is it.
 *
 * `root_fd` is /proc, or a folder with the same names. /proc/sys/net and
 * thread-self/net show the namespace that the thread is in at the time of the call.
 */
#ifndef KONN_SOURCE_CONNTRACK_SETTINGS_H
#define KONN_SOURCE_CONNTRACK_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

enum conntrack_setting {
	CONNTRACK_SETTING_COUNT = 1 << 0,
	CONNTRACK_SETTING_MAX = 1 << 1,
	CONNTRACK_SETTING_BUCKETS = 1 << 2,
	CONNTRACK_SETTING_ACCT = 1 << 3,
	CONNTRACK_SETTING_TIMESTAMP = 1 << 4,
	CONNTRACK_SETTING_EVENTS = 1 << 5,
};

struct conntrack_settings {
	uint32_t has;     /* bits of enum conntrack_setting; 0: no conntrack here */
	uint32_t count;   /* entries of this namespace, those that die included */
	uint32_t max;     /* for each namespace, though only the first one may set it */
	uint32_t buckets; /* of the one hash table that all namespaces share */
	uint32_t acct;    /* 1: entries made from now on count packets and bytes */
	uint32_t timestamp; /* 1: entries made from now on know when they were made */
	uint32_t events; /* 0: none, 1: always, 2: for entries made while one listens */
};

/* About 15 us. Never fails: what cannot be read is missing. */
void conntrack_settings_read(int root_fd, struct conntrack_settings *out);

/*
 * Turns accounting on or off in this namespace and tells in *out what it was, to be
 * given back at the end. Entries that are there keep what they have: those without
 * counters never get any. 0; -ENOENT: no conntrack; -EACCES: not allowed; another
 * -errno.
 */
int conntrack_accounting(int root_fd, bool on, bool *out);

/*
 * IP packets that this namespace handled and that conntrack would look at: IPv4
 * received or made here, the same of IPv6 without ICMPv6 (neighbour discovery is never
 * tracked). It counts up; takes some 60 us. 0 or -errno.
 */
int conntrack_packets(int root_fd, uint64_t *out);

enum conntrack_activity {
	CONNTRACK_ABSENT,  /* the kernel has none, or its module is not loaded */
	CONNTRACK_ACTIVE,  /* there are entries */
	CONNTRACK_NO_RULE, /* packets pass and leave no entry */
	CONNTRACK_EMPTY,   /* no entry, and too few packets to tell */
};

/* As many packets without one entry say that no rule tracks. */
#define CONNTRACK_PACKETS_ENOUGH 16

/*
 * Why there are no entries. The kernel tracks a namespace's packets only while some
 * rule there needs it (nft's ct, nat and the like), and says nowhere whether one does;
 * `packets` are those handled (difference of two conntrack_packets) while count was 0
 * at both times. NO_RULE is an inference: rules with notrack look the same.
 */
enum conntrack_activity conntrack_activity(
	const struct conntrack_settings *now, uint64_t packets);

#endif
