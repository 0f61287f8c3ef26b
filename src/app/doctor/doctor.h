/*
 * doctor — what konn can and cannot do here: each source and action is tried with the
 * rights that the process has, and nothing is left behind. checks.def is the list.
 */
#ifndef KONN_APP_DOCTOR_DOCTOR_H
#define KONN_APP_DOCTOR_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "source/owners_bpf.h"

enum doctor_state {
	DOCTOR_WORKS,
	DOCTOR_PARTLY,
	DOCTOR_MISSING,
	DOCTOR_UNKNOWN, /* could not be tried */
	DOCTOR_INFO,    /* nothing to work or not */
};

struct finding {
	enum doctor_state state;
	char reason[240];  /* one line; not cleaned */
	char command[720]; /* would make it work; empty: none is known to */
};

struct options;

struct doctor { /* what checks share */
	struct owners_bpf_load bpf;
	int bpf_error;
	bool bpf_tried;
};

typedef void doctor_check(struct doctor *d, struct finding *f);

#define CHECK(function_, name_, needed_) doctor_check check_##function_;
#include "app/doctor/checks.def"
#undef CHECK

void finding_set(struct finding *f, enum doctor_state state, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void finding_command(struct finding *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Runs every check and writes what was found to *out. Takes some 0.3 s, and up to 3 s
 * more when no name server answers. 0, EXIT_PARTIAL when something that capture or list
 * needs does not work, or -errno with *err.
 */
int doctor_run(const struct options *o, struct buf *out, struct err *err);

#endif
