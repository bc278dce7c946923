#!/usr/bin/env bash
# as-user.sh TARGET...: as root, runs `make TARGET...` as an ordinary user, who gets a home and a copy
# of this tree of its own; both are gone afterwards. Not as root it says so and does nothing: there
# `make` itself is run by such a user. With STRICT=1 what else differs from one user to the next differs
# there too: few descriptors, a strict umask, no locale, and a time zone half an hour off.
set -euo pipefail
cd "$(dirname "$0")/.."

if ((EUID != 0)); then
    echo "as-user: nothing to do: you are no root"
    exit 0
fi

# Short, as the path of a socket may not be long and pytest puts this into it.
user=dari-user
home=$(mktemp -d /var/tmp/darimage-user.XXXXXX)
trap 'rm -rf "$home" "/tmp/pytest-of-$user"; userdel "$user" 2>/dev/null || true' EXIT
id "$user" >/dev/null 2>&1 || useradd --no-create-home --home-dir "$home" "$user"
mkdir "$home/darimage"
tar -c --exclude=./.venv --exclude=./.git --exclude=./build --exclude=__pycache__ . |
    tar -x -C "$home/darimage"
# What the tests judge with need not be fetched again.
caches=${XDG_CACHE_HOME:-$HOME/.cache}
mkdir -p "$home/.cache/darimage"
for folder in "$caches"/darimage/dump-*/; do
    [[ ! -d $folder ]] || cp -r "$folder" "$home/.cache/darimage"
done
chown -R "$user:$user" "$home"

# Nothing of root's environment but what pip needs to reach its index.
kept=()
while IFS= read -r name; do
    kept+=("$name=${!name}")
done < <(compgen -e | grep -iE '^(CI|FUZZ_TIMES|PIP_.*|.*_proxy|SSL_CERT_.*|REQUESTS_CA_BUNDLE)$')

limits='export LANG=C.UTF-8;'
[[ -z ${STRICT:-} ]] || limits='export LC_ALL=C TZ=Asia/Kolkata; umask 077; ulimit -n 256;'

cd "$home/darimage"
setpriv --reuid "$user" --regid "$user" --init-groups -- \
    env -i HOME="$home" USER="$user" PATH=/usr/local/bin:/usr/bin:/bin "${kept[@]}" \
    bash -c "$limits"' exec make "$@"' bash "$@"
