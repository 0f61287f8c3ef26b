# What ./run and ./check share: packages, configuring, building. Sourced by them, with $root set.
# shellcheck shell=bash
# Everything here talks on stderr: stdout belongs to the program.

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
# Debian's own python sees Debian's modules; another one may come first on PATH.
python=/usr/bin/python3
[ -x "$python" ] || python=python3

say() {
	printf '%s\n' "$*" >&2
}

# Runs a command with its output kept back; shows it only when the command fails.
quietly() {
	local log rc=0
	log=$(mktemp) || return 1
	"$@" >"$log" 2>&1 </dev/null || rc=$?
	[ "$rc" = 0 ] || cat "$log" >&2
	rm -f "$log"
	return "$rc"
}

# A checkout that belongs to somebody else stays theirs: `sudo ./run` builds as its owner.
as_owner() {
	local owner group
	if [ "$EUID" != 0 ]; then
		"$@"
		return
	fi
	read -r owner group < <(stat -c '%u %g' "$root")
	if [ "$owner" = 0 ]; then
		"$@"
	else
		setpriv --reuid="$owner" --regid="$group" --clear-groups "$@"
	fi
}

python_has() {
	"$python" -c 'import sys, importlib.util as u; sys.exit(not u.find_spec(sys.argv[1]))' \
		"$1" 2>/dev/null
}

# present PROOF: see scripts/packages-build.
present() {
	case $1 in
	cmd:*) type -P "${1#cmd:}" >/dev/null ;;
	pc:*) pkg-config --exists "${1#pc:}" 2>/dev/null ;;
	py:*) python_has "${1#py:}" ;;
	file:*) compgen -G "${1#file:}" >/dev/null ;;
	esac
}

# find_missing FILE…: sets packages and reasons to what those lists name and nobody provides.
find_missing() {
	local package proof why
	packages=() reasons=()
	while read -r package proof why; do
		case $package in '' | '#'*) continue ;; esac
		present "$proof" && continue
		packages+=("$package")
		reasons+=("$(printf '  %-19s %s' "$package" "$why")")
	done < <(cat "$@")
}

apt_install() {
	local sudo=()
	[ "$EUID" = 0 ] || sudo=(sudo)
	quietly "${sudo[@]}" apt-get -q -o DPkg::Lock::Timeout=120 update || return 1
	quietly "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		-o DPkg::Lock::Timeout=120 --no-install-recommends install "${packages[@]}"
}

# need_packages LIST…: installs what is missing, or says so and ends with 69.
need_packages() {
	local lists=("${@/#/$root/scripts/packages-}")
	find_missing "${lists[@]}"
	[ ${#packages[@]} = 0 ] && return
	say 'konn needs these packages:'
	printf '%s\n' "${reasons[@]}" >&2
	if ! type -P apt-get >/dev/null; then
		say 'Install them (the names are those of Debian 12) and start this again.'
		exit 69
	fi
	if [ "$EUID" != 0 ] && ! type -P sudo >/dev/null; then
		say "As root: apt-get install --no-install-recommends ${packages[*]}"
		exit 69
	fi
	say 'Installing them with apt-get …'
	apt_install || {
		say 'apt-get failed; its output is above.'
		exit 69
	}
	hash -r
	find_missing "${lists[@]}"
	[ ${#packages[@]} = 0 ] && return
	say "Installed, and yet not to be seen: ${packages[*]}"
	exit 69
}

# configure DIR [MESON OPTION…]: makes DIR ready for ninja, once. A copied tree carries a build
# folder of another place, which meson cannot use.
configure() {
	local dir=$root/$1
	shift
	if [ -e "$dir/build.ninja" ] && [ "$(cat "$dir/.source" 2>&1)" = "$root" ]; then
		return
	fi
	rm -rf "$dir"
	quietly as_owner meson setup "$@" "$dir" "$root" || return 1
	printf '%s\n' "$root" | as_owner tee "$dir/.source" >/dev/null
}

# build DIR [TARGET…]
build() {
	local dir=$root/$1
	shift
	quietly as_owner ninja -C "$dir" --quiet "$@"
}

# One builder at a time: two terminals may start ./run at once. The lock ends with the
# subshell that holds it, so that the program started afterwards does not inherit it.
locked() {
	(
		exec 9<"$root"
		flock 9
		"$@"
	)
}
