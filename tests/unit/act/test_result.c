#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "act/result.h"
#include "core/proto.h"

static void names(void **state)
{
	(void)state;
	assert_null(result_what_name(ACT_NONE));
	assert_null(result_what_name(ACT_COUNT));
	assert_null(result_outcome_name(ACT_OUTCOME_NONE));
	assert_null(result_outcome_help(ACT_OUTCOME_COUNT));
	assert_null(result_proof_name(ACT_PROOF_NONE));
	assert_null(result_proof_help(ACT_PROOF_COUNT));
	for (unsigned i = 1; i < ACT_COUNT; i++)
		assert_non_null(result_what_name(i));
	for (unsigned i = 1; i < ACT_OUTCOME_COUNT; i++) {
		assert_non_null(result_outcome_name(i));
		assert_non_null(result_outcome_help(i));
	}
	for (unsigned i = 1; i < ACT_PROOF_COUNT; i++) {
		assert_non_null(result_proof_name(i));
		assert_non_null(result_proof_help(i));
	}
	assert_string_equal(result_outcome_name(ACT_OUTCOME_gone), "gone");
}

static void refusals(void **state)
{
	static const struct {
		int error;
		enum act_outcome outcome;
	} cases[] = {
		{EPERM, ACT_OUTCOME_no_right},
		{EACCES, ACT_OUTCOME_no_right},
		{EOPNOTSUPP, ACT_OUTCOME_not_supported},
		{ENOSYS, ACT_OUTCOME_not_supported},
		{ESRCH, ACT_OUTCOME_already_gone},
		{ENOMEM, ACT_OUTCOME_failed},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct act_result r = {0};

		result_refused(&r, cases[i].error);
		assert_int_equal(r.outcome, cases[i].outcome);
		assert_int_equal(r.error, cases[i].error);
	}
}

static void line(void **state)
{
	struct act_result r = {
		.what = ACT_destroy,
		.outcome = ACT_OUTCOME_gone,
		.proof = ACT_PROOF_table,
		.target = {.local = addr_v4((const uint8_t[4]){10, 0, 0, 1}),
			.peer = addr_v4((const uint8_t[4]){10, 0, 0, 2}),
			.local_port = 80,
			.peer_port = 4000,
			.proto = PROTO_TCP,
			.family = FAMILY_V4,
			.cookie = UINT64_MAX},
	};
	struct buf out = {0};

	(void)state;
	result_format(&out, &r);
	assert_string_equal(buf_cstr(&out),
		"destroy tcp 10.0.0.1:80 10.0.0.2:4000 "
		"cookie=18446744073709551615 outcome=gone proof=table");
	buf_reset(&out);
	r = (struct act_result){.what = ACT_shut,
		.outcome = ACT_OUTCOME_no_right,
		.error = EPERM,
		.target = {.family = FAMILY_V6, .proto = 200, .pid = 7}};
	result_format(&out, &r);
	assert_string_equal(buf_cstr(&out),
		"shut 200 [::]:0 [::]:0 pid=7 outcome=no_right proof=none error=EPERM");
	buf_reset(&out);
	memset(&r, 0xff, sizeof(r));
	result_format(&out, &r); /* numbers of no enumerator */
	assert_non_null(strstr(buf_cstr(&out), "outcome=none proof=none"));
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(refusals),
		cmocka_unit_test(line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
