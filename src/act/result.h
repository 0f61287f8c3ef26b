/* result — what was done to which connection, what came of it, and how that is known.
 */
#ifndef KONN_ACT_RESULT_H
#define KONN_ACT_RESULT_H

#include <stdint.h>

#include "base/buf.h"
#include "core/addr.h"

enum act_what {
	ACT_NONE,
#define ACT(name_, help_) ACT_##name_,
#include "act/what.def"
#undef ACT
	ACT_COUNT,
};

enum act_outcome {
	ACT_OUTCOME_NONE, /* nothing was tried */
#define OUTCOME(name_, help_) ACT_OUTCOME_##name_,
#include "act/outcome.def"
#undef OUTCOME
	ACT_OUTCOME_COUNT,
};

enum act_proof {
	ACT_PROOF_NONE, /* it is not proven */
#define PROOF(name_, help_) ACT_PROOF_##name_,
#include "act/proof.def"
#undef PROOF
	ACT_PROOF_COUNT,
};

/* Whom it was done to. `local` is the end that was acted on. */
struct act_target {
	struct addr local, peer;
	uint16_t local_port, peer_port; /* host order; 0: none */
	uint8_t proto;                  /* IP protocol number */
	uint8_t family;                 /* enum family */
	uint64_t cookie;                /* 0: no socket of this machine */
	int32_t pid;                    /* 0: not through a process */
};

struct act_result {
	struct act_target target;
	uint8_t what;    /* enum act_what */
	uint8_t outcome; /* enum act_outcome */
	uint8_t proof;   /* enum act_proof */
	int error;       /* errno that decided the outcome; 0: none did */
};

/* NULL for …_NONE and for numbers of no enumerator. */
const char *result_what_name(enum act_what what);
const char *result_outcome_name(enum act_outcome outcome);
const char *result_outcome_help(enum act_outcome outcome);
const char *result_proof_name(enum act_proof proof);
const char *result_proof_help(enum act_proof proof);

/* Sets the outcome that an errno (not negative) stands for. */
void result_refused(struct act_result *result, int error);

/*
 * One line without its end, for a log: `destroy tcp 10.0.0.1:80 10.0.0.2:4000
 * cookie=7 outcome=gone proof=table`, then pid=, error= where there is one.
 */
void result_format(struct buf *out, const struct act_result *result);

#endif
