#!/usr/bin/env bash
# What the GitHub Action (action.yml) does once the program is installed. Its inputs come as
# variables of the environment, never as text of a script.
set -euo pipefail
shopt -s nullglob globstar
: "${PYTHON:?}" "${GITHUB_OUTPUT:=/dev/null}" "${GITHUB_STEP_SUMMARY:=/dev/null}"

matching() { # glob: fills matches
    local IFS= # a blank within a name does not end it
    # shellcheck disable=SC2206
    matches=($1)
}

summarise() { # text: its last line says it in one
    if [[ -n $1 ]]; then
        echo "${1##*$'\n'}" >>"$GITHUB_STEP_SUMMARY"
    fi
}

finish() { # exit code
    echo "exit-code=$1" >>"$GITHUB_OUTPUT"
    exit "$1"
}

if [[ -z ${IMAGES:-} && -z ${TESTEE:-} ]]; then
    echo "darimage: name images or a testee" >&2
    finish 2
fi

code=0
output=${OUTPUT:-conformance-results}
images=()
while IFS= read -r glob; do
    [[ -n $glob ]] || continue
    matching "$glob"
    # Without a wildcard the word stays as it is, whether there is such a file or not.
    if ((${#matches[@]} == 0)); then
        echo "darimage: $glob matches no file" >&2
        finish 2
    fi
    images+=("${matches[@]}")
done <<<"${IMAGES:-}"

if ((${#images[@]})); then
    mkdir -p "$output"
    told=$("$PYTHON" -m darimage validate -o "$output/images.sarif" -o "$output/images.html" \
        -- "${images[@]}") || code=$?
    echo "$told"
    summarise "$told"
fi

if [[ -n ${TESTEE:-} ]]; then
    mkdir -p "$output"
    words=(--report "$output/report.json" --junit "$output/junit.xml" --html "$output/report.html")
    [[ -n ${KNOWN_FAILURES:-} ]] && words+=(--known-failures "$KNOWN_FAILURES")
    read -ra more <<<"${ARGUMENTS:-}" || true
    one=0
    told=$("$PYTHON" -m darimage conformance run "${words[@]}" "${more[@]}" "$TESTEE") || one=$?
    echo "$told"
    summarise "$told"
    conclusion=not-tested
    if ((one != 2 && one != 5)) && [[ -f $output/report.json ]]; then
        conclusion=$("$PYTHON" -c 'import json, sys; print(json.load(open(sys.argv[1]))["conclusion"])' \
            "$output/report.json")
    fi
    echo "conclusion=$conclusion" >>"$GITHUB_OUTPUT"
    ((one > code)) && code=$one
fi
finish "$code"
