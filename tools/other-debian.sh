#!/usr/bin/env bash
# other-debian.sh SUITE [all]: as root, runs `make demo` and tests on another Debian, such as trixie,
# in a chroot: the tests of what depends on the system (its Python, its old programs, attributes,
# owners, the command line); with `all`, every test. The chroot is made once, by debootstrap, and
# kept in ${XDG_CACHE_HOME:-~/.cache}/darimage/debian-SUITE; remove it to get the suite's newest.
# Where it cannot be made that is said and the exit code is 0: nothing was found to be wrong.
set -euo pipefail
cd "$(dirname "$0")/.."

suite=${1:-}
if [[ ! $suite =~ ^[a-z0-9.-]+$ ]] || (($# > 2)) || [[ ${2:-all} != all ]]; then
    echo "usage: other-debian.sh SUITE [all]" >&2
    exit 2
fi
root=${XDG_CACHE_HOME:-$HOME/.cache}/darimage/debian-$suite
packages=acl,attr,ca-certificates,dump,e2fsprogs,make,mount,python3,python3-venv,tar

skip() {
    echo "other-debian: nothing was tested on $suite: $*"
    exit 0
}

((EUID == 0)) || skip "a chroot needs root"
unshare --mount true 2>/dev/null || skip "this root may not mount"
mkdir -p "$(dirname "$root")"
exec 9>"$root.lock"
flock 9
if [[ ! -e $root/made ]]; then
    command -v debootstrap >/dev/null || skip "debootstrap is not installed"
    mirror=$(sed -nE -e 's/^URIs:[[:space:]]*([^[:space:]]+).*/\1/p' \
        -e 's/^deb[[:space:]]+(\[[^]]*\][[:space:]]+)?([^[:space:]]+).*/\2/p' \
        /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources \
        2>/dev/null | grep -E '/debian/?$' | head -n 1) || true
    [[ $mirror ]] || skip "apt has no mirror of Debian"
    rm -rf "$root"
    echo "other-debian: making $root"
    timeout 900 debootstrap --variant=minbase --include="$packages" "$suite" "$root" "$mirror" \
        >"$root.log" 2>&1 || skip "debootstrap failed, see $root.log: $(tail -n 1 "$root.log")"
    # dump looks for mounted file systems there.
    ln -sf /proc/self/mounts "$root/etc/mtab"
    touch "$root/made"
fi

# The way to the package index is the machine's: its names, its certificates, its settings.
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
certificates=/etc/ssl/certs/ca-certificates.crt
[[ ! -e $certificates ]] || cp -L "$certificates" "$root$certificates"
kept=(PIP_CERT="$certificates")
while IFS= read -r name; do
    kept+=("$name=${!name}")
done < <(compgen -e | grep -iE '^(CI|PIP_INDEX_URL|PIP_DEFAULT_TIMEOUT|.*_proxy)$')

rm -rf "$root/root/darimage"
mkdir "$root/root/darimage"
tar -c --exclude=./.venv --exclude=./.git --exclude=./build --exclude=__pycache__ . |
    tar -x -C "$root/root/darimage"

chosen=
if [[ ${2:-} != all ]]; then
    chosen="-m 'not slow and not hypothesis'"
    for name in ahead catalog chain_dump cli legacy_dump legacy_restore posix_source restore_attributes \
        restore_foreign restore_run restore_target stream_judges support_compare wheel; do
        chosen+=" reference/tests/test_$name.py"
    done
fi

# Mounts of a name space of its own vanish with it, however this ends.
# shellcheck disable=SC2016
unshare --mount -- sh -eu -c '
    mount --make-rprivate /
    root=$1; shift
    mount --rbind /dev "$root/dev"
    mount --rbind /sys "$root/sys"
    mount -t proc proc "$root/proc"
    mount -t tmpfs tmpfs "$root/dev/shm"
    mount -t tmpfs tmpfs "$root/tmp"
    exec chroot "$root" "$@"
' sh "$root" env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin "${kept[@]}" \
    sh -c 'cd ~/darimage && . /etc/os-release && echo "$PRETTY_NAME, $(python3 --version)" &&
        make demo && make test PYTEST_ARGS="-n auto --dist loadgroup $1"' sh "$chosen"
