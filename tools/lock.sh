#!/bin/sh
# Resolves pyproject.toml into requirements/*.txt: exact versions, with hashes, for every Python
# and platform at once, in the format plain pip reads.
# Usage: tools/lock.sh ENVIRONMENT UV_VERSION [--upgrade]
set -eu

environment=$1
uv_version=$2
shift 2

if [ ! -x "$environment/bin/uv" ]; then
    "$(tools/find-python.sh)" -m venv --clear "$environment"
    "$environment/bin/python" -m pip --quiet install "uv==$uv_version"
fi

# --fork-strategy fewest: one version of a package for all Pythons wherever there is one.
resolve() {
    "$environment/bin/uv" pip compile --quiet --universal --python-version 3.11 \
        --fork-strategy fewest --generate-hashes --no-emit-index-url --no-emit-find-links \
        --no-annotate --custom-compile-command "make lock" "$@"
}

resolve "$@" --group build --output-file requirements/runtime.txt pyproject.toml
# What the GitHub Action installs: the vectors are in YAML.
resolve "$@" --group build --extra conformance --constraints requirements/runtime.txt \
    --output-file requirements/conformance.txt pyproject.toml
resolve "$@" --group dev --constraints requirements/runtime.txt \
    --output-file requirements/dev.txt pyproject.toml
resolve "$@" --group fuzz --constraints requirements/dev.txt --only-binary atheris \
    --output-file requirements/fuzz.txt pyproject.toml
