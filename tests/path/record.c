#include "record.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define NS_PER_S 1000000000
#define MAGIC_NS 0xa1b23c4d
#define ETHERNET 1

static FILE *make(const char *folder, const char *name)
{
	char path[4096];

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	return fopen(path, "we");
}

bool record_open(struct record *r, const char *folder, uint64_t epoch_ns)
{
	static const char *const names[] = {
		"client.pcap", "middle.pcap", "server.pcap"};
	static const uint32_t head[] = {
		MAGIC_NS, 2 | 4 << 16, 0, 0, RECORD_SNAP, ETHERNET};
	bool good = true;

	memset(r, 0, sizeof(*r));
	r->epoch_ns = epoch_ns;
	for (unsigned i = 0; i < RECORD_POINTS; i++) {
		r->pcap[i] = make(folder, names[i]);
		good &= r->pcap[i] && fwrite(head, sizeof(head), 1, r->pcap[i]) == 1;
	}
	r->drops = make(folder, "drops.log");
	r->packets = make(folder, "packets.log");
	if (!good || !r->drops || !r->packets)
		return false;
	(void)fputs("#time direction place sport dport ip_id seq len reason overtaken "
		    "serial\n",
		r->drops);
	(void)fputs("#serial direction copy sport dport flags seq ack len ip_id enter "
		    "middle due exit fate\n",
		r->packets);
	return true;
}

void record_close(struct record *r)
{
	for (unsigned i = 0; i < RECORD_POINTS; i++)
		if (r->pcap[i])
			(void)fclose(r->pcap[i]);
	if (r->drops)
		(void)fclose(r->drops);
	if (r->packets)
		(void)fclose(r->packets);
	memset(r, 0, sizeof(*r));
}

void record_frame(struct record *r, enum record_point point, uint64_t now_ns,
	const uint8_t *frame, size_t size)
{
	uint64_t ns = now_ns + r->epoch_ns;
	size_t kept = size < RECORD_SNAP ? size : RECORD_SNAP;
	const uint32_t head[] = {(uint32_t)(ns / NS_PER_S), (uint32_t)(ns % NS_PER_S),
		(uint32_t)kept, (uint32_t)size};

	(void)fwrite(head, sizeof(head), 1, r->pcap[point]);
	(void)fwrite(frame, kept, 1, r->pcap[point]);
}

static void print_time(const struct record *r, FILE *out, uint64_t ns)
{
	uint64_t wall = ns + r->epoch_ns;

	if (ns)
		(void)fprintf(out, " %" PRIu64 ".%09" PRIu64, wall / NS_PER_S,
			wall % NS_PER_S);
	else
		(void)fputs(" -", out);
}

void record_event(struct record *r, const struct record_way *way, const struct wire *w,
	const struct record_event *e)
{
	uint64_t ns = e->now_ns + r->epoch_ns;

	(void)fprintf(r->drops,
		"%" PRIu64 ".%09" PRIu64 " %s %s %u %u %u %u %u %s %d %u\n",
		ns / NS_PER_S, ns % NS_PER_S, way->up ? "up" : "down",
		e->after ? "after" : "before", w->sport, w->dport, w->ip_id, w->seq,
		w->len, e->reason, e->overtaken, way->serial);
}

void record_end(struct record *r, const struct record_way *way, const struct wire *w,
	const char *fate)
{
	if (!w->tcp)
		return;
	(void)fprintf(r->packets, "%u %s %d %u %u %u %u %u %u %u", way->serial,
		way->up ? "up" : "down", way->copy, w->sport, w->dport, w->flags,
		w->seq, w->ack, w->len, w->ip_id);
	print_time(r, r->packets, way->copy ? 0 : way->enter_ns);
	print_time(r, r->packets, way->copy == 2 ? 0 : way->middle_ns);
	print_time(r, r->packets, way->due_ns);
	print_time(r, r->packets, way->exit_ns);
	(void)fprintf(r->packets, " %s\n", fate);
}
