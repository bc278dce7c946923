"""A small suite whose images are just bytes: enough for testees that know the answers by heart."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from darimage.conformance import cases, report, suite
from darimage.conformance.limits import Limits
from darimage.conformance.run import Runner, Settings
from darimage.conformance.testee import Claims, Task, Testee

FAKES = Path(__file__).with_name("miniatures.py")

LIMITS = Limits(seconds=1.0, memory=96 << 20, output=4 << 20)

GOOD, BARE, BAD, REFUSED = "DARI-V-0001", "DARI-V-0002", "DARI-V-0003", "DARI-V-0004"
"""Two valid vectors, one invalid of which something is left, one that must be refused."""

WEAK = "DARI-V-0005"
"""Breaks nothing but a SHOULD; `write` adds it if it is asked to."""

NS = 10**9


def file_of(number, *paths, size=5):
    """Return what an inventory tells of a file."""
    return {
        "inode": number,
        "paths": [{"text": path} for path in paths],
        "type": "file",
        "mode": "0644",
        "uid": 0,
        "gid": 0,
        "nlink": len(paths),
        "mtime": str(7 * NS + 123_456_789),
        "size": str(size),
        "sha256": hashlib.sha256(bytes(size)).hexdigest(),
    }


def directory_of(number, path):
    """Return what an inventory tells of a directory."""
    told = {"inode": number, "paths": [{"text": path}], "type": "directory", "mode": "0755"}
    return {**told, "uid": 0, "gid": 0, "nlink": 2, "mtime": str(9 * NS)}


INODES = [
    directory_of(2, ""),
    directory_of(3, "d"),
    file_of(4, "d/one", "two"),
    {**file_of(5, "x"), "paths": [{"base64": "/w=="}]},
]


IMAGE = {"dialect": "dari", "order": "le", "uuid": None, "date": "7", "level": 0}
LEFT = [
    directory_of(2, ""),
    {**file_of(4, "one"), "state": "damaged", "sha256": None},
    {"inode": 5, "paths": [{"text": "two"}], "type": "file", "state": "lost"},
]
FAULTS = [
    {"name": "damaged", "severity": "loss", "requirement": "DARI-REC-029", "inode": 4},
    {"name": "nlink", "severity": "note", "requirement": "DARI-FIL-009"},
]


def write(folder, *, weak=False, complete=True):
    """Write the suite; with one more vector that breaks a SHOULD."""
    vectors = [
        _vector(folder, GOOD, "good/some", True, "accept", INODES),
        _vector(folder, BARE, "good/bare", True, "accept", INODES[:1], ["dari-core", "acl"]),
        _vector(folder, BAD, "bad/any", False, "survive", LEFT, faults=FAULTS),
        _vector(folder, REFUSED, "bad/<refused>", False, "reject", None),
    ]
    if weak:
        told = _vector(folder, WEAK, "bad/unsorted", False, "accept", INODES)
        expect = [{"requirement": "DARI-DIR-009"}, {"requirement": "DARI-REC-019"}]
        levels = {"DARI-DIR-009": "SHOULD NOT", "DARI-REC-019": "SHOULD", "DARI-REC-001": "MUST"}
        vectors.append({**told, "parent": GOOD, "expect": expect, "levels": levels})
    manifest = {"suite": "1", "format": "1.0", "complete": complete, "vectors": vectors}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def _vector(folder, name, title, valid, decode, inodes, features=("dari-core",), faults=()):
    data = f"image {name}".encode()
    (folder / name).write_bytes(data)
    told = {
        "id": name,
        "name": title,
        "title": f"One & only <b>{title}</b>",
        "valid": valid,
        "decode": decode,
        "features": list(features),
        "profiles": ["dari-core"],
        "requirements": ["DARI-REC-001", "DARI-REC-004"],
        "files": [{"path": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}],
    }
    if inodes is not None:
        told["inventory"] = f"{name}.json"
        whole = {"inventory": 1, "image": IMAGE, "inodes": inodes, "faults": list(faults)}
        (folder / f"{name}.json").write_text(json.dumps(whole))
    return told


def fake(name, folder, level=0, **claims):
    """Return a fake as a testee."""
    command = (sys.executable, "-I", "-S", str(FAKES), name, str(folder))
    tasks = (Task.DECODE, Task.VALIDATE)
    told = Claims(name, **{"tasks": tasks, **claims})
    return Testee(level, command + (("--session",) if level else ()), told)


def run(
    testee, folder, only=(), topics=(), jobs=1, limits=LIMITS, known=None, strict=False, keep=None
):
    """Run a testee on a suite and return the report."""
    chosen = suite.load(folder)
    runner = Runner(testee, Settings(limits, jobs, keep))
    try:
        planned = cases.cases(chosen, runner.claims.tasks, only, topics)
        trials = runner.run(planned)
    finally:
        runner.close()
    config = {
        "tasks": [str(task) for task in runner.claims.tasks],
        "only": list(only),
        "topics": list(topics),
        "strict": strict,
        "timeout_seconds": limits.seconds,
        "memory_bytes": limits.memory,
        "output_bytes": limits.output,
    }
    return report.make(chosen, testee, runner.claims, trials, config, known or {}, 0.5)


def verdicts(told):
    """Return the verdicts of a report by case."""
    return {case["id"]: case["verdict"] for case in told["cases"]}
