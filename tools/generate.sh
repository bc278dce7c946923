#!/usr/bin/env bash
# Regenerates the codecs from ksy/. Needs Node.js and npm; nobody needs them to use or test the package.
set -euo pipefail
cd "$(dirname "$0")"
command -v node >/dev/null && command -v npm >/dev/null || {
  echo "make generate: needs node and npm (Debian: apt install nodejs npm)" >&2
  exit 2
}
npm ci --silent --no-audit --no-fund
node generate.mjs ../ksy ../reference/darimage/schema
