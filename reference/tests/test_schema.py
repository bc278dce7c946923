"""Construct, Kaitai and the derived dtypes say the same of every field of every fixed layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from fuzz.layouts import BODY_KINDS, base, kaitai_parse, leaves
from hypothesis import given
from hypothesis import strategies as st

from darimage.schema import ORDERS, Kind, dtype, layout
from darimage.schema.derive import derive
from darimage.schema.tables import DTYPES
from darimage.sections.header import BODIES
from darimage.validate.registry import requirements
from spec_requirements import Chapters

KSY = Path(__file__).parents[2] / "ksy"

SECURITY = {
    "security_descriptor",
    *(
        f"security_descriptor/{name}"
        for name in ("sid", "acl", "acl_body", "ace", "plain_ace", "object_ace", "raw_ace")
    ),
    "xattr_ntacl",
    *(f"xattr_ntacl/hash_{name}" for name in ("unknown", "none", "v2", "v3", "v4")),
}

VARIABLE = {
    "directory",
    "directory/entry",
    "directory/old_entry",
    "offset_map",
    "nt_acls",
    "xattrs",
} | SECURITY
"""Layouts whose size is in their contents; tests of the sections cover them."""


def fixed_layouts():
    """Yield each fixed layout with each case of its switch."""
    for path in sorted(KSY.glob("*.ksy")):
        types = yaml.safe_load(path.read_text())["types"]
        for name in [path.stem, *(f"{path.stem}/{type_name}" for type_name in types)]:
            if name in VARIABLE:
                continue
            for body in BODY_KINDS if name in ("record", "extension") else [None]:
                yield name, body


LAYOUTS = list(fixed_layouts())


def plain(value):
    """Return a parsed value as numbers, bytes and lists of numbers."""
    if isinstance(value, np.ndarray):
        return value.tobytes() if value.dtype == np.uint8 else value.tolist()
    if isinstance(value, bytes):
        return value
    return list(value) if isinstance(value, list) else int(value)


def follow(parsed, path):
    for name in path:
        parsed = getattr(parsed, name)
    return plain(parsed)


def from_dtype(data, derived, path):
    part = np.frombuffer(data, derived)[0]
    for name in path:
        part = part[name]
    return plain(part)


@pytest.mark.parametrize(("name", "body"), LAYOUTS)
@pytest.mark.parametrize("order", ORDERS)
@given(seed=st.randoms(use_true_random=False))
def test_each_field_is_the_same_in_all_three(name, body, order, seed):
    derived = dtype(name, order, body)
    data = base(name, order, body)
    fixed = {path for path, _, _ in leaves(derived.fields) if path[-1] == "kind"}
    for path, at, size in leaves(derived.fields):
        if path not in fixed:
            data[at : at + size] = seed.randbytes(size)
    construct = layout(name, order).parse(bytes(data))
    kaitai = kaitai_parse(name, order, bytes(data))
    for path, _, _ in leaves(derived.fields):
        expected = from_dtype(bytes(data), derived, path)
        assert follow(construct, path) == expected
        assert follow(kaitai, path) == expected


@pytest.mark.parametrize(("name", "body"), LAYOUTS)
@pytest.mark.parametrize("order", ORDERS)
def test_each_field_has_the_same_place_in_all_three(name, body, order):
    derived = dtype(name, order, body)
    zero = bytes(base(name, order, body))
    everything = list(leaves(derived.fields))
    assert sum(size for _, _, size in everything) == derived.itemsize
    assert layout(name, order).parse(zero + b"rest") is not None
    for path, at, size in everything:
        if path[-1] == "kind":
            continue
        data = bytearray(zero)
        data[at : at + size] = b"\xff" * size
        construct = layout(name, order).parse(bytes(data))
        kaitai = kaitai_parse(name, order, bytes(data))
        for other, _, _ in everything:
            changed = other == path
            before = from_dtype(zero, derived, other)
            assert (follow(construct, other) != before) is changed
            assert (follow(kaitai, other) != before) is changed


@pytest.mark.parametrize(("name", "body"), LAYOUTS)
@pytest.mark.parametrize("order", ORDERS)
@given(seed=st.randoms(use_true_random=False))
def test_construct_builds_what_it_parsed(name, body, order, seed):
    data = base(name, order, body)
    derived = dtype(name, order, body)
    for path, at, size in leaves(derived.fields):
        if path[-1] != "kind":
            data[at : at + size] = seed.randbytes(size)
    codec = layout(name, order)
    assert codec.build(codec.parse(bytes(data))) == bytes(data)


@pytest.mark.parametrize(("name", "body"), LAYOUTS)
@pytest.mark.parametrize("order", ORDERS)
def test_the_tables_are_what_is_derived(name, body, order):
    assert (name, order, body) in DTYPES
    assert dtype(name, order, body) == derive(name, order, body)


def test_the_tables_hold_nothing_else():
    assert set(DTYPES) == {(name, order, body) for name, body in LAYOUTS for order in ORDERS}


@pytest.mark.parametrize("name", sorted(VARIABLE))
def test_a_layout_without_fixed_size_has_no_dtype(name):
    with pytest.raises(TypeError, match=r"no fixed size|not a constant|a switch needs"):
        dtype(name)


def test_a_switch_needs_a_case():
    with pytest.raises(TypeError, match="inode_body"):
        dtype("record")


def test_an_unknown_layout_is_named():
    with pytest.raises(KeyError, match="no layout 'record/nonsense'"):
        layout("record/nonsense")


def test_every_kind_has_a_body():
    assert set(BODIES) == set(Kind)


def test_the_registry_of_requirements_is_what_the_specification_says():
    found = Chapters(KSY.parent / "spec", KSY).requirements()
    told = "run `python tools/derive_requirements.py` and commit what it writes"
    assert [one.as_json() for one in found] == [one.as_json() for one in requirements().values()], (
        told
    )
