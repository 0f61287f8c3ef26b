#!/usr/bin/env bash
# An empty Debian 12 is enough: makes one in a scratch folder, clones the project into it and
# starts ./run and ./check there as root, with no git, sudo or compiler to begin with.
# usage: fresh_root.sh [--run-only] [CAPTURE]; 77 where it cannot be tried.
set -eu
root=$(dirname "$(dirname "$(readlink -f "$0")")")
check=yes
if [ "${1-}" = --run-only ]; then
	check=no
	shift
fi
capture=${1-}

skip() {
	echo "$*"
	exit 77
}
[ "${KONN_CHECK-all}" = all ] || skip 'only by hand and in ./check --all'
[ "$(id -u)" = 0 ] || skip 'not root'
for tool in mmdebstrap git gcc; do
	type -P "$tool" >/dev/null || skip "no $tool"
done

scratch=$(mktemp -d "${TMPDIR:-/tmp}/konn-fresh.XXXXXX")
debian=$scratch/root
# A mount namespace with the new root as its own: nothing is mounted on this machine, and,
# unlike in a chroot, what runs inside may make namespaces itself.
inside() {
	unshare --mount --propagation private sh -eu -c '
		cd "$1"
		shift
		mount --bind . .
		cd "$PWD"
		mount -t proc proc proc
		mount --rbind /sys sys
		mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
		pivot_root . mnt
		umount -l mnt
		exec /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
			TERM=xterm-256color LANG=C.UTF-8 "$@"
	' sh "$debian" ${http_proxy+http_proxy="$http_proxy"} \
		${https_proxy+https_proxy="$https_proxy"} "$@"
}
trap 'rm -rf --one-file-system "$scratch"' EXIT

mmdebstrap --quiet --variant=minbase bookworm "$debian"
mkdir -p "$debian/dev/net"
mknod -m 666 "$debian/dev/net/tun" c 10 200
ln -sf pts/ptmx "$debian/dev/ptmx"
cp /etc/resolv.conf "$debian/etc/resolv.conf" 2>/dev/null || true
git clone -q "$root" "$debian/srv/konn"
if [ -z "$capture" ]; then
	gcc -O2 -D_GNU_SOURCE "$root"/bench/{gen_capture,talk,wire}.c -o "$scratch/gen"
	"$scratch/gen" --connections 20 --at-once 5 --packets 1000 "$scratch/capture.pcap"
	capture=$scratch/capture.pcap
fi
cp "$capture" "$debian/srv/capture"

# From another folder, and with stdout apart: it must hold nothing but JSON Lines.
inside /srv/konn/run list -r /srv/capture -j >"$scratch/out"
if grep -qv '^{.*}$' "$scratch/out" || ! tail -n 1 "$scratch/out" | grep -q '"summary"'; then
	echo 'stdout holds something else than JSON Lines:'
	head -n 5 "$scratch/out"
	exit 1
fi
wc -l <"$scratch/out" | sed 's/$/ lines from .\/run list/'
time -p inside /srv/konn/run --version
[ "$check" = no ] || inside /srv/konn/check
