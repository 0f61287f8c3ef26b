#include "model/group.h"

#include <stdlib.h>
#include <string.h>

#include "model/cell.h"

struct node { /* of an AGG_SET; numbers are 1 more than the index, 0 ends the list */
	uint32_t text, len, next;
};

void groups_done(struct groups *g)
{
	free(g->slots);
	buf_done(&g->all);
	buf_done(&g->cells);
	buf_done(&g->nodes);
	buf_done(&g->text);
	buf_done(&g->key_bytes);
	*g = (struct groups){0};
}

static void gather_column(struct groups *g, int column)
{
	if (column < 0 || column == g->key)
		return;
	for (unsigned i = 0; i < g->n_columns; i++)
		if (g->columns[i] == column)
			return;
	g->columns[g->n_columns++] = (uint16_t)column;
}

void groups_reset(struct groups *g, int key, const struct query *q)
{
	g->key = key;
	g->n_columns = 0;
	g->count = 0;
	g->oom = false;
	buf_reset(&g->all);
	buf_reset(&g->cells);
	buf_reset(&g->nodes);
	buf_reset(&g->text);
	if (g->slots)
		memset(g->slots, 0, g->slots_cap * sizeof(*g->slots));
	for (unsigned i = 0; i < q->n_columns; i++)
		gather_column(g, q->columns[i]);
	gather_column(g, q->sort);
}

const struct group *groups_at(const struct groups *g, uint32_t group)
{
	return (const struct group *)(const void *)g->all.data + group;
}

static struct group *group_of(struct groups *g, uint32_t group)
{
	return (struct group *)(void *)g->all.data + group;
}

static struct node *node_of(const struct groups *g, uint32_t number)
{
	return (struct node *)(void *)g->nodes.data + (number - 1);
}

/* Offset of bytes added to the texts; says oom when they do not fit. */
static uint32_t text_add(struct groups *g, const void *bytes, size_t len)
{
	size_t at = g->text.len;

	if (at > UINT32_MAX - len) {
		g->oom = true;
		return 0;
	}
	buf_add(&g->text, bytes, len);
	g->oom |= g->text.oom;
	return (uint32_t)at;
}

/* ---- the table by key ---- */

static bool slots_grow(struct groups *g)
{
	uint32_t cap = g->slots_cap ? g->slots_cap * 2 : 256;
	uint32_t *slots = calloc(cap, sizeof(*slots));

	if (!slots) {
		g->oom = true;
		return false;
	}
	for (uint32_t i = 0; i < g->count; i++) {
		uint32_t at = (uint32_t)groups_at(g, i)->hash & (cap - 1);

		while (slots[at])
			at = (at + 1) & (cap - 1);
		slots[at] = i + 1;
	}
	free(g->slots);
	g->slots = slots;
	g->slots_cap = cap;
	return true;
}

static bool key_is(
	const struct groups *g, const struct group *at, const void *key, size_t len)
{
	return at->key_len == len && memcmp(g->text.data + at->key, key, len) == 0;
}

/* Number of the group of a key, made when it is new; check oom. */
static uint32_t find(
	struct groups *g, uint64_t hash, const void *key, size_t len, uint64_t tie)
{
	struct group fresh = {.hash = hash, .tie = tie, .key_len = (uint32_t)len};
	uint32_t at;

	if (g->count >= g->slots_cap / 2 && !slots_grow(g))
		return 0;
	at = (uint32_t)hash & (g->slots_cap - 1);
	for (; g->slots[at]; at = (at + 1) & (g->slots_cap - 1)) {
		const struct group *known = groups_at(g, g->slots[at] - 1);

		if (known->hash == hash && key_is(g, known, key, len))
			return g->slots[at] - 1;
	}
	fresh.key = text_add(g, key, len);
	buf_add(&g->all, &fresh, sizeof(fresh));
	buf_fill(&g->cells, '\0', g->n_columns * sizeof(struct gathered));
	g->oom |= g->all.oom || g->cells.oom;
	if (g->oom)
		return 0;
	g->slots[at] = ++g->count;
	return g->count - 1;
}

/* ---- gathering ---- */

static void set_add(
	struct groups *g, struct gathered *c, const char *bytes, uint32_t len)
{
	struct node fresh = {.len = len};
	uint32_t *link = &c->text;

	for (uint32_t at = c->text; at; at = *link) {
		struct node *known = node_of(g, at);

		if (known->len == len &&
			(!len || memcmp(g->text.data + known->text, bytes, len) == 0))
			return;
		link = &known->next;
	}
	if (++c->count > GROUP_SET)
		return; /* counted, so that the end of the list can be told */
	fresh.text = text_add(g, bytes, len);
	*link = (uint32_t)(g->nodes.len / sizeof(fresh)) + 1;
	buf_add(&g->nodes, &fresh, sizeof(fresh)); /* may move what link points into */
	g->oom |= g->nodes.oom;
}

static void set_add_all(
	struct groups *g, struct gathered *c, enum type type, const struct value *v)
{
	const char *item = v->str.ptr;

	if (type == TYPE_STR) {
		set_add(g, c, item, v->str.len);
		return;
	}
	while (item < v->str.ptr + v->str.len) {
		uint32_t len = (uint32_t)strlen(item);

		set_add(g, c, item, len);
		item += len + 1;
	}
}

/* A number or an address: `count` 1 while all rows have the same one. */
static void same_add(
	struct groups *g, struct gathered *c, enum type type, const struct value *v)
{
	bool addr = type == TYPE_ADDR;

	if (c->count == 0) {
		c->number = addr ? v->family : v->num;
		if (addr)
			c->text = text_add(g, v->addr.b, 16);
		c->count = 1;
	} else if (c->count == 1) {
		bool same = addr ? c->number == v->family &&
					    memcmp(g->text.data + c->text, v->addr.b,
						    16) == 0
				 : c->number == v->num;

		c->count += !same;
	}
}

static void newest_add(
	struct groups *g, struct gathered *c, enum type type, const struct value *v)
{
	c->count = 1;
	if (type_is_text(type)) {
		if (c->number == v->str.len && v->str.len &&
			memcmp(g->text.data + c->text, v->str.ptr, v->str.len) == 0)
			return;
		c->text = text_add(g, v->str.ptr, v->str.len);
		c->number = v->str.len;
	} else if (type == TYPE_ADDR) {
		c->text = text_add(g, v->addr.b, 16);
		c->number = v->family;
	} else {
		c->number = v->num;
	}
}

static void gather_number(struct gathered *c, enum aggregate how, uint64_t number)
{
	if (how == AGG_SUM) {
		if (__builtin_add_overflow(c->number, number, &c->number))
			c->number = UINT64_MAX;
	} else if (c->count == 0 ||
		   (how == AGG_MIN ? number < c->number : number > c->number)) {
		c->number = number;
	}
	c->count = 1;
}

static void gather(struct groups *g, struct gathered *c, const struct column *column,
	const struct value *v, bool newest)
{
	enum type type = column->type;

	switch (column->aggregate) {
	case AGG_NONE: break;
	case AGG_LAST:
		if (newest || c->count == 0)
			newest_add(g, c, type, v);
		break;
	case AGG_SET:
		if (type_is_text(type))
			set_add_all(g, c, type, v);
		else
			same_add(g, c, type, v);
		break;
	default:
		if (type != TYPE_ADDR && !type_is_text(type))
			gather_number(c, column->aggregate, v->num);
	}
}

/* The key as bytes: 0, or 1 and the value. */
static void key_read(struct groups *g, const struct row *r)
{
	const struct column *column = column_at((unsigned)g->key);
	struct value v = column->get(r);
	struct buf *out = &g->key_bytes;

	buf_reset(out);
	buf_char(out, v.present ? '\1' : '\0');
	if (!v.present)
		return;
	if (column->type == TYPE_ADDR) {
		buf_char(out, (char)v.family);
		buf_add(out, v.addr.b, 16);
	} else if (type_is_text(column->type)) {
		buf_add(out, v.str.ptr, v.str.len);
	} else {
		buf_add(out, &v.num, sizeof(v.num));
	}
}

void groups_add(struct groups *g, const struct row *r, uint64_t tie)
{
	const struct buf *key = &g->key_bytes;
	uint64_t last_ns = r->flow ? r->flow->last_ns : 0, hash;
	struct gathered *cells;
	struct group *group;
	uint32_t number;
	bool newest;

	key_read(g, r);
	g->oom |= key->oom;
	if (g->oom)
		return;
	hash = hash_bytes(&r->world->uid_key, key->data, key->len);
	number = find(g, hash ? hash : 1, key->data, key->len, tie);
	if (g->oom)
		return;
	group = group_of(g, number);
	newest = last_ns >= group->newest_ns;
	if (newest)
		group->newest_ns = last_ns;
	cells = (struct gathered *)(void *)g->cells.data +
		(size_t)number * g->n_columns;
	for (unsigned i = 0; i < g->n_columns; i++) {
		const struct column *column = column_at(g->columns[i]);
		struct value v = column->get(r);

		if (v.present)
			gather(g, &cells[i], column, &v, newest);
	}
}

/* ---- what came out ---- */

static struct value text_value(const char *text, size_t len)
{
	struct value v = {.present = true};

	v.str.ptr = text;
	v.str.len = (uint32_t)len;
	return v;
}

static struct value fixed_value(
	const struct groups *g, const struct gathered *c, enum type type)
{
	struct value v = {.present = true, .num = c->number};

	if (type == TYPE_ADDR) {
		v.family = (uint8_t)c->number;
		memcpy(v.addr.b, g->text.data + c->text, 16);
	}
	return v;
}

/* Lists: each followed by NUL. Text: commas between. */
static struct value set_value(const struct groups *g, const struct gathered *c,
	enum type type, struct buf *out)
{
	buf_reset(out);
	for (uint32_t at = c->text; at; at = node_of(g, at)->next) {
		const struct node *node = node_of(g, at);

		if (type == TYPE_STR && at != c->text)
			buf_char(out, ',');
		buf_add(out, g->text.data + node->text, node->len);
		if (type == TYPE_LIST)
			buf_char(out, '\0');
	}
	if (c->count > GROUP_SET && type == TYPE_STR)
		buf_str(out, ",...");
	else if (c->count > GROUP_SET)
		buf_add(out, "...", 4);
	if (out->oom)
		return (struct value){0};
	return text_value(out->data, out->len);
}

static struct value key_value(const struct groups *g, const struct group *group)
{
	enum type type = column_at((unsigned)g->key)->type;
	const char *key = g->text.data + group->key;
	struct value v = {.present = key[0] != '\0'};

	if (!v.present)
		return v;
	if (type_is_text(type))
		return text_value(key + 1, group->key_len - 1);
	if (type == TYPE_ADDR) {
		v.family = (uint8_t)key[1];
		memcpy(v.addr.b, key + 2, 16);
	} else {
		memcpy(&v.num, key + 1, sizeof(v.num));
	}
	return v;
}

static struct value gathered_value(const struct groups *g, const struct gathered *c,
	const struct column *column, struct buf *scratch)
{
	bool text = type_is_text(column->type);

	if (c->count == 0)
		return (struct value){0};
	if (column->aggregate == AGG_SET && text)
		return set_value(g, c, column->type, scratch);
	if (column->aggregate == AGG_SET && c->count > 1)
		return (struct value){0};
	if (text)
		return text_value(g->text.data + c->text, c->number);
	return fixed_value(g, c, column->type);
}

struct value groups_value(
	const struct groups *g, uint32_t group, int column, struct buf *scratch)
{
	const struct gathered *cells = (const struct gathered *)(const void *)
					       g->cells.data +
				       (size_t)group * g->n_columns;

	if (column == g->key)
		return key_value(g, groups_at(g, group));
	for (unsigned i = 0; i < g->n_columns; i++)
		if (g->columns[i] == column)
			return gathered_value(
				g, &cells[i], column_at((unsigned)column), scratch);
	return (struct value){0};
}
