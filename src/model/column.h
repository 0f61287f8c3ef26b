/* column — the table of all columns: what each is called, of which type, and how to get
 * it. */
#ifndef KONN_MODEL_COLUMN_H
#define KONN_MODEL_COLUMN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/addr.h"
#include "core/services.h"
#include "flow/flow.h"
#include "model/socket_table.h"

enum type {
	TYPE_STR,
	TYPE_LIST, /* several strings, each followed by NUL */
	TYPE_ADDR,
	TYPE_PORT,
	TYPE_COUNT, /* packets and other plain numbers */
	TYPE_ID,    /* a number that is never scaled or summed: pid, id, type */
	TYPE_BYTES,
	TYPE_BPS,  /* bits a second; text shows bytes a second unless --bits */
	TYPE_PPM,  /* millionths; text shows percent */
	TYPE_US,   /* microseconds */
	TYPE_MS,   /* milliseconds */
	TYPE_NS,   /* a duration kept in ns, printed in seconds with decimals */
	TYPE_TIME, /* ns since the epoch */
};

static inline bool type_is_text(enum type type)
{
	return type == TYPE_STR || type == TYPE_LIST;
}

/* Written as the number that it is, without a unit. */
static inline bool type_is_whole(enum type type)
{
	return type >= TYPE_PORT && type <= TYPE_MS;
}

/* One cell. `present` false: the value is not known (never the same as 0). */
struct value {
	bool present;
	uint8_t family; /* TYPE_ADDR */
	union {
		uint64_t num; /* all numeric types */
		struct {
			const char *ptr; /* borrowed; cleaned text (text_clean) */
			uint32_t len;
		} str; /* TYPE_STR, TYPE_LIST */
		struct addr addr;
	};
};

enum aggregate { /* of a group's rows */
	AGG_NONE,
	AGG_SUM,
	AGG_MIN,
	AGG_MAX,
	AGG_LAST,
	/*
	 * The one value. Of different ones, text and lists give each once (text: joined
	 * by commas; after 8 of them comes "..."); numbers and addresses are absent.
	 */
	AGG_SET,
};

enum need { /* bits: sources that fill the column */
	NEED_ANY = 0,
	NEED_PACKETS = 1 << 0,
	NEED_SOCKETS = 1 << 1,
	NEED_CONNTRACK = 1 << 2,
	NEED_OWNERS = 1 << 3,
	NEED_NAMES = 1 << 4,
};

/* What getters see of one connection: what its packets and its sockets told. */
struct row {
	const struct flow *flow;       /* borrowed; NULL when no packet was seen */
	const struct row_world *world; /* borrowed */
	uint64_t now_ns;
	/*
	 * Each getter that makes text starts it anew here, so such text lasts until the
	 * next getter is called with the same scratch. NULL: made text is absent.
	 */
	struct buf *scratch;
	struct row_memo *memo; /* borrowed; NULL: each getter works for itself alone */
	/* The socket at each endpoint of the key, with its owner; NULL: none known. */
	const struct socket_entry *end[2]; /* borrowed */
	/* Without packets; else those of the flow are meant. */
	const struct tuple *key; /* borrowed */
	uint8_t orig;            /* endpoint that opened it */
	bool alone; /* a socket without a peer: endpoint `orig` is no one */
};

/* The connection; NULL for a row of which nothing is known. */
static inline const struct tuple *row_key(const struct row *r)
{
	return r->flow ? &r->flow->key : r->key;
}

static inline unsigned row_orig(const struct row *r)
{
	return r->flow ? r->flow->orig : r->orig;
}

/* What is the same for all rows. */
struct row_world {
	const struct services *services;
	struct hash_key uid_key;
	bool has_home; /* `home` or the machine's own addresses are known */
	struct home *home;
	const char *(*interface_name)(
		void *ctx, uint16_t interface); /* NULL: not known */
	void *interface_ctx;
	const char *host; /* of the machine; NULL for files */
	/* Name of a user, borrowed for good; NULL: not known. May be NULL itself. */
	const char *(*user_name)(void *ctx, uint32_t user_id);
	void *user_ctx;
	const struct measure *measure; /* of the table; NULL: names of addresses are
					  not known */
};

struct column {
	const char *key;   /* JSON's and CSV's name, also for -C, -s and filters */
	const char *title; /* of text and TUI */
	enum type type;
	uint8_t width;    /* columns in a table, at least */
	uint8_t priority; /* 0: always shown … 99: only when named */
	enum aggregate aggregate;
	unsigned need;   /* enum need */
	bool exact;      /* text in which upper and lower case differ (uid, history) */
	bool table_only; /* joins other columns for people: not in JSON and CSV unless
			    named */
	const char *help;
	struct value (*get)(const struct row *r);
};

unsigned column_count(void);
const struct column *column_at(unsigned index);

/* A number that changes whenever a column is added, moved, renamed or gets another
 * type. */
uint64_t column_schema(void);

/* Index of a key (case ignored); -1 when unknown. */
int column_find(const char *key, size_t len);

/* The key most like `key`, for "did you mean"; never NULL. */
const char *column_nearest(const char *key, size_t len);

/* "bytes", "us", "address"…: the type's name in `konn columns` and the manual. */
const char *type_name(enum type type);

/* <0, 0, >0; absent values sort last whatever the direction (the caller sees to that).
 */
int value_compare(enum type type, const struct value *a, const struct value *b);

#endif
