"""Comparing inventories, and telling that of a directory."""

from __future__ import annotations

import copy
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.suites import INODES, NS, file_of

from darimage.conformance import answers, directory, outcome
from darimage.conformance.answers import NOTHING, AnswerError, View, compared, differences, digest
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
    first, second = compared(inventory(one), ALL), compared(inventory(two), ALL)
    assert (digest(first) == digest(second)) == (not differences(first, second))


@given(st.permutations(INODES))
def test_order_does_not_matter(shuffled):
    assert digest(compared(inventory(shuffled), ALL)) == digest(compared(inventory(INODES), ALL))


@pytest.mark.parametrize("field", [*sorted(INODES[2].keys() - {"paths"}), "descriptor", "extents"])
def test_every_field_counts_if_it_is_told(field):
    changed = copy.deepcopy(INODES)
    changed[2][field] = "other"
    before, after = compared(inventory(INODES), ALL), compared(inventory(changed), ALL)
    assert digest(before) != digest(after)
    assert f": {field} is " in differences(before, after)[0]
    if field != "type":
        less = View(tuple(name for name in FIELDS if name != field))
        assert compared(inventory(INODES), less) == compared(inventory(changed), less)


def test_names_and_links_count():
    apart = [*INODES[:2], file_of(4, "d/one"), file_of(6, "two"), INODES[3]]
    found = differences(compared(inventory(INODES), ALL), compared(inventory(apart), ALL))
    assert 'd/one: paths lacks "two"' in found
    assert "two: not expected" in found


def test_times_count_to_the_resolution():
    changed = copy.deepcopy(INODES)
    changed[2]["mtime"] = str(7 * NS + 123_456_000)
    to_microsecond = View(FIELDS, 1000)
    assert compared(inventory(INODES), ALL) != compared(inventory(changed), ALL)
    assert compared(inventory(INODES), to_microsecond) == compared(
        inventory(changed), to_microsecond
    )


def test_a_selection_leaves_the_rest_out():
    below = compared(inventory(INODES), View(FIELDS, below=b"d"))
    assert set(below.inodes) == {b"d", b"d/one"}
    assert below.inodes[b"d/one"]["paths"] == [b"d/one".hex()]


def test_what_is_told_twice_is_different():
    twice = [*INODES, INODES[2]]
    found = compared(inventory(twice), ALL)
    assert len(found.inodes) == len(INODES) + 1
    assert differences(compared(inventory(INODES), ALL), found)


def test_all_differences_are_listed():
    many = [file_of(n, f"f{n}") for n in range(1000)]
    found = differences(NOTHING, compared(inventory(many), View(("size",))))
    assert len(found) == 1000


def test_above_a_limit_differences_are_counted(monkeypatch):
    monkeypatch.setattr(answers, "DIFFERENCES_MAX", 10)
    many = [file_of(n, f"f{n}") for n in range(100)]
    found = differences(NOTHING, compared(inventory(many), View(("size",))))
    assert len(found) == 11
    assert found[-1] == "there are 90 more differences"


values = st.recursive(
    st.integers(0, 3) | st.booleans() | st.sampled_from(["a", "b" * 90, "b" * 90 + "c"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner),
    max_leaves=8,
)


@given(values, values)
def test_every_difference_of_a_value_is_shown(one, two):
    """However long or deep: never two texts that are cut before they differ."""
    before, after = (
        compared(inventory([{**INODES[2], "xattrs": value}]), ALL) for value in (one, two)
    )
    found = differences(before, after)
    assert bool(found) == (digest(before) != digest(after))
    for line in found:
        shown, _, wanted = line.partition(", expected ")
        assert shown.rpartition(" is ")[2] != wanted


def reordered(value):
    """Return a JSON value with the keys of all objects in another order."""
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    return [reordered(one) for one in value] if isinstance(value, list) else value


def test_the_order_of_keys_does_not_matter():
    inode = {**INODES[2], "xattrs": [{"name": {"text": "a"}, "size": 1, "sha256": "0"}]}
    one, two = compared(inventory([inode]), ALL), compared(reordered(inventory([inode])), ALL)
    assert digest(one) == digest(two)
    assert not differences(one, two)


def test_members_that_have_names_are_told_apart_by_them():
    def of(*names, size=1):
        listed = [{"name": {"text": name}, "size": size} for name in names]
        return compared(inventory([{**INODES[2], "xattrs": listed}]), ALL)

    assert differences(of("a", "b"), of("b")) == [
        'd/one: xattrs[a] is not given, expected {"name": {"text": "a"}, "size": 1}'
    ]
    assert differences(of("a", "b"), of("a", "b", size=2)) == [
        "d/one: xattrs[a].size is 2, expected 1",
        "d/one: xattrs[b].size is 2, expected 1",
    ]
    assert "in another order" in differences(of("a", "b"), of("b", "a"))[0]


def test_the_image_itself_is_compared():
    whole = {**inventory(INODES), "image": {"level": 0, "label": {"text": "x"}, "uuid": None}}
    other = {**whole, "image": {"level": 1}}
    assert differences(compared(whole, ALL), compared(other, ALL)) == [
        'image.label is not given, expected {"text": "x"}',
        "image.level is 1, expected 0",
    ]
    assert not differences(compared(whole, View(("mode",))), compared(other, View(("mode",))))


def test_faults_are_compared_as_a_set_without_notes():
    def of(*names):
        faults = [{"name": n, "severity": s, "requirement": "X"} for n, s in names]
        return compared({**inventory([]), "faults": faults}, View(("faults",)))

    one = of(("damaged", "loss"), ("nlink", "note"), ("damaged", "loss"))
    assert digest(one) == digest(of(("damaged", "loss"), ("tail", "note")))
    assert digest(one) != digest(of(("damaged", "fault")))
    assert digest(one) != digest(of())


def test_a_tree_is_what_an_inventory_with_states_lets_expect():
    def file(path, **more):
        return {**file_of(9, path), "mode": "4755", **more}

    left = [
        *INODES[:2],
        file("whole"),
        file("worse", state="damaged"),
        file("gone", state="lost"),
        file("attributes", attributes=False),
        file("empty", contents=False),
        file("#lost/9"),
        {**file("link", state="damaged"), "type": "symlink"},
        {**file("odd"), "type": "unknown"},
    ]
    made = outcome.restored(inventory(left))
    modes = {i["paths"][0]["text"]: i.get("mode") for i in made["inodes"]}
    assert modes == {
        **{i["paths"][0]["text"]: i["mode"] for i in INODES[:2]},
        "whole": "4755",
        "worse": "0600",
        "attributes": "4705",
        "#lost/9": "4755",
        "#lost": None,
    }
    got = inventory([*INODES[:2], *(file(n) for n in ("whole", "#lost/9"))])
    got["inodes"] += [
        file("worse", mode="0600", sha256="other"),
        file("attributes", mode="4705"),
        {**INODES[1], "paths": [{"text": "#lost"}]},
    ]
    view = View(directory.FIELDS)
    wanted = compared(made, view)
    assert not differences(wanted, compared(got, view).like(wanted))
    got["inodes"][4]["mode"] = "4755"
    assert differences(wanted, compared(got, view).like(wanted)) == [
        'worse: mode is "4755", expected "0600"'
    ]


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
        compared(answer, ALL)


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
    found = compared(directory.inventory_of(tmp_path), View(directory.FIELDS)).inodes
    assert set(found) == {b"", b"d", b"d/one", b"f", b"\xfe"}
    one = found[b"d/one"]
    expected = compared(
        inventory([{**INODES[2], "uid": os.geteuid(), "gid": os.getegid()}]), ALL
    ).inodes
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
