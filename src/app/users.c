#include "app/users.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct user {
	uint32_t id, name; /* name: where it begins in users.names */
};

static int compare_users(const void *left, const void *right)
{
	const struct user *a = left, *b = right;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return a->name < b->name ? -1 : a->name > b->name; /* the file's order */
}

static size_t count(const struct users *u)
{
	return u->list.len / sizeof(struct user);
}

/* The file alone: a name service may ask the network, and load libraries. */
void users_read(struct users *u)
{
	FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *p;

	while (file && (p = fgetpwent(file))) {
		struct user user = {p->pw_uid, (uint32_t)u->names.len};

		text_clean(&u->names, p->pw_name, strlen(p->pw_name));
		buf_char(&u->names, '\0');
		buf_add(&u->list, &user, sizeof(user));
	}
	if (file)
		(void)fclose(file); /* was only read */
	if (u->list.oom || u->names.oom)
		users_done(u);
	if (u->list.len)
		qsort(u->list.data, count(u), sizeof(struct user), compare_users);
}

void users_done(struct users *u)
{
	buf_done(&u->list);
	buf_done(&u->names);
	*u = (struct users){0};
}

const char *users_name(void *ctx, uint32_t user_id)
{
	const struct users *u = ctx;
	const struct user *list = (const void *)u->list.data;
	size_t low = 0, high = count(u);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list[middle].id < user_id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == count(u) || list[low].id != user_id)
		return NULL;
	return u->names.data + list[low].name;
}
