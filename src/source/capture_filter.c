#include "source/capture_filter.h"

#include <ctype.h>
#include <errno.h>
#include <linux/filter.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "source/bpf.h"
#include "source/snaplen_program.h"

#define SNAPLEN_MOST 262144 /* libpcap's own limit */
#define TAG_AT       12     /* bytes before a VLAN tag */
#define TAG_BYTES    4

_Static_assert(
	sizeof(struct sock_filter) == sizeof(struct bpf_insn), "the same format");

/* libpcap's number for a link type; the two differ for raw IP only, of those konn
 * opens. */
static int dlt_of(uint16_t linktype)
{
	return linktype == LINKTYPE_RAW ? DLT_RAW : linktype;
}

/* Unlike bpf_compile: for a live interface, where inbound and outbound have a meaning.
 */
static bool compile_live(const char *expression, uint16_t linktype,
	struct bpf_program *out, char message[static BPF_MESSAGE_BYTES])
{
	pcap_t *handle = pcap_open_dead(dlt_of(linktype), SNAPLEN_MOST);
	bool ok;

	message[0] = '\0';
	if (!handle) {
		memcpy(message, "out of memory", sizeof("out of memory"));
		return false;
	}
	ok = pcap_compile(handle, out, expression, 1, PCAP_NETMASK_UNKNOWN) == 0;
	if (!ok) {
		strncpy(message, pcap_geterr(handle), BPF_MESSAGE_BYTES - 1);
		message[BPF_MESSAGE_BYTES - 1] = '\0';
	}
	pcap_close(handle);
	return ok;
}

/* Is `vlan` one of the expression's words? */
static bool about_vlans(const char *expression)
{
	const char *p = expression;
	size_t len;

	while (*p) {
		len = 0;
		while (isalnum((unsigned char)p[len]) ||
			(p[len] && strchr("._-", p[len])))
			len++;
		if (len == 4 && memcmp(p, "vlan", 4) == 0)
			return true;
		p += len ? len : 1;
	}
	return false;
}

/*
 * Puts the user's program before the snaplen program: where the first accepts, it goes
 * on in the second (`ja` reaches everywhere; conditional jumps stay as they are).
 */
static int join(struct capture_filter *filter, const struct bpf_program *user,
	const struct sock_filter *own, uint16_t own_count)
{
	unsigned first = user ? user->bf_len : 0;
	struct sock_filter *code;

	if (first + own_count > BPF_MAXINSNS)
		return -E2BIG;
	code = calloc(first + own_count, sizeof(*code));
	if (!code)
		return -ENOMEM;
	for (unsigned i = 0; i < first; i++) {
		const struct bpf_insn *in = &user->bf_insns[i];

		code[i] = (struct sock_filter){in->code, in->jt, in->jf, in->k};
		if (in->code == (BPF_RET | BPF_K) && in->k != 0)
			code[i] = (struct sock_filter){
				BPF_JMP | BPF_JA, 0, 0, first - i - 1};
	}
	memcpy(code + first, own, own_count * sizeof(*own));
	filter->code = code;
	filter->count = (uint16_t)(first + own_count);
	return 0;
}

static int join_reported(struct capture_filter *filter, const struct bpf_program *user,
	unsigned snaplen, struct err *err)
{
	struct sock_filter own[SNAPLEN_PROGRAM_MOST];
	uint16_t own_count = 1;
	int r;

	if (snaplen)
		own[0] = (struct sock_filter){BPF_RET | BPF_K, 0, 0, snaplen};
	else
		own_count = snaplen_program(filter->linktype, own);
	r = join(filter, user, own, own_count);
	if (r == -E2BIG)
		return err_set(err, EXIT_USAGE,
			"filter: too long for the kernel (%u instructions of %u)",
			user ? user->bf_len + own_count : own_count, BPF_MAXINSNS);
	if (r < 0)
		return err_set(err, EXIT_SOFTWARE, "out of memory");
	return 0;
}

/* The expression is about tags: it runs here, over frames with their tag put back. */
static int init_tagged(struct capture_filter *filter, const char *bpf, unsigned snaplen,
	struct err *err)
{
	char message[BPF_MESSAGE_BYTES];

	filter->tagged = calloc(1, sizeof(*filter->tagged));
	if (!filter->tagged)
		return err_set(err, EXIT_SOFTWARE, "out of memory");
	if (!bpf_compile(bpf, filter->linktype, filter->tagged, message)) {
		free(filter->tagged);
		filter->tagged = NULL;
		return bpf_error(bpf, filter->linktype, message, err);
	}
	return join_reported(filter, NULL, snaplen, err);
}

static int init_expression(struct capture_filter *filter, const char *bpf,
	unsigned snaplen, struct err *err)
{
	struct bpf_insn refuse = {BPF_RET | BPF_K, 0, 0, 0};
	struct bpf_program user, none = {1, &refuse};
	char message[BPF_MESSAGE_BYTES], ignored[BPF_MESSAGE_BYTES];
	int r;

	if (compile_live(bpf, filter->linktype, &user, message)) {
		r = join_reported(filter, &user, snaplen, err);
		pcap_freecode(&user);
		return r;
	}
	if (filter->linktype == LINKTYPE_ETHERNET ||
		!compile_live(bpf, LINKTYPE_ETHERNET, &user, ignored))
		return bpf_error(bpf, filter->linktype, message, err);
	pcap_freecode(&user);
	return join_reported(filter, &none, snaplen, err);
}

int capture_filter_init(struct capture_filter *filter, uint16_t linktype,
	const char *bpf, unsigned snaplen, struct err *err)
{
	int r;

	*filter = (struct capture_filter){.linktype = linktype};
	if (snaplen > SNAPLEN_MOST)
		snaplen = SNAPLEN_MOST;
	if (!bpf || !*bpf)
		r = join_reported(filter, NULL, snaplen, err);
	else if (linktype == LINKTYPE_ETHERNET && about_vlans(bpf))
		r = init_tagged(filter, bpf, snaplen, err);
	else
		r = init_expression(filter, bpf, snaplen, err);
	if (r < 0)
		capture_filter_done(filter);
	return r;
}

void capture_filter_done(struct capture_filter *filter)
{
	if (filter->tagged) {
		pcap_freecode(filter->tagged);
		free(filter->tagged);
	}
	free(filter->code);
	*filter = (struct capture_filter){0};
}

static int attach(int socket_fd, struct sock_filter *code, uint16_t count)
{
	struct sock_fprog program = {count, code};

	if (setsockopt(socket_fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
		    sizeof(program)) != 0)
		return -errno;
	return 0;
}

int capture_filter_attach(const struct capture_filter *filter, int socket_fd)
{
	return attach(socket_fd, filter->code, filter->count);
}

int capture_filter_attach_none(int socket_fd)
{
	struct sock_filter none = {BPF_RET | BPF_K, 0, 0, 0};

	return attach(socket_fd, &none, 1);
}

/* Runs the expression over the frame as it was on the wire, tag included. */
static bool wants_tagged(const struct bpf_program *program, const struct frame *frame)
{
	uint8_t copy[CAPTURE_SNAPLEN_LONG + TAG_BYTES];
	uint32_t keep = frame->caplen;

	if (keep < TAG_AT)
		return false;
	if (keep > CAPTURE_SNAPLEN_LONG)
		keep = CAPTURE_SNAPLEN_LONG; /* filters look at headers */
	memcpy(copy, frame->bytes, TAG_AT);
	copy[TAG_AT] = (uint8_t)(frame->vlan_tpid >> 8);
	copy[TAG_AT + 1] = (uint8_t)frame->vlan_tpid;
	copy[TAG_AT + 2] = (uint8_t)(frame->vlan_tci >> 8);
	copy[TAG_AT + 3] = (uint8_t)frame->vlan_tci;
	memcpy(copy + TAG_AT + TAG_BYTES, frame->bytes + TAG_AT, keep - TAG_AT);
	return bpf_filter(program->bf_insns, copy, frame->len + TAG_BYTES,
		       keep + TAG_BYTES) != 0;
}

bool capture_filter_wants(
	const struct capture_filter *filter, const struct frame *frame)
{
	if (!filter->tagged)
		return true;
	if (frame->vlan_tpid)
		return wants_tagged(filter->tagged, frame);
	return bpf_filter(filter->tagged->bf_insns, frame->bytes, frame->len,
		       frame->caplen) != 0;
}
