#include "model/rank.h"

#include <stdlib.h>
#include <string.h>

#include "model/cell.h"

void ranks_done(struct ranks *r)
{
	free(r->all);
	buf_done(&r->rest);
	*r = (struct ranks){0};
}

void ranks_reset(struct ranks *r, size_t most, bool reverse)
{
	r->count = 0;
	r->most = most;
	r->reverse = reverse;
	r->oom = false;
	buf_reset(&r->rest);
}

static int rest_compare(
	const struct ranks *r, const struct rank *a, const struct rank *b)
{
	uint32_t common = a->len < b->len ? a->len : b->len;
	int order = 0;

	if (common > 8)
		order = memcmp(
			r->rest.data + a->rest, r->rest.data + b->rest, common - 8);
	return order ? order : (a->len > b->len) - (a->len < b->len);
}

static int compare(const struct ranks *r, const struct rank *a, const struct rank *b)
{
	int order;

	if (a->len == RANK_ABSENT || b->len == RANK_ABSENT)
		order = (a->len == RANK_ABSENT) - (b->len == RANK_ABSENT);
	else if (a->key != b->key)
		order = (a->key < b->key) == r->reverse ? 1 : -1;
	else
		order = r->reverse ? -rest_compare(r, a, b) : rest_compare(r, a, b);
	if (order == 0)
		order = (a->tie > b->tie) - (a->tie < b->tie);
	return order ? order : (a->handle > b->handle) - (a->handle < b->handle);
}

static int compare_void(const void *a, const void *b, void *ranks)
{
	return compare(ranks, a, b);
}

/* Lets all[at] sink to its place in the heap of the first `count`. */
static void sink(struct ranks *r, size_t at, size_t count)
{
	struct rank moving = r->all[at];

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= count)
			break;
		if (child + 1 < count &&
			compare(r, &r->all[child + 1], &r->all[child]) > 0)
			child++;
		if (compare(r, &r->all[child], &moving) <= 0)
			break;
		r->all[at] = r->all[child];
		at = child;
	}
	r->all[at] = moving;
}

static void heapify(struct ranks *r, size_t count)
{
	for (size_t i = count / 2; i > 0; i--)
		sink(r, i - 1, count);
}

static bool grow(struct ranks *r)
{
	size_t cap = r->cap ? r->cap * 2 : 64;
	struct rank *grown = reallocarray(r->all, cap, sizeof(*grown));

	if (!grown) {
		r->oom = true;
		return false;
	}
	r->all = grown;
	r->cap = cap;
	return true;
}

/* False when it is not among the first. */
static bool keep(struct ranks *r, const struct rank *one)
{
	if (r->count < r->most) {
		if (r->count == r->cap && !grow(r))
			return false;
		r->all[r->count++] = *one;
		if (r->count == r->most)
			heapify(r, r->count);
		return true;
	}
	if (r->most == 0 || compare(r, one, &r->all[0]) >= 0)
		return false;
	r->all[0] = *one;
	sink(r, 0, r->count);
	return true;
}

static uint64_t be64(const uint8_t *bytes, size_t len)
{
	uint8_t first[8] = {0};
	uint64_t word;

	memcpy(first, bytes, len < 8 ? len : 8);
	memcpy(&word, first, 8);
	return __builtin_bswap64(word);
}

/* A key of bytes: the first 8 in `key`, the others behind. */
static void set_bytes(struct ranks *r, struct rank *out, const void *bytes, size_t len)
{
	out->len = (uint32_t)len;
	out->key = be64(bytes, len);
	if (len <= 8)
		return;
	if (r->rest.len > UINT32_MAX - len) {
		r->oom = true;
		return;
	}
	out->rest = (uint32_t)r->rest.len;
	buf_add(&r->rest, (const uint8_t *)bytes + 8, len - 8);
	r->oom |= r->rest.oom;
}

void ranks_add(struct ranks *r, enum type type, const struct value *v, uint64_t handle,
	uint64_t tie)
{
	struct rank one = {.key = v->num, .handle = handle, .tie = tie, .len = 8};
	size_t rest = r->rest.len;
	uint8_t bytes[17];

	if (!v->present) {
		one.len = RANK_ABSENT;
	} else if (type == TYPE_ADDR) {
		bytes[0] = v->family;
		memcpy(bytes + 1, v->addr.b, 16);
		set_bytes(r, &one, bytes, sizeof(bytes));
	} else if (type_is_text(type)) {
		set_bytes(r, &one, v->str.ptr, v->str.len);
	}
	if (r->oom)
		return;
	if (!keep(r, &one))
		r->rest.len = rest;
}

size_t ranks_before(const struct ranks *r, size_t index)
{
	size_t before = 0;

	for (size_t i = 0; i < r->count; i++)
		before += compare(r, &r->all[i], &r->all[index]) < 0;
	return before;
}

void ranks_finish(struct ranks *r, size_t most)
{
	if (most < r->count) {
		heapify(r, most);
		for (size_t i = most; i < r->count; i++)
			if (compare(r, &r->all[i], &r->all[0]) < 0) {
				r->all[0] = r->all[i];
				sink(r, 0, most);
			}
		r->count = most;
	}
	if (r->count > 1)
		qsort_r(r->all, r->count, sizeof(*r->all), compare_void, r);
}
