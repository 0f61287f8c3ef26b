#include "source/bpf.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/source.h"

_Static_assert(BPF_MESSAGE_BYTES >= PCAP_ERRBUF_SIZE, "libpcap writes that much");

#define SNAPLEN           262144
#define LINKTYPE_ETHERNET 1

struct program {
	uint16_t linktype;
	struct bpf_program code; /* owned */
};

struct bpf {
	const char *expression; /* borrowed */
	struct program *list;   /* owned */
	unsigned count, last;   /* last: the one used most recently */
};

struct bpf *bpf_new(const char *expression)
{
	struct bpf *bpf = calloc(1, sizeof(*bpf));

	if (bpf)
		bpf->expression = expression;
	return bpf;
}

void bpf_free(struct bpf *bpf)
{
	if (!bpf)
		return;
	for (unsigned i = 0; i < bpf->count; i++)
		pcap_freecode(&bpf->list[i].code);
	free(bpf->list);
	free(bpf);
}

/*
 * A handle for a link type as it stands in files. libpcap's own numbers (DLT_*) differ
 * from those, and its table is private: so it gets a capture file that is only a
 * header.
 */
static pcap_t *open_header(uint16_t linktype, char message[static BPF_MESSAGE_BYTES])
{
	struct pcap_file_header header = {
		.magic = 0xa1b2c3d4,
		.version_major = 2,
		.version_minor = 4,
		.snaplen = SNAPLEN,
		.linktype = linktype,
	};
	FILE *file = fmemopen(&header, sizeof(header), "r");
	pcap_t *handle;

	if (!file) {
		(void)snprintf(message, BPF_MESSAGE_BYTES, "%s", strerror(errno));
		return NULL;
	}
	handle = pcap_fopen_offline(file, message);
	if (!handle)
		(void)fclose(file); /* read only; else the handle owns it */
	return handle;
}

bool bpf_compile(const char *expression, uint16_t linktype, struct bpf_program *out,
	char message[static BPF_MESSAGE_BYTES])
{
	pcap_t *handle = open_header(linktype, message);
	int r;

	if (!handle)
		return false;
	r = pcap_compile(handle, out, expression, 1, PCAP_NETMASK_UNKNOWN);
	if (r < 0)
		(void)snprintf(message, BPF_MESSAGE_BYTES, "%s", pcap_geterr(handle));
	pcap_close(handle);
	return r == 0;
}

static bool find(struct bpf *bpf, uint16_t linktype)
{
	if (bpf->count && bpf->list[bpf->last].linktype == linktype)
		return true;
	for (unsigned i = 0; i < bpf->count; i++)
		if (bpf->list[i].linktype == linktype) {
			bpf->last = i;
			return true;
		}
	return false;
}

int bpf_prepare(struct bpf *bpf, uint16_t linktype, struct err *err)
{
	struct program new = {.linktype = linktype}, *list;
	char message[BPF_MESSAGE_BYTES];

	if (find(bpf, linktype))
		return 0;
	list = realloc(bpf->list, (bpf->count + 1) * sizeof(*list));
	if (!list)
		return err_set(err, EXIT_PARTIAL, "out of memory");
	bpf->list = list;
	if (!bpf_compile(bpf->expression, linktype, &new.code, message))
		return bpf_error(bpf->expression, linktype, message, err);
	bpf->last = bpf->count;
	list[bpf->count++] = new;
	return 0;
}

int bpf_apply(struct bpf *bpf, struct frame *frames, unsigned count, struct err *err)
{
	for (unsigned i = 0; i < count; i++) {
		struct frame *f = &frames[i];

		if (bpf_prepare(bpf, f->linktype, err) < 0)
			return -EINVAL;
		f->filtered = !bpf_filter(bpf->list[bpf->last].code.bf_insns, f->bytes,
			f->len, f->caplen);
	}
	return 0;
}

int bpf_check(const char *expression, struct err *err)
{
	char message[BPF_MESSAGE_BYTES];
	struct bpf_program code;

	if (!bpf_compile(expression, LINKTYPE_ETHERNET, &code, message))
		return bpf_error(expression, LINKTYPE_ETHERNET, message, err);
	pcap_freecode(&code);
	return 0;
}
