"""The plain reader and writer as a program that the conformance suite can ask.

``python -m darimage.plain [--without ID]... decode|validate|restore|encode ARGUMENT...``
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import traceback
import uuid
from pathlib import Path

from darimage.plain import disk
from darimage.plain.chain import Chain
from darimage.plain.faults import RECORD, Faults, Refused
from darimage.plain.inventory import Image
from darimage.plain.restoring import Restorer
from darimage.plain.rules import Rules
from darimage.plain.switches import breaking_of, reader_off
from darimage.plain.volumes import open_files
from darimage.plain.writer import Options, encode

DONE, REFUSED, UNSUPPORTED, WITH_FAULTS, CRASHED = 0, 1, 3, 4, 134
"""Exit codes of the suite's protocol (DARI-FLT-003)."""


def _say(line: object) -> None:
    sys.stderr.write(f"{line}\n")


def read(path: str, rules: Rules) -> Image:
    """Return an image by the name of its first file.

    Raises:
        Refused: It is refused.
    """
    faults = Faults()
    try:
        return Image(open_files(Path(path), faults, rules), rules, faults)
    except OSError as error:
        raise Refused("no-dump", str(error)) from error


def main(words: list[str]) -> int:
    """Do one task and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m darimage.plain", description=__doc__)
    parser.add_argument("--without", action="append", default=[], metavar="ID")
    parser.add_argument("task")
    parser.add_argument("arguments", nargs="*")
    told = parser.parse_args(words)
    rules = Rules(reader_off(told.without))
    task = _TASKS.get(told.task)
    if task is None:
        _say(f"there is no task {told.task}")
        return UNSUPPORTED
    try:
        return task(told.arguments, rules, told.without)
    except Refused as error:
        _say(error)
        return REFUSED


def _decode(arguments: list[str], rules: Rules, _without: list[str]) -> int:
    image = read(arguments[0], rules)
    json.dump(image.as_json(), sys.stdout)
    return DONE if image.is_done else WITH_FAULTS


def _validate(arguments: list[str], rules: Rules, _without: list[str]) -> int:
    image = read(arguments[0], rules)
    for fault in image.faults.as_json():
        _say(json.dumps(fault))
    return REFUSED if image.faults.serious else DONE


def _restore(arguments: list[str], rules: Rules, _without: list[str]) -> int:
    image, selection, dest, *bases = arguments
    images = [read(path, rules) for path in (*bases, image)]
    chain = Chain(images, rules)
    restorer = Restorer(chain, os.fsencode(selection), os.fsencode(dest), rules)
    restorer.run()
    for problem in restorer.problems:
        _say(problem)
    done = all(one.is_done for one in images) and not chain.faults.serious
    return DONE if done and not restorer.problems else WITH_FAULTS


def _encode(arguments: list[str], _rules: Rules, without: list[str]) -> int:
    tree, image, *more = arguments
    if more[1:]:
        _say("levels are made by the writer's options only")
        return UNSUPPORTED
    capacity = int(more[0]) if more else 0
    options = Options(
        date=int(time.time()),
        uuid=uuid.uuid4().bytes,
        filesys=os.fsencode(os.path.abspath(tree)),
        host=os.uname().nodename.encode(),
        volume_records=capacity,
    )
    made = encode(disk.read(os.fsencode(tree)), options, breaking_of(without))
    if not capacity:
        Path(image).write_bytes(made)
    for at in range(0, len(made) if capacity else 0, max(1, capacity) * RECORD):
        volume = Path(f"{image}{at // (capacity * RECORD) + 1:03}")
        volume.write_bytes(made[at : at + capacity * RECORD])
    return DONE


_TASKS = {"decode": _decode, "validate": _validate, "restore": _restore, "encode": _encode}


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except Exception:  # noqa: BLE001 - a crash must not look like a refusal
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(CRASHED)
    sys.exit(code)
