#!/bin/sh
# Prints the command of the newest usable Python (3.11 or later, able to make environments).
# Where there is none, says in one line what to install. PYTHON=... names one yourself.
set -u

wanted='import sys; sys.exit(0 if sys.version_info >= (3, 11) else 1)'
no_venv=

for python in ${PYTHON:-python3.14 python3.13 python3.12 python3.11 python3}; do
    # A pyenv shim may exist for a version that is not active, so ask by running it.
    "$python" -c "$wanted" >/dev/null 2>&1 || continue
    if "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        echo "$python"
        exit 0
    fi
    no_venv=${no_venv:-$python}
done

if [ -n "$no_venv" ]; then
    echo "darimage: $no_venv cannot make environments; run: apt install python3-venv" >&2
else
    echo "darimage: Python 3.11 or later is needed; run: apt install python3 python3-venv" >&2
fi
exit 1
