"""Fuzzes all targets for some minutes: ``python -m fuzz --minutes 5`` (docs: fuzzing)."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from fuzz.targets import NAMES

ROOT = Path(__file__).parents[1]
LOADING = 600
"""Seconds that a target may need besides, to load its seeds."""


def main():
    """Share the time among the targets; exit with 1 if something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--place", type=Path, default=ROOT / "build/fuzz")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=" ".join(NAMES))
    chosen = parser.parse_args()
    if unknown := set(chosen.targets) - set(NAMES):
        parser.error(f"no target {sorted(unknown)}; there are {' '.join(NAMES)}")
    targets = chosen.targets or NAMES
    seconds = max(1, int(chosen.minutes * 60 / len(targets)))
    found = [one for name in targets for one in fuzz(name, seconds, chosen.place.absolute())]
    print(f"fuzz: {len(found)} new findings" + "".join(f"\n  {path}" for path in found))
    return 1 if found else 0


def fuzz(name, seconds, place):
    """Fuzz one target; return the paths of inputs that show something new."""
    began, executed, found, guided = time.monotonic(), 0, [], False
    there = set((place / name / "found").glob("*"))
    while (left := int(began + seconds - time.monotonic())) > 0:
        done = _run(name, left, place)
        executed += sum(map(int, re.findall(r"number_of_executed_units: (\d+)", done.stderr)))
        told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        guided = guided or any(one.get("guided") for one in told)
        for one in told:
            if "new" in one:
                found.append(one["new"])
                print(f"{name}: NEW {one['what']}\n  {one['new']}", flush=True)
        killed = _of_libfuzzer(place / name / "found", there | {Path(one) for one in found})
        for path in killed:
            found.append(str(path))
            print(f"{name}: NEW the process was ended\n  {path}", flush=True)
        if done.returncode and not killed:
            print(done.stderr[-3000:], file=sys.stderr)
            found.append(f"{name}: ended with {done.returncode}, no input kept")
            break
    way = "guided by coverage" if guided else "AT RANDOM, NOT guided by coverage (no atheris here)"
    print(f"{name}: {executed} inputs in {time.monotonic() - began:.0f} s, {way}", flush=True)
    return found


def _of_libfuzzer(folder, known):
    """Return the inputs that libFuzzer wrote down before it ended the process."""
    made = {path for kind in ("crash", "timeout", "oom") for path in folder.glob(f"{kind}-*")}
    return sorted(made - known)


def _run(name, seconds, place):
    paths = [ROOT / "reference", ROOT, ROOT / "reference/tests", os.environ.get("PYTHONPATH", "")]
    return subprocess.run(
        [sys.executable, "-m", "fuzz.worker", name, "--seconds", str(seconds), "--place", place],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)).rstrip(os.pathsep)},
        capture_output=True,
        check=False,
        cwd=ROOT,
        encoding="utf-8",
        errors="replace",
        timeout=seconds + LOADING + 120,
    )


if __name__ == "__main__":
    sys.exit(main())
