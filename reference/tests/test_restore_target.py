"""Nothing is written but below the destination, and nothing there is lost (DARI-SAF-002, -005)."""

from __future__ import annotations

import errno
import os
import resource
import stat

import pytest
from support import trees

from darimage.errors import FormatError, StorageError
from darimage.restore.target import DestinationError, Target, TargetError, failure

ROOT = 2


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    yield folder
    trees.remove(folder)


def chain(levels, name=b"d"):
    """Places of directories 3, 4, ... each inside the one before."""
    return {number: (number - 1, name) for number in range(3, 3 + levels)}


def open_at(folder, places, **options):
    return Target.at(folder, places.__getitem__, **options)


def make_all(target, places):
    for parent, name in places.values():
        target.make_directory(parent, name, 0o700)


def test_the_destination_is_made_but_not_its_parent(tmp_path):
    with open_at(tmp_path / "new", {}, mode=0o700):
        assert stat.S_IMODE(os.stat(tmp_path / "new").st_mode) == 0o700
    with pytest.raises(StorageError, match="No such file"):
        open_at(tmp_path / "no" / "new", {})


@pytest.mark.parametrize("kind", ["file", "dangling"])
def test_a_destination_that_is_no_directory(tmp_path, kind):
    place = tmp_path / "place"
    if kind == "file":
        place.write_bytes(b"precious")
    else:
        place.symlink_to("nowhere")
    with pytest.raises(StorageError, match="place"):
        open_at(place, {})


def test_a_destination_that_is_a_link_to_a_directory_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with open_at(tmp_path / "link", {}) as target:
        target.make_file(ROOT, b"f")
    assert (tmp_path / "real/f").exists()


BAD_NAMES = (b"", b".", b"..", b"a/b", b"/etc", b"a\0b", b"n" * 256, b"../x")


@pytest.mark.parametrize("name", BAD_NAMES)
def test_bad_names_are_refused_by_everything(out, name):
    with open_at(out, {3: (ROOT, name)}) as target:
        for attempt in (
            lambda: target.make_directory(ROOT, name, 0o700),
            lambda: target.make_file(ROOT, name),
            lambda: target.make_symlink(ROOT, name, b"t"),
            lambda: target.make_node(ROOT, name, stat.S_IFIFO),
            lambda: target.make_link(ROOT, name, (ROOT, b"x")),
            lambda: target.directory(3),
        ):
            with pytest.raises(FormatError) as caught:
                attempt()
            assert caught.value.requirement == "DARI-DIR-007"
    assert os.listdir(out) == []


def test_files_are_made_empty_and_private(out):
    with open_at(out, {3: (ROOT, b"d")}) as target:
        target.make_directory(ROOT, b"d", 0o700)
        target.make_file(3, b"f")
        fd, status = target.open_file(3, b"f")
        os.close(fd)
    assert (stat.S_IMODE(status.st_mode), status.st_size) == (0o600, 0)


@pytest.mark.parametrize("kind", ["file", "link", "dangling", "fifo", "directory"])
def test_what_exists_is_kept(out, tmp_path, kind):
    """Shows DARI-SAF-005."""
    outside = tmp_path / "outside"
    outside.write_bytes(b"precious")
    with open_at(out, {}) as target:
        occupy(out / "f", kind, outside)
        before = os.lstat(out / "f")
        for attempt in (
            lambda: target.make_file(ROOT, b"f"),
            lambda: target.make_symlink(ROOT, b"f", b"t"),
            lambda: target.make_node(ROOT, b"f", stat.S_IFIFO),
        ):
            with pytest.raises(TargetError, match="exists"):
                attempt()
        assert os.lstat(out / "f") == before
    assert outside.read_bytes() == b"precious"


@pytest.mark.parametrize("kind", ["file", "link", "dangling", "fifo"])
def test_overwriting_replaces_and_never_writes_through(out, tmp_path, kind):
    """Shows DARI-SAF-005."""
    outside = tmp_path / "outside"
    outside.write_bytes(b"precious")
    with open_at(out, {}, existing="replace") as target:
        occupy(out / "f", kind, outside)
        before = os.lstat(out / "f")
        assert not target.make_file(ROOT, b"f")
        for is_whole in (False, True):
            with target.beside(ROOT, b"f") as one:
                os.write(one.fd, b"new")
                assert os.lstat(out / "f") == before
                one.is_whole = is_whole
        assert os.listdir(out) == ["f"]
    assert (out / "f").read_bytes() == b"new"
    assert outside.read_bytes() == b"precious"
    assert not (tmp_path / "nowhere").exists()


def test_what_fails_meanwhile_leaves_what_was_there(out):
    with open_at(out, {}, existing="replace") as target:
        occupy(out / "f", "file", out)
        with pytest.raises(KeyboardInterrupt), target.beside(ROOT, b"f"):
            raise KeyboardInterrupt
        with pytest.raises(TargetError, match="kept"):
            target.make_link(ROOT, b"f", (ROOT, b"f"), may_replace=False)
        target.make_symlink(ROOT, b"g", b"t")
        target.make_link(ROOT, b"f", (ROOT, b"g"))
        assert os.readlink(out / "f") == "t"
        target.make_link(ROOT, b"f", (ROOT, b"g"))
    assert sorted(os.listdir(out)) == ["f", "g"]


def test_overwriting_never_removes_a_directory(out):
    with open_at(out, {}, existing="replace") as target:
        (out / "f").mkdir()
        (out / "f/inside").write_bytes(b"precious")
        with pytest.raises(TargetError, match="directory") as caught:
            target.make_file(ROOT, b"f")
        assert caught.value.kind == "exists"
    assert (out / "f/inside").read_bytes() == b"precious"


def occupy(path, kind, outside):
    match kind:
        case "file":
            path.write_bytes(b"there before")
        case "link":
            path.symlink_to(outside)
        case "dangling":
            path.symlink_to("../nowhere")
        case "fifo":
            os.mkfifo(path)
        case "directory":
            path.mkdir()


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("kind", ["file", "link", "directory-link"])
def test_no_way_leads_through_what_is_no_directory(out, tmp_path, kind, overwrite):
    outside = tmp_path / "outside"
    outside.mkdir()
    with open_at(out, {3: (ROOT, b"d")}, existing="replace" if overwrite else "fail") as target:
        if kind == "directory-link":
            (out / "d").symlink_to(outside)
        else:
            occupy(out / "d", kind, tmp_path / "x")
        with pytest.raises(TargetError, match="in the way") as caught:
            target.make_directory(ROOT, b"d", 0o700)
        assert caught.value.kind == "blocked"
        with pytest.raises(TargetError, match="in the way"):
            target.make_file(3, b"f")
    assert list(outside.iterdir()) == []


def test_a_directory_that_is_there_is_kept(out):
    with open_at(out, {3: (ROOT, b"d")}) as target:
        (out / "d").mkdir()
        (out / "d").chmod(0o750)
        (out / "d/before").touch()
        target.make_directory(ROOT, b"d", 0o700)
        target.make_file(3, b"f")
    assert sorted(os.listdir(out / "d")) == ["before", "f"]
    assert stat.S_IMODE(os.stat(out / "d").st_mode) == 0o750


def test_a_directory_swapped_for_a_link_is_not_followed(out, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    places = {3: (ROOT, b"a"), 4: (3, b"b")} | {n: (ROOT, b"%d" % n) for n in range(5, 9)}
    with open_at(out, places, descriptors=2) as target:
        make_all(target, places)
        for number in range(5, 9):
            target.directory(number)
        (out / "a").rename(out / "moved")
        (out / "a").symlink_to(outside)
        with pytest.raises(TargetError, match="in the way: a symbolic link"):
            target.make_file(4, b"f")
        with pytest.raises(TargetError, match="in the way: a symbolic link"):
            target.make_file(3, b"f")
    assert list(outside.iterdir()) == []


SWAPS = {
    "a link": os.symlink,
    "a hard link": os.link,
    "a full file": lambda _, path: path.write_bytes(b"not ours"),
    "a fifo": lambda _, path: os.mkfifo(path),
    "a directory": lambda _, path: path.mkdir(),
    "nothing": lambda *_: None,
}


@pytest.mark.parametrize("swap", SWAPS)
@pytest.mark.parametrize("content", [b"", b"precious"])
def test_a_file_swapped_during_the_run_is_not_written(out, tmp_path, swap, content):
    outside = tmp_path / "outside"
    outside.write_bytes(content)
    os.link(outside, tmp_path / "outside-too")
    with open_at(out, {}) as target:
        target.make_file(ROOT, b"f")
        (out / "f").unlink()
        SWAPS[swap](outside, out / "f")
        with pytest.raises(TargetError):
            target.open_file(ROOT, b"f")
    assert outside.read_bytes() == content


def test_directories_that_lead_in_a_circle(out):
    circle = {3: (4, b"a"), 4: (5, b"b"), 5: (3, b"c")}
    with open_at(out, circle) as target, pytest.raises(TargetError, match="circle"):
        target.directory(4)


def test_paths_beyond_path_max(out):
    places = chain(100, b"n" * 250)
    with open_at(out, places, descriptors=4) as target:
        make_all(target, places)
        target.make_file(102, b"leaf")
        for number in reversed(places):
            os.fchmod(target.directory(number), 0o755)
        fd, _ = target.open_file(102, b"leaf")
        os.close(fd)


def test_descriptors_are_bounded(out):
    places = {n: (ROOT, b"%d" % n) for n in range(3, 403)}
    places |= {n + 400: (n, b"deeper") for n in list(places)}
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (held + 150, hard))
    try:
        with open_at(out, places) as target:
            make_all(target, places)
            for number in places:
                target.make_file(number, b"f")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(os.listdir("/proc/self/fd")) == held
    assert sum(len(files) for _, _, files in os.walk(out)) == 800


def test_descriptors_given_up_on_a_way_that_ends_are_not_used_again(out):
    places = chain(6) | {20: (ROOT, b"other"), 21: (20, b"x")}
    with open_at(out, places, descriptors=2) as target:
        make_all(target, places)
        (out / "d/d/d/d/d/d").rmdir()
        (out / "d/d/d/d/d/d").touch()
        target.make_file(21, b"before")
        with pytest.raises(TargetError, match="in the way"):
            target.make_file(8, b"lost")
        target.make_file(21, b"after")
    assert sorted(os.listdir(out / "other/x")) == ["after", "before"]


def test_links_between_directories_with_few_descriptors(out):
    places = chain(6, b"d") | {20: (ROOT, b"e"), 21: (20, b"e"), 22: (21, b"e")}
    with open_at(out, places, descriptors=2) as target:
        make_all(target, places)
        target.make_file(8, b"f")
        target.make_link(22, b"g", (8, b"f"))
        target.make_link(8, b"h", (8, b"f"))
    deep = out / "d/d/d/d/d/d"
    assert os.stat(deep / "f").st_ino == os.stat(out / "e/e/e/g").st_ino
    assert os.stat(deep / "h").st_nlink == 3


def test_a_link_to_a_symbolic_link_does_not_follow_it(out):
    with open_at(out, {}) as target:
        target.make_symlink(ROOT, b"s", b"/etc/passwd")
        target.make_link(ROOT, b"t", (ROOT, b"s"))
    assert os.readlink(out / "t") == "/etc/passwd"
    assert os.lstat(out / "t").st_ino == os.lstat(out / "s").st_ino


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
def test_what_ends_the_run(number):
    with pytest.raises(DestinationError, match="destination: ") as caught:
        failure(OSError(number, os.strerror(number)), "x")
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENAMETOOLONG, errno.EFBIG, errno.ENOENT])
def test_what_concerns_one_file(number):
    told = failure(OSError(number, os.strerror(number)), "cannot be made")
    assert str(told) == f"cannot be made: {os.strerror(number)}"
