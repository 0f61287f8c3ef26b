#include "measure/dns_names.h"

#include <errno.h>
#include <string.h>

#define ENTRY_SHARE   64 /* of the memory */
#define ENTRIES_LEAST 64u
#define ENTRIES_MOST  65536u
#define POINTERS_MOST 64 /* in one name; each leads back, so they end anyway */
#define CHAIN_MOST    16 /* names that stand for the asked one */
#define RECORDS_MOST  64 /* of an answer */
#define PASSES_MOST   4  /* over them: CNAMEs may come out of order */

enum record_type { TYPE_A = 1, TYPE_CNAME = 5, TYPE_AAAA = 28 };

struct named { /* an entry of the book */
	struct book_entry head;
	struct addr addr;
	struct string *name; /* used by this */
};

struct chain { /* hashes of the asked name and of its aliases */
	uint64_t name[CHAIN_MOST];
	unsigned count;
};

struct record {
	struct dns_name owner;
	uint16_t type, class;
	struct cur data; /* its bytes; ends where they end */
};

int dns_names_init(struct dns_names *n, struct strings *strings,
	const struct hash_key *key, uint64_t memory_bytes)
{
	uint64_t room = memory_bytes / ENTRY_SHARE / sizeof(struct named);
	uint32_t entries = ENTRIES_LEAST;

	while (entries < ENTRIES_MOST && entries * 2 <= room)
		entries *= 2;
	*n = (struct dns_names){.strings = strings, .key = *key};
	return book_init(&n->book, sizeof(struct named), entries);
}

void dns_names_done(struct dns_names *n)
{
	for (uint32_t i = 0; n->book.entries && i <= n->book.mask; i++) {
		struct named *e = book_at(&n->book, i);

		if (e->head.used)
			strings_drop(n->strings, e->name);
	}
	book_done(&n->book);
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool add_label(struct dns_name *out, struct cur *c, unsigned len)
{
	const uint8_t *label = cur_take(c, len);

	if (!label || out->len + 1u + len + 1u > DNS_NAME_MOST)
		return false;
	out->bytes[out->len++] = (uint8_t)len;
	for (unsigned i = 0; i < len; i++)
		out->bytes[out->len++] = lower(label[i]);
	return true;
}

/* Where the pointer leads; it must lead before `before`, so that no chain is endless.
 */
static bool follow(
	struct cur *c, size_t offset, const struct cur *whole, const uint8_t **before)
{
	if (offset >= cur_left(whole) || whole->at + offset >= *before)
		return false;
	*before = whole->at + offset;
	*c = (struct cur){*before, whole->end, false};
	return true;
}

bool dns_name_read(struct cur *c, const struct cur *whole, struct dns_name *out)
{
	struct cur at = *c, *behind = c; /* NULL: a pointer was followed */
	const uint8_t *before = at.at;
	unsigned pointers = 0, len;

	out->len = 0;
	while ((len = cur_u8(&at))) {
		if (len >= 0xc0) {
			size_t offset = (len & 0x3fu) << 8 | cur_u8(&at);

			if (behind)
				*behind = at;
			behind = NULL;
			if (at.bad || ++pointers > POINTERS_MOST ||
				!follow(&at, offset, whole, &before))
				return false;
		} else if (len > 63 || !add_label(out, &at, len)) {
			return false;
		}
	}
	if (at.bad)
		return false;
	out->bytes[out->len++] = 0;
	if (behind)
		*behind = at;
	return true;
}

bool dns_message_read(struct cur c, struct dns_message *out)
{
	out->whole = c;
	out->id = cur_be16(&c);
	out->flags = cur_be16(&c);
	out->questions = cur_be16(&c);
	out->answers = cur_be16(&c);
	cur_skip(&c, 4);
	out->type = out->class = 0;
	out->name.len = 0;
	if (c.bad || (out->flags & 0x40) || DNS_OPCODE(out) > 6)
		return false;
	if (out->questions) {
		if (!dns_name_read(&c, &out->whole, &out->name))
			return false;
		out->type = cur_be16(&c);
		out->class = cur_be16(&c);
	}
	out->rest = c;
	return !c.bad;
}

static uint64_t name_hash(const struct dns_names *n, const struct dns_name *name)
{
	return hash_bytes(&n->key, name->bytes, name->len);
}

static bool chain_has(const struct chain *chain, uint64_t hash)
{
	for (unsigned i = 0; i < chain->count; i++)
		if (chain->name[i] == hash)
			return true;
	return false;
}

static bool read_record(struct cur *c, const struct cur *whole, struct record *out)
{
	size_t len;

	if (!dns_name_read(c, whole, &out->owner))
		return false;
	out->type = cur_be16(c);
	out->class = cur_be16(c) & 0x7fffu; /* mDNS: flush bit (RFC 6762 §10.2) */
	cur_skip(c, 4);                     /* how long it may be used */
	len = cur_be16(c);
	out->data = *c;
	cur_skip(c, len);
	cur_limit(&out->data, len);
	return !c->bad;
}

/* The name as people write it; false: its labels cannot be told apart then. */
static bool write_name(const struct dns_name *name, char *out, size_t *out_len)
{
	size_t len = 0;

	for (unsigned at = 0; at < name->len && name->bytes[at];) {
		unsigned label = name->bytes[at++];

		if (len)
			out[len++] = '.';
		if (memchr(name->bytes + at, '.', label))
			return false;
		memcpy(out + len, name->bytes + at, label);
		len += label;
		at += label;
	}
	*out_len = len;
	return len > 0;
}

static uint64_t addr_hash(const struct dns_names *n, const struct addr *a)
{
	return hash_bytes(&n->key, a->b, sizeof(a->b));
}

static struct named *find(const struct dns_names *n, const struct addr *a)
{
	uint64_t hash = addr_hash(n, a);
	struct named *e = book_find(&n->book, hash, NULL);

	while (e && !addr_equal(&e->addr, a))
		e = book_find(&n->book, hash, e);
	return e;
}

static void drop(struct dns_names *n, struct named *e)
{
	if (!e || !e->head.used)
		return;
	strings_drop(n->strings, e->name);
	book_remove(&n->book, e);
}

static void learn(
	struct dns_names *n, const struct addr *a, const struct dns_name *name)
{
	char text[DNS_NAME_MOST];
	struct string *string;
	struct named *e = find(n, a);
	size_t len;

	if (!write_name(name, text, &len))
		return;
	string = strings_get(n->strings, text, len);
	if (!string)
		return;
	drop(n, e); /* it becomes the newest */
	drop(n, book_oldest(&n->book));
	e = book_add(&n->book, addr_hash(n, a));
	e->addr = *a;
	e->name = string;
}

static void learn_record(
	struct dns_names *n, const struct record *r, const struct dns_name *asked)
{
	struct addr a;

	if (r->type == TYPE_A && cur_left(&r->data) == 4)
		a = addr_v4(r->data.at);
	else if (r->type == TYPE_AAAA && cur_left(&r->data) == 16)
		a = addr_v6(r->data.at);
	else
		return;
	learn(n, &a, asked);
}

/* One pass over the records; true when the chain grew. */
static bool pass(struct dns_names *n, const struct dns_message *m, struct chain *chain)
{
	struct cur c = m->rest;
	unsigned before = chain->count;
	struct record r;
	struct dns_name alias;

	for (unsigned i = 0; i < m->answers && i < RECORDS_MOST; i++) {
		if (!read_record(&c, &m->whole, &r))
			break;
		if (r.class != 1 || !chain_has(chain, name_hash(n, &r.owner)))
			continue;
		if (r.type != TYPE_CNAME) {
			learn_record(n, &r, &m->name);
			continue;
		}
		if (chain->count == CHAIN_MOST ||
			!dns_name_read(&r.data, &m->whole, &alias))
			continue;
		if (!chain_has(chain, name_hash(n, &alias)))
			chain->name[chain->count++] = name_hash(n, &alias);
	}
	return chain->count > before;
}

void dns_names_learn(struct dns_names *n, const struct dns_message *m)
{
	struct chain chain = {.count = 1};

	if (m->questions != 1 || m->class != 1 || DNS_RCODE(m) ||
		(m->type != TYPE_A && m->type != TYPE_AAAA))
		return;
	chain.name[0] = name_hash(n, &m->name);
	for (unsigned i = 0; i < PASSES_MOST; i++)
		if (!pass(n, m, &chain))
			return;
}

const struct string *dns_names_find(const struct dns_names *n, const struct addr *a)
{
	const struct named *e = n->book.entries ? find(n, a) : NULL;

	return e ? e->name : NULL;
}
