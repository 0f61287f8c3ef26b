#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "source/cgroup.h"

#define H64  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define G64  "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define POD_ "8f2b4d6a_1c3e_4f50_9a7b_0123456789ab"
#define POD  "8f2b4d6a-1c3e-4f50-9a7b-0123456789ab"

struct line {
	const char *text, *unit;
	int of_user;
	int container;
	const char *id, *pod;
};

/* Paths as their documentation gives them; "" and 0: absent. */
static const struct line lines[] = {
	/* systemd */
	{"0::/system.slice/sshd.service\n", "sshd.service", 0, 0, "", ""},
	{"0::/system.slice/system-getty.slice/getty@tty1.service\n",
		"getty@tty1.service", 0, 0, "", ""},
	{"0::/user.slice/user-1000.slice/session-3.scope\n", "session-3.scope", 0, 0,
		"", ""},
	{"0::/user.slice/user-1000.slice/user@1000.service/app.slice/"
	 "app-gnome-firefox-4242.scope\n",
		"app-gnome-firefox-4242.scope", 1, 0, "", ""},
	{"0::/user.slice/user-1000.slice/user@1000.service/init.scope\n", "init.scope",
		1, 0, "", ""},
	{"0::/user.slice/user-1000.slice/user@1000.service\n", "user@1000.service", 0,
		0, "", ""},
	{"0::/init.scope\n", "init.scope", 0, 0, "", ""},
	{"0::/system.slice/web.service/worker-1\n", "web.service", 0, 0, "", ""},
	{"0::/system.slice/web.service/inner.service\n", "web.service", 0, 0, "", ""},
	{"0::/../../system.slice/cron.service\n", "cron.service", 0, 0, "", ""},
	{"0::/system.slice/old.service (deleted)\n", "old.service", 0, 0, "", ""},
	{"0::/\n", "", 0, 0, "", ""},
	{"0::/system.slice\n", "", 0, 0, "", ""},
	{"0::/.service\n", "", 0, 0, "", ""},
	/* v1, and v1 beside v2 */
	{"12:pids:/system.slice/a.service\n1:name=systemd:/system.slice/b.service\n",
		"b.service", 0, 0, "", ""},
	{"4:memory:/\n1:name=systemd:/system.slice/b.service\n0::/\n", "b.service", 0,
		0, "", ""},
	{"1:name=systemd:/system.slice/b.service\n0::/system.slice/b.service\n",
		"b.service", 0, 0, "", ""},
	{"9:cpu,cpuacct:/docker/" H64 "\n1:name=systemd:/docker/" H64
	 "\n0::/system.slice/containerd.service\n",
		"", 0, CONTAINER_docker, H64, ""},
	/* docker */
	{"0::/system.slice/docker-" H64 ".scope\n", "docker-" H64 ".scope", 0,
		CONTAINER_docker, H64, ""},
	{"0::/docker/" H64 "\n", "", 0, CONTAINER_docker, H64, ""},
	{"0::/docker/" H64 "/docker/" G64 "\n", "", 0, CONTAINER_docker, H64, ""},
	{"0::/mine.slice/docker-" H64 ".scope/init\n", "docker-" H64 ".scope", 0,
		CONTAINER_docker, H64, ""},
	{"0::/system.slice/docker.service\n", "docker.service", 0, 0, "", ""},
	{"0::/system.slice/docker-storage.scope\n", "docker-storage.scope", 0, 0, "",
		""},
	{"0::/docker/buildkit\n", "", 0, 0, "", ""},
	/* podman */
	{"0::/machine.slice/libpod-" H64 ".scope/container\n", "libpod-" H64 ".scope",
		0, CONTAINER_podman, H64, ""},
	{"0::/machine.slice/libpod-conmon-" H64 ".scope\n",
		"libpod-conmon-" H64 ".scope", 0, 0, "", ""},
	{"0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" H64
	 ".scope/container\n",
		"libpod-" H64 ".scope", 1, CONTAINER_podman, H64, ""},
	{"0::/libpod_parent/libpod-" H64 "\n", "", 0, CONTAINER_podman, H64, ""},
	/* Kubernetes */
	{"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" POD_
	 ".slice/cri-containerd-" H64 ".scope\n",
		"cri-containerd-" H64 ".scope", 0, CONTAINER_containerd, H64, POD},
	{"0::/kubepods.slice/kubepods-pod" POD_ ".slice/crio-" H64 ".scope\n",
		"crio-" H64 ".scope", 0, CONTAINER_crio, H64, POD},
	{"0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" POD_
	 ".slice/crio-conmon-" H64 ".scope\n",
		"crio-conmon-" H64 ".scope", 0, 0, "", POD},
	{"11:pids:/kubepods/burstable/pod" POD "/" H64 "\n", "", 0,
		CONTAINER_kubernetes, H64, POD},
	{"11:pids:/kubepods/pod" POD "/" H64 "\n", "", 0, CONTAINER_kubernetes, H64,
		POD},
	{"0::/system.slice/containerd.service/kubepods-besteffort-pod" POD_
	 ".slice:cri-containerd:" H64 "\n",
		"containerd.service", 0, CONTAINER_containerd, H64, POD},
	{"0::/docker/" G64
	 "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" POD_
	 ".slice/cri-containerd-" H64 ".scope\n",
		"", 0, CONTAINER_containerd, H64, POD},
	{"0::/kubepods/pod1234/" H64 "\n", "", 0, CONTAINER_unknown, H64, ""},
	/* others */
	{"0::/lxc.payload.web/system.slice/nginx.service\n", "", 0, CONTAINER_lxc,
		"web", ""},
	{"0::/lxc.monitor.web\n", "", 0, 0, "", ""},
	{"9:pids:/lxc/web\n", "", 0, CONTAINER_lxc, "web", ""},
	{"0::/lxc.payload/web\n", "", 0, CONTAINER_lxc, "web", ""},
	{"0::/machine.slice/machine-my\\x2dbox.scope/payload\n",
		"machine-my\\x5cx2dbox.scope", 0, CONTAINER_nspawn, "my-box", ""},
	{"0::/machine.slice/systemd-nspawn@box.service/payload\n",
		"systemd-nspawn@box.service", 0, CONTAINER_nspawn, "box", ""},
	{"0::/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator\n",
		"machine-qemu\\x5cx2d1\\x5cx2dvm.scope", 0, CONTAINER_libvirt, "1-vm",
		""},
	{"0::/system.slice/nerdctl-" H64 ".scope\n", "nerdctl-" H64 ".scope", 0,
		CONTAINER_containerd, H64, ""},
	{"0::/ecs/" H64 "\n", "", 0, CONTAINER_unknown, H64, ""},
	/* hostile */
	{"0::/system.slice/a\033[2Jb.service\n", "a\\x1b[2Jb.service", 0, 0, "", ""},
	{"0::/lxc/\n", "", 0, 0, "", ""},
	{"0::", "", 0, 0, "", ""},
	{"0:", "", 0, 0, "", ""},
	{"::::\n\n\n:", "", 0, 0, "", ""},
	{"", "", 0, 0, "", ""},
};

static void test_paths(void **state)
{
	struct buf scratch = {0}, got = {0}, expected = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const struct line *l = &lines[i];
		struct cgroup_fact fact;

		cgroup_parse(l->text, strlen(l->text), &scratch, &fact);
		buf_reset(&got);
		buf_reset(&expected);
		buf_fmt(&got, "%s %s %d %d %s %s", l->text, fact.unit,
			fact.unit_of_user, fact.container, fact.id, fact.pod);
		buf_fmt(&expected, "%s %s %d %d %s %s", l->text, l->unit, l->of_user,
			l->container, l->id, l->pod);
		assert_string_equal(buf_cstr(&got), buf_cstr(&expected));
	}
	buf_done(&got);
	buf_done(&expected);
	buf_done(&scratch);
}

/* Each beginning of each text, in memory of exactly that size. */
static void test_cut(void **state)
{
	struct buf scratch = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		for (size_t len = 0; len <= strlen(lines[i].text); len++) {
			struct cgroup_fact fact;
			char *copy = malloc(len ? len : 1);

			assert_non_null(copy);
			memcpy(copy, lines[i].text, len);
			cgroup_parse(copy, len, &scratch, &fact);
			assert_true(fact.container < CONTAINER_COUNT);
			assert_int_equal(fact.container == CONTAINER_NONE, !fact.id[0]);
			free(copy);
		}
	}
	buf_done(&scratch);
}

static void test_long(void **state)
{
	struct buf scratch = {0}, text = {0};
	struct cgroup_fact fact;

	(void)state;
	buf_str(&text, "0::/lxc.payload.");
	buf_fill(&text, '\x01', 1000);
	buf_str(&text, "/");
	buf_fill(&text, 'a', 1000);
	buf_str(&text, ".service\n");
	cgroup_parse(text.data, text.len, &scratch, &fact);
	assert_int_equal(fact.container, CONTAINER_lxc);
	assert_int_equal(strlen(fact.id) % 4, 0); /* whole \x01 only */
	assert_true(strlen(fact.id) > sizeof(fact.id) - 5);
	buf_done(&text);
	buf_done(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
