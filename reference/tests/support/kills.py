"""Whether the suite notices when the plain reader or writer leaves out a rule.

A vector notices a switch if the plain program is right about it with all rules kept, and wrong with
one of them switched off: another outcome, another inventory or other faults, another restored tree,
or an image that breaks a MUST or holds something else.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import tempfile
import uuid
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

from darimage.conformance import trees
from darimage.conformance.answers import View, compared, differences
from darimage.conformance.directory import FIELDS as ON_DISK
from darimage.conformance.directory import inventory_of
from darimage.conformance.findings import judge
from darimage.conformance.inventory import inventory
from darimage.conformance.testee import FIELDS
from darimage.image.reader import Image as FastImage
from darimage.plain.chain import Chain
from darimage.plain.faults import Faults, Refused
from darimage.plain.inventory import Image
from darimage.plain.restoring import Restorer
from darimage.plain.rules import Rules
from darimage.plain.space import Space
from darimage.plain.switches import READER, WRITER, breaking_of
from darimage.plain.volumes import side_by_side
from darimage.plain.writer import Options, encode
from support import scores

VIEW = View((*(name for name in FIELDS if name != "sddl"), "faults"))
"""The plain reader gives no SDDL, and all faults."""

TREES = View(ON_DISK)

RESTORING = (
    *("DARI-RST-001", "DARI-RST-002", "DARI-RST-003", "DARI-RST-006", "DARI-RST-007"),
    *("DARI-SAF-002", "DARI-SAF-005", "DARI-XAT-016", "DARI-XAT-017"),
    *("DARI-INC-009", "DARI-INC-013", "DARI-INC-015"),
)
"""What only restoring can show."""

_DATE, _UUID = 1_700_000_000, "d0d0caca-0000-4000-8000-000000000000"
"""What recipes have that do not say otherwise."""

_LONGEST = 4 << 20
"""Bytes of an image; longer ones take too long for this."""

UNNOTICED = {
    "DARI-BMP-007": "a map that is longer than the image has a gap as well; what differs is memory",
    "DARI-SCT-005": "a payload that cannot be there is not whole either; what differs is memory",
    "DARI-ACL-008": "origins are no part of an inventory",
    "DARI-SAF-002": "the runner gives an empty directory: no link is there to be followed",
    "DARI-SAF-005": "the runner gives an empty directory; nothing is there to be overwritten",
    "DARI-XAT-016": "what is restored is not compared in its extended attributes",
    "DARI-XAT-017": "what is restored is not compared in its extended attributes",
    "DARI-INC-015": "no chain has a damaged directory",
    "DARI-XAT-014": "no dump has two attribute runs of one inode",
    "DARI-SDE-015": "no descriptor has an entry whose size is no multiple of 4",
}
"""Why a switch of the reader is noticed by no vector."""

UNNOTICED_WRITER: dict[str, str] = {}
"""Why a switch of the writer is noticed by no recipe."""


@cache
def _files(name):
    """Return the files of a vector as pairs of number and bytes."""
    found = scores.suite().files(scores.suite()[name])
    return [(int(one[-3:]) if one[-3:].isdigit() else 1, data) for one, data in found]


def _open(name, rules):
    faults = Faults()
    files = _files(name)
    if len(files) == 1 and files[0][0] == 1:
        return Image(Space([(0, files[0][1])]), rules, faults)
    return Image(side_by_side(files, faults, rules), rules, faults)


def _answer(name, rules):
    """Return outcome and inventory of a vector; any exception is an outcome of its own."""
    try:
        image = _open(name, rules)
        return ("done" if image.is_done else "done with faults"), image.as_json()
    except Refused:
        return "refused", None
    except Exception as error:  # noqa: BLE001 - without a rule anything may happen
        return f"{type(error).__name__}", None


def _is_right(vector, outcome, found):
    """Tell whether an answer is what the suite wants of a vector."""
    suite = scores.suite()
    wanted = {"accept": "done", "survive": "done with faults", "reject": "refused"}
    expected = suite.inventory(vector)
    decode = suite.decode(vector)
    if outcome != wanted[decode]:
        return decode == "survive" and expected is None and outcome in wanted.values()
    if found is None or expected is None:
        return True
    want = compared(expected, VIEW)
    return differences(want, compared(found, VIEW).like(want)) == []


class Reader:
    """What the vectors notice of the plain reader.

    Attributes:
        right: Vectors that it is right about, with the requirements that mattered.
        wrong: Names of the others.
    """

    def __init__(self, only=None):
        """Read all vectors once."""
        self.right, self.wrong = {}, []
        self._answers = {}
        for vector in scores.suite():
            if only and vector.name not in only:
                continue
            if sum(len(data) for _, data in _files(vector.name)) > _LONGEST:
                continue
            rules = Rules()
            outcome, found = _answer(vector.name, rules)
            self._answers[vector.name] = outcome
            if _is_right(vector, outcome, found):
                self.right[vector.name] = rules.mattered
            else:
                self.wrong.append(vector.name)

    def _order(self, requirement):
        """Return the vectors that may notice a switch, those that cite it first."""
        suite = scores.suite()
        found = [name for name, mattered in self.right.items() if requirement in mattered]
        return sorted(found, key=lambda name: (requirement not in suite[name].shown, name))

    def decode(self, requirement):
        """Return the vector whose inventory, faults or outcome tell; ``None`` if none does."""
        for name in self._order(requirement):
            answer = _answer(name, Rules([requirement]))
            if not _is_right(scores.suite()[name], *answer):
                return name
        return None

    def validate(self, requirement):
        """Return the vector that is called sound, or not, only without a rule."""
        for name in self._order(requirement):
            sound = self._answers[name] == "done"
            is_valid = scores.suite()[name].is_valid
            outcome, _ = _answer(name, Rules([requirement]))
            if sound == is_valid and (outcome == "done") != sound:
                return name
        return None

    def restore(self, requirement):
        """Return the vector from which something else is restored without a rule."""
        suite = scores.suite()
        for name in sorted(self.right, key=lambda one: (requirement not in suite[one].shown, one)):
            vector = suite[name]
            if suite.decode(vector) == "reject" or "giant" in vector.told["features"]:
                continue
            for chain, selection in _restored(vector):
                before, mattered = _kept(tuple(chain), selection)
                if requirement not in mattered:
                    continue
                if _tree(chain, selection, Rules([requirement])) != before:
                    return name
        return None


def _restored(vector):
    """Yield chains of vectors and selections that are restored."""
    bases = vector.told.get("bases") or []
    chain = [scores.suite()[one].name for one in bases] + [vector.name]
    yield chain, b""
    if bases:
        yield [chain[-1], *chain[1:-1], chain[0]], b""
    elif vector.topic in ("basic", "names"):
        yield chain, b"sub"


@cache
def _kept(chain, selection):
    """Return what is restored with all rules, and which mattered."""
    rules = Rules()
    return _tree(chain, selection, rules), rules.mattered


def _tree(chain, selection, rules):
    """Return what is on disk after a restore, as text."""
    folder = Path(tempfile.mkdtemp(prefix="darimage-kills-"))
    try:
        images = [_open(name, rules) for name in chain]
        restorer = Restorer(Chain(images, rules), selection, bytes(folder), rules)
        restorer.run()
        blocks = sum(path.lstat().st_blocks for path in folder.rglob("*"))
        part = compared(inventory_of(folder), TREES)
        told = [sorted((path.hex(), one) for path, one in part.inodes.items()), blocks]
        return json.dumps(told, sort_keys=True, default=str)
    except Refused:
        return "refused"
    except Exception as error:  # noqa: BLE001 - without a rule anything may happen
        return type(error).__name__
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def recipes():
    """Return the recipes that the plain writer can be given, by vector."""
    found = {}
    for vector in scores.suite():
        recipe = vector.told.get("recipe")
        options = recipe.get("options", {}) if recipe else {}
        is_image = options.get("dialect", "dari") == "dari" and options.get("order", "le") == "le"
        if recipe and is_image:
            found[vector.name] = recipe
    return found


def made(recipe, without=()):
    """Return the plain writer's image of a recipe."""
    options = recipe.get("options", {})
    base = options.get("base")
    chosen = Options(
        options.get("date", _DATE),
        uuid.UUID(options.get("uuid", _UUID)).bytes,
        label=options.get("label", "vector").encode(),
        filesys=options.get("filesys", "/vector").encode(),
        device=b"memory",
        ntrec=options.get("ntrec", 10),
        acls=options.get("acls", True),
        reproducible=True,
        volume_records=options.get("volume_records", 0),
        level=options.get("level", 0),
        base_date=base["date"] if base else 0,
        base_uuid=uuid.UUID(base["uuid"]).bytes if base else bytes(16),
    )
    return encode(trees.tree(recipe["tree"]), chosen, breaking_of(without))


class Writer:
    """What the recipes notice of the plain writer: the validator, or what is in the image."""

    def __init__(self):
        """Make all images once."""
        self._images = {}
        for name, recipe in recipes().items():
            data = made(recipe)
            if len(data) <= _LONGEST:
                self._images[name] = data

    def encode(self, requirement):
        """Return the recipe whose image tells; ``None`` if none does."""
        suite = scores.suite()
        order = sorted(
            self._images, key=lambda name: (requirement not in suite[name].shown, len(name))
        )
        for name in order:
            try:
                image = made(recipes()[name], [requirement])
            except Exception:  # noqa: BLE001 - a writer that fails is noticed
                return name
            if image != self._images[name] and self._is_noticed(name, image):
                return name
        return None

    @staticmethod
    def _is_noticed(name, image):
        vector = scores.suite()[name]
        try:
            if judge(image):
                return True
            with FastImage.open(image) as opened:
                found = inventory(opened)
        except Exception:  # noqa: BLE001 - it cannot be read
            return True
        want = compared(vector.expected, VIEW)
        return differences(want, compared(found, VIEW).like(want)) != []


_PROGRAMS = {}
"""What the processes of a pool have in common, made before they are."""


def _noticed(one):
    """Return by task which vector notices a switch."""
    reader = _PROGRAMS["reader"]
    found = {"restore": reader.restore(one)} if one in RESTORING else {}
    if not found.get("restore"):
        found["decode"] = reader.decode(one)
    if found.get("decode"):
        found["validate"] = reader.validate(one)
    return found


def reader_kills(only=None):
    """Return by requirement, and then by task, which vector notices a switch of the reader."""
    _PROGRAMS["reader"] = Reader(only)
    return _in_parallel(_noticed, list(READER))


def writer_kills():
    """Return by requirement which recipe notices a switch of the writer."""
    _PROGRAMS["writer"] = Writer()
    return _in_parallel(_noticed_writer, list(WRITER))


def _noticed_writer(one):
    return {"encode": _PROGRAMS["writer"].encode(one)}


def _in_parallel(work, switches):
    count = min(2, os.cpu_count() or 1)
    with ProcessPoolExecutor(count, multiprocessing.get_context("fork")) as pool:
        return dict(zip(switches, pool.map(work, switches), strict=True))


def main():
    """Print how many switched-off MUSTs the suite notices."""
    _print("reader-kill", READER, reader_kills(), UNNOTICED)
    if wrong := _PROGRAMS["reader"].wrong:
        print(f"  the plain reader is not right about {', '.join(wrong)}")
    _print("writer-kill", WRITER, writer_kills(), UNNOTICED_WRITER)


def _print(what, switches, found, reasons):
    alive = [one for one, by_task in found.items() if not any(by_task.values())]
    tasks = Counter(task for by_task in found.values() for task, name in by_task.items() if name)
    by_task = ", ".join(f"{count} in {task}" for task, count in sorted(tasks.items()))
    noticed = len(switches) - len(alive)
    print(f"{what}: {noticed} of {len(switches)} switches are noticed ({by_task}); not:")
    for one in alive:
        reason = reasons.get(one, "NO REASON GIVEN")
        print(f"  {one} {switches[one].leaves_out}: {reason}")


if __name__ == "__main__":
    main()
