#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "bpf/owner_record.h"
#include "source/owners_bpf.h"

#define FACTS_MOST 4

struct told {
	struct owners_bpf_fact facts[FACTS_MOST];
	unsigned count;
	size_t bad;
};

static void on_fact(void *ctx, const struct owners_bpf_fact *fact)
{
	struct told *t = ctx;

	assert_true(t->count < FACTS_MOST);
	t->facts[t->count++] = *fact;
}

static struct told parse(const void *bytes, size_t len)
{
	struct told t = {.count = 0};
	struct owners_bpf_sink sink = {&t, on_fact};
	struct buf scratch = {0};

	t.bad = owners_bpf_parse(bytes, len, &scratch, &sink);
	buf_done(&scratch);
	return t;
}

static struct owner_record_task task(uint32_t pid, const char *name)
{
	struct owner_record_task t = {.start_ns = UINT64_C(12345678901),
		.cgroup_id = 77,
		.pid = pid,
		.uid = 1000,
		.euid = 0};

	memcpy(t.name, name, strlen(name));
	return t;
}

static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 1};

/* A connection from 192.0.2.1:40000, made by 10 and used by 11. */
static struct owner_record connection(void)
{
	struct owner_record r = {.serial = 5,
		.serial_again = 5,
		.cookie = 99,
		.inode = 1234,
		.tx_bytes = 7,
		.rx_bytes = 8,
		.creator = task(10, "maker"),
		.user = task(11, "user"),
		.netns = 4026531840,
		.fd = -1,
		.family = AF_INET,
		.protocol = 6,
		.local_port = 40000,
		.peer_port = 443,
		.user_via = OWNER_USER_IO,
		.has_tuple = 1};

	memcpy(r.local_addr, mapped, sizeof(mapped));
	memcpy(r.peer_addr, mapped, sizeof(mapped));
	return r;
}

static void all_fields(void **state)
{
	struct owner_record r = connection();
	struct told t = parse(&r, sizeof(r));
	struct owners_bpf_fact *f = &t.facts[0];

	(void)state;
	assert_int_equal(t.count, 1);
	assert_int_equal(t.bad, 0);
	assert_int_equal(f->owner.cookie, 99);
	assert_int_equal(f->owner.inode, 1234);
	assert_int_equal(f->owner.netns, 4026531840);
	assert_int_equal(
		f->owner.has, OWNER_HAS_COOKIE | OWNER_HAS_INODE | OWNER_HAS_NETNS);
	assert_int_equal(f->owner.via, OWNER_VIA_bpf_io);
	assert_int_equal(f->owner.confidence, OWNER_CONFIDENCE_certain);
	assert_int_equal(f->owner.process.pid, 11);
	assert_int_equal(f->owner.process.start_ticks, 1234);
	assert_int_equal(f->process.uid, 1000);
	assert_int_equal(f->process.euid, 0);
	assert_int_equal(f->process.cgroup_id, 77);
	assert_string_equal(f->process.comm, "user");
	assert_int_equal(f->creator.id.pid, 10);
	assert_string_equal(f->creator.comm, "maker");
	assert_int_equal(f->proto, 6);
	assert_int_equal(f->family, FAMILY_V4);
	assert_int_equal(f->local_port, 40000);
	assert_int_equal(f->peer_port, 443);
	assert_memory_equal(f->local_addr.b, mapped, 16);
	assert_int_equal(f->tx_bytes, 7);
	assert_int_equal(f->rx_bytes, 8);
	assert_int_equal(
		f->has, OWNERS_BPF_HAS_TUPLE | OWNERS_BPF_HAS_BYTES | OWNERS_BPF_WHOLE);
}

static void how_the_owner_is_told(void **state)
{
	static const struct {
		uint8_t user_via, via, confidence;
		int32_t pid;
	} cases[] = {
		{OWNER_USER_IO, OWNER_VIA_bpf_io, OWNER_CONFIDENCE_certain, 11},
		{OWNER_USER_HOLDS, OWNER_VIA_bpf_iterator, OWNER_CONFIDENCE_certain,
			11},
		{OWNER_USER_HELD, OWNER_VIA_bpf_iterator, OWNER_CONFIDENCE_likely, 11},
		{OWNER_USER_CLOSED, OWNER_VIA_bpf_close, OWNER_CONFIDENCE_likely, 11},
		{OWNER_USER_NONE, OWNER_VIA_bpf_create, OWNER_CONFIDENCE_likely, 10},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct owner_record r = connection();
		struct told t;

		r.user_via = cases[i].user_via;
		if (r.user_via == OWNER_USER_NONE)
			memset(&r.user, 0, sizeof(r.user));
		t = parse(&r, sizeof(r));
		assert_int_equal(t.count, 1);
		assert_int_equal(t.facts[0].owner.via, cases[i].via);
		assert_int_equal(t.facts[0].owner.confidence, cases[i].confidence);
		assert_int_equal(t.facts[0].owner.process.pid, cases[i].pid);
		assert_int_equal(t.facts[0].process.id.pid, cases[i].pid);
		assert_int_equal(!!(t.facts[0].has & OWNERS_BPF_HAS_BYTES),
			r.user_via == OWNER_USER_IO);
	}
}

static void absent_is_not_zero(void **state)
{
	struct owner_record r = connection();
	struct told t;

	(void)state;
	r.inode = 0;
	r.netns = 0;
	r.has_tuple = 0;
	r.user.cgroup_id = 0;
	memset(r.user.name, 0, sizeof(r.user.name));
	memset(&r.creator, 0, sizeof(r.creator));
	t = parse(&r, sizeof(r));
	assert_int_equal(t.facts[0].owner.has, OWNER_HAS_COOKIE);
	assert_int_equal(t.facts[0].process.has, PROCESS_HAS_UID);
	assert_int_equal(t.facts[0].creator.id.pid, 0);
	assert_int_equal(
		t.facts[0].has, OWNERS_BPF_HAS_BYTES); /* of a part of its life */
	r.fd = 0;
	t = parse(&r, sizeof(r));
	assert_int_equal(t.facts[0].owner.has, OWNER_HAS_COOKIE | OWNER_HAS_FD);
}

static void ipv6_and_mapped(void **state)
{
	struct owner_record r = connection();
	struct told t;

	(void)state;
	r.family = AF_INET6;
	t = parse(&r, sizeof(r));
	assert_int_equal(t.facts[0].family, FAMILY_V4);
	r.local_addr[0] = 0x20;
	t = parse(&r, sizeof(r));
	assert_int_equal(t.facts[0].family, FAMILY_V6);
	r.family = AF_INET; /* whose address is not one */
	t = parse(&r, sizeof(r));
	assert_int_equal(t.count, 0);
	assert_int_equal(t.bad, 1);
}

static void hostile_names(void **state)
{
	struct owner_record r = connection();
	struct told t;

	(void)state;
	memset(r.user.name, 0xff, sizeof(r.user.name)); /* without an end */
	t = parse(&r, sizeof(r));
	assert_int_equal(strlen(t.facts[0].process.comm), 15 * 4);
	memcpy(r.user.name, "\x1b[2J\0hidden", 11);
	t = parse(&r, sizeof(r));
	assert_string_equal(t.facts[0].process.comm, "\\x1b[2J");
}

static void nonsense(void **state)
{
	struct owner_record good = connection(), r;

	(void)state;
	r = good, r.cookie = 0;
	assert_int_equal(parse(&r, sizeof(r)).bad, 1);
	r = good, r.family = AF_UNIX;
	assert_int_equal(parse(&r, sizeof(r)).bad, 1);
	r = good, r.user_via = OWNER_USER_CLOSED + 1;
	assert_int_equal(parse(&r, sizeof(r)).bad, 1);
	r = good, r.user.pid = UINT32_MAX;
	assert_int_equal(parse(&r, sizeof(r)).bad, 1);
	r = good, r.creator.pid = UINT32_MAX;
	assert_int_equal(parse(&r, sizeof(r)).bad, 1);
	r = good, r.user.pid = 0;
	assert_int_equal(parse(&r, sizeof(r)).bad, 1);
	r = good, r.serial_again++; /* of two versions */
	assert_int_equal(parse(&r, sizeof(r)).bad, 1);
	memset(&r, 0xff, sizeof(r));
	assert_int_equal(parse(&r, sizeof(r)).bad, 1);
}

static void every_length(void **state)
{
	struct owner_record r[3] = {connection(), connection(), connection()};

	(void)state;
	r[1].cookie = 0;
	for (size_t len = 0; len <= sizeof(r); len++) {
		struct told t = parse(r, len);
		size_t whole = len / sizeof(r[0]);

		assert_int_equal(t.count, whole - (whole >= 2));
		assert_int_equal(t.bad, (whole >= 2) + (len % sizeof(r[0]) > 0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_fields),
		cmocka_unit_test(how_the_owner_is_told),
		cmocka_unit_test(absent_is_not_zero),
		cmocka_unit_test(ipv6_and_mapped),
		cmocka_unit_test(hostile_names),
		cmocka_unit_test(nonsense),
		cmocka_unit_test(every_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
