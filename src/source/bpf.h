/* bpf — tcpdump expressions run over frames, compiled once for each link type. */
#ifndef KONN_SOURCE_BPF_H
#define KONN_SOURCE_BPF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "core/frame.h"

struct bpf;

/* `expression` is borrowed until bpf_free. NULL when there is no memory. */
struct bpf *bpf_new(const char *expression);
void bpf_free(struct bpf *bpf); /* NULL is fine */

/* Compiles for a link type, as bpf_check says; a second time costs nothing. */
int bpf_prepare(struct bpf *bpf, uint16_t linktype, struct err *err);

/* Sets `filtered` of each frame that the expression refuses. Fails as bpf_prepare. */
int bpf_apply(struct bpf *bpf, struct frame *frames, unsigned count, struct err *err);

/*
 * Notes libpcap's message with the exit code 64, and where the fault's place can be
 * found two more lines: the expression and a caret below it.
 */
int bpf_error(const char *expression, uint16_t linktype, const char *message,
	struct err *err);

/* Compiles for capture files of a link type; false and libpcap's message on failure. */
struct bpf_program;
#define BPF_MESSAGE_BYTES 256
bool bpf_compile(const char *expression, uint16_t linktype, struct bpf_program *out,
	char message[static BPF_MESSAGE_BYTES]);

#endif
