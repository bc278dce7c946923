"""Comparing inventories, and telling that of a directory."""

from __future__ import annotations

import copy
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.suites import INODES, NS, file_of

from darimage.conformance import directory
from darimage.conformance.answers import AnswerError, View, differences, digest, told_by
from darimage.conformance.cases import _one_file
from darimage.conformance.removing import remove
from darimage.conformance.testee import FIELDS

ALL = View(FIELDS)
names = st.sampled_from(["a", "b", "c", "é"])
inodes = st.lists(
    st.builds(lambda n, size: file_of(1, n, size=size), names, st.integers(0, 2)),
    max_size=3,
    unique_by=lambda inode: inode["paths"][0]["text"],
)


def inventory(found):
    return {"inventory": 1, "inodes": found}


@given(inodes, inodes)
def test_equal_digests_mean_no_differences(one, two):
    first, second = told_by(inventory(one), ALL), told_by(inventory(two), ALL)
    assert (digest(first) == digest(second)) == (not differences(first, second))


@given(st.permutations(INODES))
def test_order_does_not_matter(shuffled):
    assert digest(told_by(inventory(shuffled), ALL)) == digest(told_by(inventory(INODES), ALL))


@pytest.mark.parametrize("field", [*sorted(INODES[2].keys() - {"paths"}), "sddl", "extents"])
def test_every_field_counts_if_it_is_told(field):
    changed = copy.deepcopy(INODES)
    changed[2][field] = "other"
    before, after = told_by(inventory(INODES), ALL), told_by(inventory(changed), ALL)
    assert digest(before) != digest(after)
    assert f": {field} is " in differences(before, after)[0]
    if field != "type":
        less = View(tuple(name for name in FIELDS if name != field))
        assert told_by(inventory(INODES), less) == told_by(inventory(changed), less)


def test_names_and_links_count():
    apart = [*INODES[:2], file_of(4, "d/one"), file_of(6, "two"), INODES[3]]
    found = differences(told_by(inventory(INODES), ALL), told_by(inventory(apart), ALL))
    assert 'd/one: paths is ["d/one"], expected ["d/one", "two"]' in found
    assert "two: not expected" in found


def test_times_count_to_the_resolution():
    changed = copy.deepcopy(INODES)
    changed[2]["mtime"] = str(7 * NS + 123_456_000)
    to_microsecond = View(FIELDS, 1000)
    assert told_by(inventory(INODES), ALL) != told_by(inventory(changed), ALL)
    assert told_by(inventory(INODES), to_microsecond) == told_by(inventory(changed), to_microsecond)


def test_a_selection_leaves_the_rest_out():
    below = told_by(inventory(INODES), View(FIELDS, below=b"d"))
    assert set(below) == {b"d", b"d/one"}
    assert below[b"d/one"]["paths"] == [b"d/one".hex()]


def test_what_is_told_twice_is_different():
    twice = [*INODES, INODES[2]]
    found = told_by(inventory(twice), ALL)
    assert len(found) == len(INODES) + 1
    assert differences(told_by(inventory(INODES), ALL), found)


def test_many_differences_are_cut():
    many = [file_of(n, f"f{n}") for n in range(100)]
    assert len(differences({}, told_by(inventory(many), ALL))) == 21


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "text",
        {"inodes": {}},
        {"inodes": [1]},
        {"inodes": [{}]},
        {"inodes": [{"paths": [1]}]},
        {"inodes": [{"paths": [{"base64": "?"}]}]},
    ],
)
def test_what_is_no_inventory_is_said_to_be_none(answer):
    with pytest.raises(AnswerError):
        told_by(answer, ALL)


def test_one_file_is_chosen_for_a_restore_of_one():
    assert _one_file(inventory(INODES)) == b"d/one"
    assert _one_file(inventory(INODES[:2])) is None
    assert _one_file(inventory([INODES[3]])) == b"\xff"


def test_a_directory_tells_what_is_in_it(tmp_path):
    top = os.fsencode(tmp_path)
    os.mkdir(top + b"/d", 0o750)
    with open(top + b"/d/one", "wb") as file:
        file.write(bytes(5))
    os.link(top + b"/d/one", top + b"/two")
    os.symlink(b"\xff", top + b"/\xfe")
    os.mkfifo(top + b"/f", 0o600)
    os.utime(top + b"/two", ns=(0, 7 * NS + 123_456_789))
    found = told_by(directory.inventory_of(tmp_path), View(directory.FIELDS))
    assert set(found) == {b"", b"d", b"d/one", b"f", b"\xfe"}
    one = found[b"d/one"]
    expected = told_by(inventory([{**INODES[2], "uid": os.geteuid(), "gid": os.getegid()}]), ALL)
    assert one.keys() == expected[b"d/one"].keys() - {"inode", "nlink"}
    for key in one.keys() - {"mode"}:
        assert one[key] == expected[b"d/one"][key], key
    assert (found[b"\xfe"]["type"], found[b"\xfe"]["target"]) == ("symlink", {"base64": "/w=="})
    assert (found[b"d"]["type"], found[b"f"]["type"]) == ("directory", "fifo")


def test_a_deep_directory_is_walked(tmp_path):
    place = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("deeper", dir_fd=place)
        below = os.open("deeper", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = below
    os.close(place)
    assert len(directory.inventory_of(tmp_path)["inodes"]) == 1501
    remove(tmp_path / "deeper")
    assert not list(tmp_path.iterdir())
