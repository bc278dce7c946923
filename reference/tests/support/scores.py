"""How much of the rules, the specification and the layouts the vectors cover."""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import numpy as np
import pytest

from darimage.conformance.fields import locate
from darimage.conformance.findings import Finding, judge, refused
from darimage.conformance.frame import Frame
from darimage.conformance.vectors import Suite
from darimage.errors import FormatError
from darimage.image.reader import Image
from darimage.schema import dtype, header_dtype
from darimage.validate.registry import requirements
from darimage.validate.rules import all_rules

BODIES = ("volume_body", "bitmap_body", "inode_body", "section_body", "end_body")
LAYOUTS = (
    "directory/entry_head",
    "offset_map/element",
    "nt_acls/head",
    "nt_acls/row",
    "nt_acls/span",
    "xattrs/entry",
    "xattrs/more_head",
)


@cache
def suite():
    """Return the vectors."""
    return Suite()


def killers():
    """Return by rule the vectors in which it finds something.

    A vector pins all that is found, so each finding that a rule makes in one is missed without it.
    """
    known = {name: [] for name in all_rules()}
    for vector in suite():
        if "todo" not in vector.told:
            for rule in {finding.rule for finding in found(vector)}:
                known[rule].append(vector.name)
    return known


def found(vector, off=frozenset()):
    """Return what is found wrong, by verification or already on opening for direct access."""
    with suite().given(vector) as image:
        told = judge(image, off=off)
        if not vector.is_refused:
            return told
        with pytest.raises(FormatError) as raised:
            Image.open(image)
    rule, fault = refused(raised.value)
    return told if rule in off else [*told, Finding(fault.requirement, -1, "", rule)]


def visible():
    """Return the MUSTs that an image shows."""
    known = requirements().values()
    return [one for one in known if one.strength == "MUST" and one.unseen is None]


def unchecked():
    """Return the MUSTs that nobody checks, with what they lack.

    Of what binds writers, verification finds a breach in some vector, and another vector shows it
    obeyed. What binds only those that read an image is shown by some vector.
    """
    broken, shown = shown_by(valid=False), shown_by(valid=True)
    named = {name for vector in suite() for name in vector.shown}
    lacking = {}
    for one in visible():
        if "writer" not in one.binds:
            missing = [] if one.id in named else ["a vector"]
        else:
            has = (("an invalid vector", broken), ("a valid vector", shown))
            missing = [what for what, vectors in has if not vectors.get(one.id)]
        if missing:
            lacking[one.id] = " and ".join(missing)
    return lacking


def shown_by(*, valid):
    """Return by requirement the vectors that break it, or those that show it and break it not."""
    found = defaultdict(list)
    for vector in suite():
        if (vector.is_valid or not valid) and "todo" not in vector.told:
            for one in set(vector.shown if valid else vector.broken):
                found[one].append(vector.name)
    return found


def touched():
    """Return by layout which of its bytes an invalid vector changes on purpose."""
    found = {name: np.zeros(dtype(name).itemsize, bool) for name in LAYOUTS}
    found |= {body: np.zeros(header_dtype("le", body).itemsize, bool) for body in BODIES}
    for vector in suite():
        if vector.parent is not None and not vector.is_valid:
            frame = _frame(vector.parent)
            for patch in vector.told.get("patches", ()):
                for layout, at, length in _bytes(frame, patch):
                    found[layout][at : at + length] = True
    # What all headers have in common needs to be touched in one of them.
    start = locate("extension.body", header_dtype()).at
    common = np.any([found[body][:start] for body in BODIES], axis=0)
    for body in BODIES:
        found[body] = found[body][start:]
    return {"header": common, **found}


@cache
def _frame(name):
    return Frame(suite().image(suite()[name]))


def _bytes(frame, patch):
    """Yield layout, place and length of what a patch changes in fields that have a name."""
    if "entry" in patch and "field" in patch:
        yield _field("directory/entry_head", patch)
    elif "element" in patch:
        yield "offset_map/element", 0, 8
    elif "layout" in patch and patch["layout"] in LAYOUTS:
        yield _field(patch["layout"], patch)
    elif "every" in patch and "hex" in patch:
        yield "inode_body", patch["every"]["at"], len(patch["hex"]) // 2
    elif "every" in patch:
        place = locate(patch["every"], header_dtype())
        yield "inode_body", place.at, place.dtype.itemsize
    elif "record" in patch and "data" not in patch:
        body = frame.find("end" if patch["record"] == "ends" else patch["record"]).body
        if "field" in patch:
            place = locate(patch["field"], header_dtype("le", body))
            yield body, place.at, _length(place, patch)
        else:
            yield body, patch["at"], len(patch["hex"]) // 2


def _field(layout, patch):
    place = locate(patch["field"], dtype(layout))
    return layout, place.at, _length(place, patch)


def _length(place, patch):
    value = patch["value"]
    return len(value) // 2 if isinstance(value, str) else place.dtype.itemsize


def untouched():
    """Return by field how many of its bytes no vector touches, of how many."""
    lines = {}
    for layout, hit in touched().items():
        fields = _leaves(_dtype(layout))
        for path, at, length in fields:
            missed = int((~hit[at : at + length]).sum()) if at + length <= len(hit) else 0
            if missed:
                lines[f"{layout}: {path}"] = (missed, length)
    return lines


def _dtype(layout):
    if layout == "header":
        return header_dtype("le", "raw_body")
    return dtype(f"extension/{layout}") if layout in BODIES else dtype(layout)


def _leaves(described, path="", at=0):
    if described.names is None:
        yield path, at, described.itemsize
        return
    for name in described.names:
        inner, offset = described.fields[name][:2]
        base = inner.subdtype[0] if inner.subdtype else inner
        below = f"{path}.{name}" if path else name
        if base.names and not inner.subdtype:
            yield from _leaves(inner, below, at + offset)
        else:
            yield below, at + offset, inner.itemsize


def main():
    """Print the scores."""
    killed = killers()
    alive = [all_rules()[rule] for rule, names in killed.items() if not names]
    vectors = list(suite())
    valid = sum(vector.is_valid for vector in vectors)
    print(f"vectors: {len(vectors)}, {valid} of them valid")
    print(f"rules: {len(killed) - len(alive)} of {len(killed)} are missed if switched off; not:")
    for rule in alive:
        print(f"  {rule.requirement} {rule.name}: {rule.told}")
    lacking, wanted = unchecked(), len(visible())
    print(f"MUSTs that an image shows: {wanted - len(lacking)} of {wanted} have vectors; not:")
    for one, what in lacking.items():
        print(f"  {one} lacks {what}")
    missed = untouched()
    print("bytes that no invalid vector touches:")
    for field, (count, length) in missed.items():
        print(f"  {field} ({count} of {length})")


if __name__ == "__main__":
    main()
