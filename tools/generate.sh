#!/usr/bin/env bash
# Regenerates the codecs from ksy/, the dtypes from the codecs, and the registry of requirements from
# spec/. Needs Node.js and npm, and the python of the environment first in PATH; nobody needs Node to
# use or test the package, nor for the registry: `python tools/derive_requirements.py` makes it alone.
set -euo pipefail
cd "$(dirname "$0")"
command -v node >/dev/null && command -v npm >/dev/null || {
  echo "make generate: needs node and npm (Debian: apt install nodejs npm)" >&2
  exit 2
}
npm ci --silent --no-audit --no-fund
node generate.mjs ../ksy ../reference/darimage/schema
python derive_dtypes.py
python derive_requirements.py
