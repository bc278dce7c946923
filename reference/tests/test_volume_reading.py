"""Images on several volumes are read as if they had one (chapter 35)."""

from __future__ import annotations

import itertools
import os
import stat
import struct

import pytest
from fuzz.strategies.attributes import attributes
from fuzz.strategies.damage import damage, damages
from fuzz.strategies.trees import trees
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.cutting import RECORD, cut, sealed, store
from support.images import contents_of, encode, paths_of, poke, sample
from test_round_trip import check_same

from darimage.errors import DarimageError, FormatError
from darimage.image import contents, volume_set
from darimage.image.reader import Image
from darimage.restore.run import restore
from darimage.restore.selection import select
from darimage.validate.verify import verify
from darimage.volumes.cut import Cut

RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
FEWER = settings(RELAXED, max_examples=25)
CAPACITIES = st.sampled_from([10, 20, 30, 40, 70, 150, 400])
SAMPLE = encode(sample())
with Image.open(SAMPLE) as _image:
    PATHS = {entry.inode: path for path, entry, _ in _image.names.walk()}


@pytest.fixture
def volumes(tmp_path):
    """The sample on volumes of ten records, as files."""
    return store(cut(SAMPLE, 10), tmp_path / "set")


@RELAXED
@given(trees(extended=attributes()), CAPACITIES, st.booleans())
def test_a_tree_comes_back_from_volumes(tree, capacity, sequential):
    volumes = cut(encode(tree), capacity)
    with Image.open(b"".join(volumes), sequential=sequential) as image:
        assert image.access == ("sequential" if sequential else "direct")
        assert image.volume.cut == Cut(capacity)
        check_same(image, tree)


@FEWER
@given(trees(), CAPACITIES)
def test_a_set_of_files_is_found_by_any_of_its_names(tmp_path_factory, tree, capacity):
    folder = tmp_path_factory.mktemp("set")
    paths = store(cut(encode(tree), capacity), folder / "set")
    for name in (paths[0], folder / "set", paths[-1], paths):
        with Image.open(name) as image:
            check_same(image, tree)


@RELAXED
@given(trees(extended=attributes()), CAPACITIES)
def test_volumes_are_found_good(tree, capacity):
    data = encode(tree)
    found = verify(b"".join(cut(data, capacity)))
    assert found.faults == []
    assert found.map_equal
    assert found.inodes == verify(data).inodes


@FEWER
@given(trees(), CAPACITIES, st.integers(1, 100))
def test_pieces_of_any_size_are_read_in_their_order(tmp_path_factory, tree, capacity, percent):
    folder = tmp_path_factory.mktemp("pieces")
    for name, data in (("one", encode(tree)), ("cut", b"".join(cut(encode(tree), capacity)))):
        size = max(1, len(data) * percent // 100)
        paths = []
        for number, at in enumerate(range(0, len(data), size)):
            paths.append(folder / f"{name}.{number:03}")
            paths[-1].write_bytes(data[at : at + size])
        with Image.open(paths) as image:
            check_same(image, tree)


MUCH = 64 << 20
"""Bytes of a file that are made room for: a damaged header may say any size, and all be hole."""


def everything(image):
    """Return the contents of all files of an image, and the faults on the way."""
    found, faults = {}, []
    for path, entry, _ in image.names.walk():
        try:
            inode = image.inode(entry.inode)
        except FormatError as error:
            faults.append((path, str(error)))
            continue
        if not inode.is_file:
            continue
        data, told = bytearray(min(inode.size, MUCH)), []
        for at, piece in contents.read(image, inode, told.append):
            data[at : at + len(piece)] = piece
        faults += [(path, fault.message) for fault in told]
        if not told:
            found[path] = bytes(data)
    return found, faults


def node_of(path):
    """Return the node of the sample that a path, perhaps one below `#lost`, stands for."""
    lost, _, rest = path.partition(b"/")
    if lost == b"#lost":
        number, _, below = rest.partition(b"/")
        path = PATHS[int(number)] + (b"/" + below if below else b"")
    return paths_of(sample())[path]


def is_whole(found, faults):
    """Whatever came back without a fault is right, and all else is reported."""
    files = {path: node for path, node in paths_of(sample()).items() if node.size}
    for path, data in found.items():
        assert data == contents_of(node_of(path)), path
    reported = {path for path, _ in faults}
    return {path for path in files if path not in found and path not in reported}


@pytest.mark.parametrize("sequential", [False, True])
@pytest.mark.parametrize("gone", [[k] for k in range(2, 6)] + [[2, 3], [3, 5], [2, 4, 5]])
def test_what_lies_on_other_volumes_comes_back(volumes, gone, sequential):
    for number in gone:
        volumes[number - 1].unlink()
    with Image.open(volumes[0], sequential=sequential) as image:
        found, faults = everything(image)
        missing = [name for name in map(str, volumes) if not os.path.exists(name)]
        told = " ".join([*(message for _, message in faults), *(f.text() for f in image.faults)])
        assert any(f"({name}) is missing" in told or "are missing" in told for name in missing)
        if image.names.lookup(b"k1025") is not None and not sequential:
            assert found
        lost = is_whole(found, faults)
        names = {path for path, _, _ in image.names.walk()}
        assert sequential or not lost & names - {b"link", b"dev"}


def test_a_missing_volume_ends_in_exit_code_1_and_files_of_mode_0600(tmp_path):
    big = encode(sample())
    volumes = store(cut(big, 40), tmp_path / "set")
    with Image.open(volumes[0]) as image:
        record = image.volume.cut.physical(image.inode(image.names.lookup(b"k1024")).record)
    volumes[max(1, record // 40)].unlink()
    with Image.open(volumes[0], trust_map=True) as image:
        report = restore(image, tmp_path / "out", select(image.names, []))
    assert report.exit_code == 1
    assert any(fault.requirement == "DARI-VOL-020" for fault in report.image_faults)


def test_only_volumes_that_are_needed_are_opened(volumes):
    with Image.open(volumes[0]) as image:
        last, front = len(volumes), -(-image.front.files // 9)
        # The last volume as well, where the image ends.
        assert len(image.volume.real.opened) <= front + 1 < last
        places = {path: image.inode(entry.inode) for path, entry, _ in image.names.walk()}
    for path in (b"k1024", b"sub/deep/leaf"):
        with Image.open(volumes[0]) as image:
            before = len(image.volume.real.opened)
            inode = image.inode(places[path].number)
            list(contents.read(image, inode, pytest.fail))
            own = {
                str(volumes[volume - 1])
                for volume in map(Cut(10).volume_of, map(Cut(10).physical, (
                    inode.record, inode.record + inode.run_records - 1
                )))
            }  # fmt: skip
            opened = image.volume.real.opened
            assert set(opened[before:]) <= own
            assert len(opened) == len(set(opened)) < last


def test_listing_and_naming_need_not_open_the_rest(volumes):
    with Image.open(volumes[0]) as image:
        known = volume_set.listed(image.volume)
        assert [one.volume for one in known] == list(range(1, len(volumes) + 1))
        assert [one.name for one in known] == list(map(str, volumes))
        assert sum(one.records for one in known) == sum(p.stat().st_size for p in volumes) // RECORD
        assert len(image.volume.real.opened) < len(volumes)


@pytest.mark.parametrize(("one", "other"), [*itertools.combinations(range(5), 2)])
def test_volumes_that_changed_names_are_put_in_order(volumes, one, other):
    """Shows DARI-VOL-024: names of files decide nothing."""
    with Image.open(volumes[0]) as image:
        right, _ = everything(image)
    first, second = volumes[one].read_bytes(), volumes[other].read_bytes()
    volumes[one].write_bytes(second)
    volumes[other].write_bytes(first)
    volumes[0].with_name("set101").write_bytes(b"no volume")
    os.mkfifo(volumes[0].with_name("set102"))
    for name in (volumes[0], volumes[one], volumes[other], str(volumes[0])[:-3]):
        found = verify(name)
        assert [fault.requirement for fault in found.faults] == ["DARI-VOL-024"]
        with Image.open(name) as image:
            assert everything(image) == (right, [])


def test_a_volume_of_another_image_is_refused(volumes, tmp_path):
    others = store(cut(encode(sample()), 10), tmp_path / "other")
    volumes[2].write_bytes(others[2].read_bytes())
    found = verify(volumes[0])
    assert any(f"{volumes[2]} is of another image" in fault.message for fault in found.faults)
    with Image.open(volumes[0]) as image:
        is_whole(*everything(image))
    with Image.open(volumes) as image:
        _, faults = everything(image)
        told = [*(message for _, message in faults), *(fault.message for fault in image.faults)]
        assert any("is of another image" in message for message in told)


def test_a_volume_that_is_no_volume_is_refused(volumes):
    for junk in (b"", b"x" * 100, os.urandom(10 * RECORD), SAMPLE[: 10 * RECORD]):
        volumes[3].write_bytes(junk)
        told = " ".join(fault.message for fault in verify(volumes[0]).faults)
        assert str(volumes[3]) in told
        with Image.open(volumes[0]) as image:
            is_whole(*everything(image))


def test_a_damaged_first_header_costs_nothing_else(volumes):
    data = bytearray(volumes[3].read_bytes())
    data[940] ^= 1
    volumes[3].write_bytes(data)
    found = verify(volumes[0])
    assert {fault.requirement for fault in found.faults} <= {
        "DARI-VOL-014",
        "DARI-REC-004",
        "DARI-REC-028",
        "DARI-REC-029",
    }
    assert found.faults
    with Image.open(volumes[0]) as image:
        _, faults = everything(image)
        assert not faults


@pytest.mark.parametrize("keep", [0, 1, 500, 3 * RECORD, 9 * RECORD + 7])
@pytest.mark.parametrize("volume", [1, 3])
def test_a_volume_that_is_too_short_is_named(volumes, keep, volume):
    os.truncate(volumes[volume], keep)
    told = " ".join(fault.message for fault in verify(volumes[0]).faults)
    assert str(volumes[volume]) in told
    with Image.open(volumes[0]) as image:
        is_whole(*everything(image))


@FEWER
@given(trees(extended=attributes()), CAPACITIES, st.integers(0, 99))
def test_of_a_missing_volume_nothing_but_it_is_found_wrong(tmp_path_factory, tree, capacity, which):
    """Shows DARI-VOL-020: nothing is said against what is there, sound, on the other volumes."""
    paths = store(cut(encode(tree), capacity), tmp_path_factory.mktemp("set") / "set")
    which %= len(paths)
    paths[which].unlink()
    if len(paths) == 1:
        return
    found = verify(paths[0 if which else 1]).faults
    # Inodes that are there and lack some of their records are named, and those that are not there.
    assert {one.requirement for one in found} <= {"DARI-VOL-020", "DARI-BMP-001"}
    named = [one.record for one in found if one.kind == "volume-missing"]
    assert named == [which * capacity]


def test_what_is_there_without_the_first_volume_is_read(volumes):
    """Shows DARI-VOL-025."""
    volumes[0].unlink()
    for name in (str(volumes[0])[:-3], volumes[2], [*map(str, volumes[1:])]):
        with Image.open(name) as image:
            found = [one for one in image.inodes(image.offsets.inodes) if one.is_file]
            whole = {node.size: contents_of(node) for node in paths_of(sample()).values()}
            told = []
            for one in found:
                data = bytearray(min(one.size, MUCH))
                for at, piece in contents.read(image, one, told.append):
                    data[at : at + len(piece)] = piece
                assert told or data == whole[one.size]
                told.clear()
            assert found
            assert image.faults


@pytest.mark.parametrize("wrong", [[0, 2, 1, 3, *range(4, 99)], [0, 1, 1, *range(2, 99)]])
def test_volumes_in_the_wrong_order_or_twice_are_put_in_order(volumes, wrong):
    """Shows DARI-VOL-024."""
    with Image.open([volumes[at] for at in wrong if at < len(volumes)]) as image:
        found, faults = everything(image)
        assert not faults
        assert is_whole(found, faults) <= {b"link"}
        assert {fault.kind for fault in image.faults} <= {"volume-order", "volume-twice"}
        assert image.faults


def test_a_volume_may_be_left_out_between_others(volumes):
    with Image.open([*volumes[:2], *volumes[3:]]) as image:
        found, faults = everything(image)
        assert found
        assert is_whole(found, faults) <= {b"link", b"dev"}
        told = [*(message for _, message in faults), *(fault.message for fault in image.faults)]
        assert any("volume 3 is missing" in message for message in told)


@pytest.mark.parametrize("field", [12, 16, 160, 164, 444, 700, 888, 892, 896, 940, 970])
def test_each_field_of_a_continuation_header_is_judged(field):
    changed = cut(SAMPLE, 10)
    head = bytearray(changed[2][:RECORD])
    head[field] ^= 4
    changed[2] = sealed(head) + changed[2][RECORD:]
    found = verify(b"".join(changed))
    assert [fault.record for fault in found.faults] == [20]
    assert "continuation header" in found.faults[0].message


@pytest.mark.parametrize("capacity", [0, 1, 2, 7, 11, 49, 2**31, 2**53, 2**63, 2**64 - 1])
def test_lying_capacities(capacity):
    for data in (b"".join(cut(SAMPLE, 10)), poke(SAMPLE, 0, 1018, "<H", 1)):
        lying = poke(data, 0, 960, "<Q", capacity)
        try:
            assert not verify(lying).good
            with Image.open(lying) as image:
                everything(image)
        except FormatError as error:
            assert error.requirement in {"DARI-VOL-012", None}


@pytest.mark.parametrize("capacity", [11, 20, 30, 49])
def test_a_second_volume_that_is_elsewhere_is_told_when_an_image_is_opened(capacity):
    """Shows DARI-VOL-023."""
    joined = b"".join(cut(SAMPLE, 10))
    with Image.open(poke(joined, 0, 960, "<Q", capacity)) as image:
        told = [(fault.record, fault.requirement) for fault in image.faults]
        assert (capacity, "DARI-VOL-014") in told
    with Image.open(joined) as image:
        assert not image.faults


def test_an_image_is_cut_whether_or_not_its_features_say_so():
    """Shows DARI-VOL-023."""
    joined = poke(b"".join(cut(SAMPLE, 10)), 0, 1018, "<H", 0)
    with Image.open(joined) as image, Image.open(SAMPLE) as whole:
        assert everything(image) == everything(whole)
    broken = {fault.requirement for fault in verify(joined).faults}
    assert "DARI-VOL-010" in broken


@pytest.mark.parametrize("total", [0, 1, 9, 10, 2**40, 2**53, 2**63, 2**64 - 1])
def test_lying_totals(tmp_path, total):
    volumes = cut(SAMPLE, 10)
    volumes[0] = poke(volumes[0], 0, 968, "<Q", total)
    paths = store(volumes, tmp_path / "set")
    for image in (paths[0], b"".join(volumes)):
        try:
            assert not verify(image).good
            with Image.open(image) as opened:
                everything(opened)
        except FormatError as error:
            assert error.requirement in {"DARI-VOL-012", None}


@RELAXED
@given(damages, st.sampled_from([10, 20, 40]), st.booleans())
def test_damaged_volumes_are_read_as_far_as_they_go(what, capacity, sequential):
    data = damage(b"".join(cut(SAMPLE, capacity)), what)
    try:
        with Image.open(data, sequential=sequential) as image:
            everything(image)
        verify(data)
    except DarimageError:
        pass


@FEWER
@given(damages, st.integers(0, 4))
def test_damaged_volumes_of_a_set(tmp_path_factory, what, which):
    paths = store(cut(SAMPLE, 10), tmp_path_factory.mktemp("set") / "set")
    paths[which].write_bytes(damage(paths[which].read_bytes(), what))
    try:
        with Image.open(paths[0]) as image:
            everything(image)
        verify(paths[0])
    except DarimageError:
        pass


def test_record_numbers_that_are_told_are_real(volumes):
    with Image.open(SAMPLE) as one:
        logical = one.inode(one.names.lookup(b"k1025")).record
    record = Cut(10).physical(logical)
    data = bytearray(b"".join(path.read_bytes() for path in volumes))
    assert struct.unpack_from("<i", data, record * RECORD)[0] == 2
    data[record * RECORD + 40] ^= 1
    for number, path in enumerate(volumes):
        path.write_bytes(data[number * 10 * RECORD : (number + 1) * 10 * RECORD])
    found = verify(volumes[0])
    assert (record, str(volumes[record // 10])) in [(f.record, f.volume) for f in found.faults]
    with Image.open(volumes[0]) as image, pytest.raises(FormatError) as error:
        image.inode(image.names.lookup(b"k1025"))
    assert f"{volumes[record // 10]}: record {record}" in str(error.value)


@RELAXED
@given(trees(), CAPACITIES, st.data(), st.booleans())
def test_without_some_volumes_what_comes_back_is_right(
    tmp_path_factory, tree, capacity, data, sequential
):
    paths = store(cut(encode(tree), capacity), tmp_path_factory.mktemp("set") / "set")
    gone = data.draw(st.sets(st.integers(1, len(paths) - 1), max_size=3)) if paths[1:] else ()
    for number in gone:
        paths[number].unlink()
    wanted = {path: node for path, node in paths_of(tree).items() if stat.S_ISREG(node.mode)}
    with Image.open(paths[0], sequential=sequential, trust_map=not sequential) as image:
        found, faults = everything(image)
        for path, held in found.items():
            assert held == contents_of(wanted[path])
        if not gone:
            assert found.keys() == wanted.keys()
        elif found.keys() != wanted.keys():
            told = [*(message for _, message in faults), *(fault.message for fault in image.faults)]
            assert any("missing" in message for message in told)
