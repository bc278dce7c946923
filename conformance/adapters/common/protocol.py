"""Both levels of the runner's protocol for adapters written in Python (docs/conformance/protocol).

An adapter gives ``main`` a function for each task. Called with arguments it does one task (level
0); called with ``--session`` it answers lines of JSON (level 1). A function ends well, or raises
one of the exceptions below; any other exception is a crash of the implementation and is shown as
one.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any

PROTOCOL = 1
REJECTED, USAGE, UNSUPPORTED, FAULTY, SKIPPED, CRASHED = 1, 2, 3, 4, 77, 134


class Answer(Exception):  # noqa: N818 - not an error, but the end of a task
    """A task that ends without a result."""

    code = REJECTED


class Rejected(Answer):
    """The image is refused."""


class WithFaults(Answer):
    """The task was done as far as it could be, and something is wrong.

    Attributes:
        made: What it returns otherwise: for ``decode`` the inventory.
    """

    code = FAULTY

    def __init__(self, message: str, made: Any = None) -> None:
        super().__init__(message)
        self.made = made


class Unsupported(Answer):
    """The implementation lacks what the image needs, and knows that it does."""

    code = UNSUPPORTED


class Skipped(Answer):
    """The task cannot be done here, which is not the implementation's fault."""

    code = SKIPPED


def main(about: Mapping[str, Any], tasks: Mapping[str, Callable[..., Any]]) -> None:
    """Answer the runner.

    Args:
        about: ``implementation``, ``features``, ``fields`` as the answer to ``start`` has them.
        tasks: By name: ``decode(image)`` returns an inventory, ``validate(image, level)`` nothing,
            ``restore(image, selection, destination, *bases)`` and ``encode(tree, image, records,
            *bases)`` likewise. Images are named by their first volume; ``level`` is ``MUST``, or
            may not be there, or ``SHOULD``; ``records`` are those of a volume, or ``0``.
    """
    words = [os.fsencode(word) for word in sys.argv[1:]]
    try:
        if words == [b"--session"]:
            _session(about, tasks)
        else:
            sys.exit(_command(tasks, words))
    except Exception:  # noqa: BLE001 - a crash must not look like a refusal
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(CRASHED)


def _command(tasks: Mapping[str, Callable[..., Any]], words: list[bytes]) -> int:
    name = os.fsdecode(words[0]) if words else ""
    if name not in tasks:
        print(f"no task {name!r}; there are {', '.join(tasks)}", file=sys.stderr)
        return UNSUPPORTED if words else USAGE
    code = 0
    try:
        made = tasks[name](*words[1:])
    except WithFaults as answer:
        print(answer, file=sys.stderr)
        made, code = answer.made, answer.code
    except Answer as answer:
        print(answer, file=sys.stderr)
        return answer.code
    if made is not None:
        sys.stdout.write(json.dumps(made))
    return code


def _session(about: Mapping[str, Any], tasks: Mapping[str, Callable[..., Any]]) -> None:
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        if asked["cmd"] == "stop":
            return
        if asked["cmd"] == "start":
            told = {"protocol": PROTOCOL, **about, "tasks": list(tasks)}
        else:
            told = {"seq": asked["seq"], **_answer(tasks, asked)}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


def _answer(tasks: Mapping[str, Callable[..., Any]], asked: Mapping[str, Any]) -> dict[str, Any]:
    if asked["task"] not in tasks:
        return {"unsupported": {"message": f"no task {asked['task']}"}}
    results: dict[str, Any] = {"accepted": True}
    try:
        made = tasks[asked["task"]](*_words(asked["arguments"]))
    except WithFaults as answer:
        made = answer.made
        results |= {"faults": True, "message": str(answer)}
    except Rejected as answer:
        return {"results": {"accepted": False, "message": str(answer)}}
    except Unsupported as answer:
        return {"unsupported": {"message": str(answer)}}
    except Skipped as answer:
        return {"skipped": {"message": str(answer)}}
    return {"results": results if made is None else {**results, "inventory": made}}


def _words(arguments: Mapping[str, Any]) -> list[bytes]:
    """Return the arguments as a command would get them."""
    words = []
    for name in ("tree", "image", "selection", "destination", "level"):
        if name == "selection" and "selection_base64" in arguments:
            words.append(base64.b64decode(arguments["selection_base64"]))
        elif name in arguments:
            words.append(os.fsencode(arguments[name]))
    bases = [os.fsencode(volumes[0]) for volumes in arguments.get("bases", ())]
    if "tree" in arguments and (bases or "records" in arguments):
        words.append(str(arguments.get("records", 0)).encode())
    return words + bases
