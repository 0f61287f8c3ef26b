/* owners_bpf_cgroup — the root of the cgroup2 hierarchy, for programs attached there.
 */
#ifndef KONN_SOURCE_OWNERS_BPF_CGROUP_H
#define KONN_SOURCE_OWNERS_BPF_CGROUP_H

/*
 * A descriptor (owned), or -errno: -ENOENT, the kernel has no cgroup2. Looks at the
 * mounts first; where they hide it (`ip netns exec` does) it makes one that nobody else
 * sees, which needs CAP_SYS_ADMIN.
 */
int owners_bpf_cgroup(void);

#endif
