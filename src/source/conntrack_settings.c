#include "source/conntrack_settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"

#define ACCT       "sys/net/netfilter/nf_conntrack_acct"
#define TEXT_BYTES 4096 /* of net/snmp only the first two lines are needed */

/* Reads the start of a file; *len < size. 0 or -errno. */
static int read_start(
	int root_fd, const char *path, char *text, size_t size, size_t *len)
{
	int fd = openat(root_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t got = 1;
	int r = 0;

	if (fd < 0)
		return -errno;
	*len = 0;
	while (got > 0 && *len < size - 1) {
		got = read(fd, text + *len, size - 1 - *len);
		if (got > 0)
			*len += (size_t)got;
	}
	if (got < 0)
		r = -errno;
	text[*len] = '\0';
	(void)close(fd); /* only read */
	return r;
}

static int read_number(int root_fd, const char *path, uint32_t *out)
{
	char text[32];
	size_t len;
	uint64_t value;
	int r = read_start(root_fd, path, text, sizeof(text), &len);

	if (r < 0)
		return r;
	if (len && text[len - 1] == '\n')
		len--;
	if (!num_parse_u64(text, len, &value) || value > UINT32_MAX)
		return -EPROTO;
	*out = (uint32_t)value;
	return 0;
}

void conntrack_settings_read(int root_fd, struct conntrack_settings *out)
{
	const struct {
		uint32_t bit;
		uint32_t *field;
		const char *path;
	} all[] = {
		{CONNTRACK_SETTING_COUNT, &out->count,
			"sys/net/netfilter/nf_conntrack_count"},
		{CONNTRACK_SETTING_MAX, &out->max,
			"sys/net/netfilter/nf_conntrack_max"},
		{CONNTRACK_SETTING_BUCKETS, &out->buckets,
			"sys/net/netfilter/nf_conntrack_buckets"},
		{CONNTRACK_SETTING_ACCT, &out->acct, ACCT},
		{CONNTRACK_SETTING_TIMESTAMP, &out->timestamp,
			"sys/net/netfilter/nf_conntrack_timestamp"},
		{CONNTRACK_SETTING_EVENTS, &out->events,
			"sys/net/netfilter/nf_conntrack_events"},
	};

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (read_number(root_fd, all[i].path, all[i].field) == 0)
			out->has |= all[i].bit;
}

int conntrack_accounting(int root_fd, bool on, bool *out)
{
	uint32_t was;
	int fd, r = read_number(root_fd, ACCT, &was);

	if (r < 0)
		return r;
	fd = openat(root_fd, ACCT, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (write(fd, on ? "1\n" : "0\n", 2) != 2)
		r = errno ? -errno : -EIO;
	if (close(fd) != 0 && r == 0)
		r = -errno;
	if (r == 0)
		*out = was != 0;
	return r;
}

/* The next word of a line; false at its end. */
static bool next_word(const char **at, const char **word, size_t *len)
{
	*at += strspn(*at, " \t");
	*word = *at;
	*len = strcspn(*at, " \t\n");
	*at += *len;
	return *len > 0;
}

/* The number below `name` in net/snmp's pair of lines that begin with "Ip:". */
static uint64_t snmp_value(const char *names, const char *values, const char *name)
{
	const char *word, *value;
	size_t word_len, value_len;
	uint64_t number;

	while (next_word(&names, &word, &word_len) &&
		next_word(&values, &value, &value_len))
		if (word_len == strlen(name) && !memcmp(word, name, word_len) &&
			num_parse_u64(value, value_len, &number))
			return number;
	return 0;
}

/* The number of a line of net/snmp6: a name, blanks, a number. */
static uint64_t snmp6_value(const char *text, const char *name)
{
	const char *at = strstr(text, name), *word;
	uint64_t number;
	size_t len;

	if (!at)
		return 0;
	at += strlen(name);
	if (!strchr(" \t", *at) || !next_word(&at, &word, &len) ||
		!num_parse_u64(word, len, &number))
		return 0;
	return number;
}

int conntrack_packets(int root_fd, uint64_t *out)
{
	char text[TEXT_BYTES];
	const char *values;
	uint64_t packets, icmp;
	size_t len;
	int r = read_start(root_fd, "thread-self/net/snmp", text, sizeof(text), &len);

	if (r < 0)
		return r;
	values = strchr(text, '\n');
	if (strncmp(text, "Ip:", 3) != 0 || !values)
		return -EPROTO;
	packets = snmp_value(text, values + 1, "InReceives") +
		  snmp_value(text, values + 1, "OutRequests");
	/* No such file without IPv6. */
	if (read_start(root_fd, "thread-self/net/snmp6", text, sizeof(text), &len) ==
		0) {
		icmp = snmp6_value(text, "Icmp6InMsgs") +
		       snmp6_value(text, "Icmp6OutMsgs");
		packets += snmp6_value(text, "Ip6InReceives") +
			   snmp6_value(text, "Ip6OutRequests");
		packets -= icmp < packets ? icmp : packets;
	}
	*out = packets;
	return 0;
}

enum conntrack_activity conntrack_activity(
	const struct conntrack_settings *now, uint64_t packets)
{
	if (!(now->has & CONNTRACK_SETTING_COUNT))
		return CONNTRACK_ABSENT;
	if (now->count)
		return CONNTRACK_ACTIVE;
	return packets >= CONNTRACK_PACKETS_ENOUGH ? CONNTRACK_NO_RULE
						   : CONNTRACK_EMPTY;
}
