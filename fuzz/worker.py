"""Fuzzes one target in a process of its own: with atheris if it is here, else at random.

What is found is written down and left out from then on, so that the rest of the time is for what
is not known yet.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import random
import resource
import sys
import time
import traceback
from pathlib import Path

from fuzz import LONGEST
from fuzz.limits import Hang, in_time

GROWTH = 192 << 10
"""KiB that a process may grow by while it tries one input."""

ADDRESSES = 3 << 30
"""Bytes of address space that all may take: what asks for more at once gets a ``MemoryError``."""


class GrownError(Exception):
    """An input took more memory than it may."""


class Watch:
    """Tries inputs; each kind of failure is kept once.

    Attributes:
        tried: How many inputs were tried.
        found: Failures that were not known before.
    """

    def __init__(self, target, folder):
        self.tried = 0
        self.found = 0
        self._target = target
        self._folder = folder
        self._known = {path.stem for path in folder.glob("*.txt")}
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, data):
        self.tried += 1
        before = _most_memory()
        try:
            with in_time():
                self._target.one(data)
            if (grown := _most_memory() - before) > GROWTH:
                raise GrownError(f"{grown >> 10} MiB for an input of {len(data)} bytes")
        except (Exception, Hang) as error:  # noqa: BLE001 - that is what it is for
            self._keep(data, error)

    def _keep(self, data, error):
        name = signature(error)
        if name in self._known:
            return
        self._known.add(name)
        self.found += 1
        (self._folder / f"{name}.bin").write_bytes(data)
        (self._folder / f"{name}.txt").write_text("".join(traceback.format_exception(error)))
        print(
            json.dumps({"new": str(self._folder / f"{name}.bin"), "what": shown(error)}), flush=True
        )


def _most_memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def signature(error):
    """Return a name for a failure: what it is and where it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    mine = [frame for frame in frames if "/darimage/" in frame.filename]
    # Where a hang is noticed says little: it is named by the way there.
    deep = mine[:4] if isinstance(error, Hang | MemoryError | RecursionError) else mine[-1:]
    if isinstance(error, AssertionError):
        deep = [*deep, frames[-1]]
    way = "".join(f"{Path(frame.filename).name}:{frame.name}:{frame.line}\n" for frame in deep)
    digest = hashlib.sha256(f"{type(error).__name__}\n{way}".encode()).hexdigest()
    return f"{type(error).__name__}-{digest[:12]}"


def shown(error):
    """Return a failure in a line."""
    return f"{type(error).__name__}: {str(error)[:300]}"


def limit_memory():
    """Let this process grow no further than it may."""
    with open("/proc/self/statm", "rb") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + ADDRESSES, now + ADDRESSES))


def write_seeds(target, folder):
    """Write the seeds of a target as files."""
    folder.mkdir(parents=True, exist_ok=True)
    for data in target.seeds():
        path = folder / hashlib.sha256(data).hexdigest()[:16]
        if not path.exists():
            path.write_bytes(data)


def guided(atheris, target, watch, place, seconds):
    """Fuzz with atheris, guided by coverage; does not return."""
    mutate = getattr(target, "mutate", None)
    options = {}
    if mutate is not None:
        options["custom_mutator"] = lambda data, most, seed: mutate(
            data, most, seed, atheris.Mutate
        )
    arguments = [
        sys.argv[0],
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        f"-artifact_prefix={place / 'found'}/",
        "-timeout=60",
        "-rss_limit_mb=3000",
        "-print_final_stats=1",
        "-verbosity=0",
        str(place / "corpus"),
        str(place / "seeds"),
    ]
    (place / "corpus").mkdir(exist_ok=True)
    atheris.Setup(arguments, watch, **options)
    limit_memory()
    atheris.Fuzz()


def at_random(target, watch, place, seconds):
    """Fuzz without any guidance: change seeds at random until the time is over."""
    inputs = [path.read_bytes() for path in sorted((place / "seeds").iterdir())]
    mutate = getattr(target, "mutate", None) or random_bytes
    end = time.monotonic() + seconds
    limit_memory()
    for data in inputs:
        watch(data)
    while time.monotonic() < end:
        watch(mutate(random.choice(inputs), LONGEST, random.getrandbits(32)))


def random_bytes(data, longest, seed):
    dice = random.Random(seed)
    changed = bytearray(data or b"\0")
    for _ in range(dice.choice([1, 1, 2, 4, 8])):
        at = dice.randrange(len(changed))
        match dice.randrange(4):
            case 0:
                changed[at] = dice.randrange(256)
            case 1:
                changed[at] ^= 1 << dice.randrange(8)
            case 2:
                changed[at:at] = dice.randbytes(dice.randrange(1, 9))
            case _ if len(changed) > 8:
                del changed[at : at + dice.randrange(1, 9)]
    return bytes(changed[:longest])


def load(name, atheris=None):
    """Return a target; with atheris, the package is made to tell what of it is run."""
    if atheris is None:
        return importlib.import_module(f"fuzz.targets.{name}")
    with atheris.instrument_imports(include=["darimage"]):
        return importlib.import_module(f"fuzz.targets.{name}")


def main():
    """Fuzz a target, or try one input."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--place", type=Path, default=Path("build/fuzz"))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--try", dest="input", type=Path, help="try this input alone")
    chosen = parser.parse_args()
    if chosen.input is not None:
        load(chosen.target).one(chosen.input.read_bytes())
        print("nothing wrong")
        return
    try:
        import atheris
    except ModuleNotFoundError:
        atheris = None
    place = chosen.place.absolute() / chosen.target
    target = load(chosen.target, atheris)
    write_seeds(target, place / "seeds")
    watch = Watch(target, place / "found")
    print(json.dumps({"guided": atheris is not None}), flush=True)
    if atheris is not None:
        guided(atheris, target, watch, place, chosen.seconds)
    else:
        at_random(target, watch, place, chosen.seconds)
        print(f"stat::number_of_executed_units: {watch.tried}", file=sys.stderr)


if __name__ == "__main__":
    main()
