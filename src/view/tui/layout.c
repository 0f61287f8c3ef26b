#include "view/tui/layout.h"

#include <string.h>

#include "base/text.h"

enum {
	ENDPOINT_LEAST = 14, /* still tells 10.77…2:51514 */
	ENDPOINT_STUMP = 6,
	ENDPOINT_V4 = 21, /* 255.255.255.255:65535 */
	TEXT_MOST = 60,
	CORE_PRIORITY = 9, /* columns.def: these fit into 80 columns together */
	EMPTY_PENALTY = 60,
};

struct fitting {
	const struct layout_want *want;
	struct field all[QUERY_COLUMNS];
	bool tried[QUERY_COLUMNS], shown[QUERY_COLUMNS];
	unsigned count;
	bool has_endpoint;
	int gap, left; /* columns between fields; columns not given away */
};

bool layout_right(const struct column *c)
{
	switch (c->type) {
	case TYPE_STR:
	case TYPE_LIST:
	case TYPE_ADDR:
	case TYPE_TIME: return false;
	default: return true;
	}
}

bool layout_middle(const struct column *c)
{
	return c->type == TYPE_ADDR || strcmp(c->key, "orig") == 0 ||
	       strcmp(c->key, "resp") == 0;
}

static int larger(int a, int b)
{
	return a > b ? a : b;
}

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

static int content_width(const struct layout_want *want, uint16_t column)
{
	if (!want->content || column >= LAYOUT_COLUMNS)
		return 0;
	return smaller(want->content[column].width, TEXT_MOST);
}

/* What a field takes before there is space to give away. */
static int base_width(const struct layout_want *want, uint16_t column)
{
	const struct column *c = column_at(column);
	int least = larger(c->width, (int)text_columns(c->title, strlen(c->title)));

	if (layout_middle(c))
		return ENDPOINT_LEAST;
	if (layout_right(c) || c->type == TYPE_TIME) /* a number is never cut */
		return larger(least, content_width(want, column));
	return least;
}

static bool is_empty(const struct layout_want *want, uint16_t column)
{
	return want->content && column < LAYOUT_COLUMNS &&
	       want->content[column].looked_at && !want->content[column].known;
}

/* Lower goes first. */
static int rank(const struct layout_want *want, unsigned index)
{
	uint16_t column = want->columns[index];

	if (column == want->cursor || column == want->sort)
		return -1;
	return want->priority[index] + (is_empty(want, column) ? EMPTY_PENALTY : 0);
}

/* Index of the field that comes next by rank, at most `most`; -1 when there is none. */
static int next_field(const struct fitting *f, int most)
{
	int best = -1, best_rank = most + 1;

	for (unsigned i = 0; i < f->count; i++) {
		int r = rank(f->want, i);

		if (!f->tried[i] && r < best_rank) {
			best = (int)i;
			best_rank = r;
		}
	}
	return best;
}

/* On the narrowest screens an address takes what is left: without one a row says
 * nothing. */
static int squeezed(struct fitting *f, uint16_t column, int width)
{
	bool first = layout_middle(column_at(column)) && !f->has_endpoint;

	if (first)
		f->has_endpoint = true;
	return first && f->left >= ENDPOINT_STUMP && f->left < width ? f->left : width;
}

/* Places every field up to a rank that fits. */
static void take(struct fitting *f, int most)
{
	for (int i; (i = next_field(f, most)) >= 0;) {
		uint16_t column = f->all[i].column;
		int width = squeezed(f, column, base_width(f->want, column));

		f->tried[i] = true;
		if (width > f->left)
			continue;
		f->all[i].width = width;
		f->left -= width + f->gap;
		f->shown[i] = true;
	}
}

/* Widens texts whose content is cut, a column each in turn, addresses up to
 * `address_most`. */
static void grow(struct fitting *f, int address_most)
{
	bool grown = true;

	while (grown && f->left + f->gap > 0) {
		grown = false;
		for (unsigned i = 0; i < f->count && f->left + f->gap > 0; i++) {
			const struct column *c = column_at(f->all[i].column);
			int most = content_width(f->want, f->all[i].column);

			if (layout_middle(c))
				most = smaller(most, address_most);
			if (!f->shown[i] || f->all[i].width >= most)
				continue;
			f->all[i].width++;
			f->left--;
			grown = true;
		}
	}
}

void layout_fit(struct layout *out, const struct layout_want *want)
{
	struct fitting f = {.want = want, .gap = want->cols >= 100 ? 2 : 1};
	int x = want->left;

	f.left = want->cols - want->left;
	for (; f.count < want->n_columns && f.count < QUERY_COLUMNS; f.count++)
		f.all[f.count].column = want->columns[f.count];
	take(&f, CORE_PRIORITY);
	grow(&f, larger(ENDPOINT_V4, want->cols / 5));
	take(&f, INT16_MAX);
	grow(&f, TEXT_MOST);
	out->count = 0;
	for (unsigned i = 0; i < f.count; i++)
		if (f.shown[i])
			out->at[out->count++] = f.all[i];
	if (out->count == 0 && f.count > 0) {
		out->at[out->count] = f.all[0];
		out->at[out->count++].width = larger(want->cols - want->left, 1);
	}
	for (unsigned i = 0; i < out->count; i++) {
		out->at[i].x = x;
		x += out->at[i].width + f.gap;
	}
}

void layout_shorten(
	struct buf *out, const char *text, size_t len, const struct layout_cut *cut)
{
	size_t room = cut->width > 0 ? (size_t)cut->width : 0, head, tail = 0;

	if (text_columns(text, len) <= room) {
		buf_add(out, text, len);
		return;
	}
	if (room == 0)
		return;
	head = text_fit(text, len, cut->middle ? room / 2 : room - 1);
	buf_add(out, text, head);
	buf_str(out, cut->dots);
	if (!cut->middle)
		return;
	room -= text_columns(text, head) + 1;
	for (tail = head; text_columns(text + tail, len - tail) > room;)
		tail += text_fit(text + tail, len - tail, 1) ?: 1;
	while (tail < len && ((uint8_t)text[tail] & 0xc0) == 0x80)
		tail++;
	buf_add(out, text + tail, len - tail);
}
