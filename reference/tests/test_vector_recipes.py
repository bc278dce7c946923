"""Images of recipes hold what the recipe says, and dialects are what others know them to be."""

from __future__ import annotations

import hashlib
import shutil
import stat
import struct
import subprocess

import pytest
from support import dialect
from support.images import contents_of, old_entries, paths_of

from darimage.conformance import trees
from darimage.conformance.dialects import encode_runs
from darimage.conformance.vectors import Suite
from darimage.sections import holes

SUITE = Suite()
RECIPES = [vector for vector in SUITE if vector.parent is None]
BLOCK = 1024
KINDS = {
    stat.S_IFDIR: "directory",
    stat.S_IFREG: "file",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "character",
    stat.S_IFBLK: "block",
}


def octets(told):
    return trees.octets(told.get("text", told))


def extents(node, *, plain):
    """Return the blocks that a node's data touches, as pairs of first and count.

    The last block of a file is always there; a plain dump cannot say that it stands for a hole.
    """
    touched = {
        block
        for at, piece in node.data.items()
        for block in range(at // BLOCK, -(-(at + len(piece)) // BLOCK))
    }
    blocks = sorted(touched | ({(node.size - 1) // BLOCK} if plain and node.size else set()))
    found = []
    for block in blocks:
        if found and sum(found[-1]) == block:
            found[-1][1] += 1
        else:
            found.append([block, 1])
    return [[str(first), str(count)] for first, count in found]


@pytest.mark.parametrize("vector", RECIPES, ids=lambda vector: vector.name)
def test_an_inventory_is_what_the_recipe_says(vector):
    """The recipe is read here by code that knows nothing of images."""
    nodes = paths_of(trees.tree(vector.told["recipe"]["tree"]))
    told = {octets(path): one for one in vector.expected["inodes"] for path in one["paths"]}
    if vector.told["recipe"]["options"].get("level"):
        nodes = {path: node for path, node in nodes.items() if node.changed}
    assert told.keys() == nodes.keys()
    plain = "dump" in vector.told["features"]
    for path, node in nodes.items():
        one = told[path]
        assert one["type"] == KINDS[stat.S_IFMT(node.mode)]
        assert int(one["mode"], 8) == stat.S_IMODE(node.mode)
        assert (one["uid"], one["gid"]) == (node.uid, node.gid)
        cut = 1000 if plain else 1
        assert int(one["mtime"]) == node.mtime_ns // cut * cut
        assert int(one["ctime"]) == node.ctime_ns // cut * cut
        assert one.get("rdev", 0) == node.rdev
        if stat.S_ISLNK(node.mode):
            assert octets(one["target"]) == node.target
        if stat.S_ISREG(node.mode):
            assert int(one["size"]) == node.size
            assert one["sha256"] == hashlib.sha256(contents_of(node)).hexdigest()
            assert one["extents"] == extents(node, plain=plain)
        assert [octets(s["name"]) for s in one.get("streams", [])] == sorted(node.streams)
        assert ("sddl" in one) == (node.nt_acl is not None)
        assert ("xattrs" in one) == bool(node.xattrs)


def converted(convert, name, tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(SUITE.image(SUITE[name]))
    convert(source, target)
    return target.read_bytes()


@pytest.mark.parametrize("name", ["dump"])
def test_big_endian_dumps_are_what_the_c_headers_say(name, tmp_path):
    """`support.dialect` swaps by offsets that were typed from the headers of `dump`."""
    swapped = converted(dialect.to_big_endian, f"dialects/{name}-le", tmp_path)
    assert swapped == SUITE.image(SUITE[f"dialects/{name}-be"])


def test_run_coded_dumps_are_what_dump_writes(tmp_path):
    coded = converted(dialect.to_run_coded, "dialects/dump-le", tmp_path)
    assert coded == SUITE.image(SUITE["dialects/runs-le"])


def test_old_dumps_are_what_the_c_headers_say():
    made = b""
    for piece in dialect.pieces(SUITE.image(SUITE["dialects/dump-le"])):
        struct.pack_into("<I", piece.header, dialect.FLAGS_AT, 0)
        struct.pack_into("<II", piece.header, 32 + 112, 0, 0)
        data = b"".join(piece.records)
        if piece.is_directory:
            (size,) = struct.unpack_from("<Q", piece.header, dialect.SIZE_AT)
            data = old_entries(data[:size]) + data[size:]
        struct.pack_into("<I", piece.header, dialect.CHECKSUM_AT, 0)
        total = sum(struct.unpack("<256I", piece.header))
        struct.pack_into("<I", piece.header, dialect.CHECKSUM_AT, (84446 - total) % 2**32)
        made += piece.header + data
    assert made == SUITE.image(SUITE["dialects/old-le"])


@pytest.mark.skipif(shutil.which("restore") is None, reason="Debian's package dump is not there")
def test_linux_restore_reads_dumps_on_volumes(tmp_path):
    """A file that goes on over several volumes comes back as it was."""
    vector = SUITE["dialects/volumes"]
    for name, data in SUITE.files(vector):
        (tmp_path / name).write_bytes(data)
    command = ["restore", "-r", "-M", "-y", "-f", tmp_path / "image"]
    subprocess.run(command, cwd=tmp_path, stdin=subprocess.DEVNULL, check=True, timeout=60)
    (told,) = (one for one in vector.expected["inodes"] if one["paths"] == [{"text": "k600000"}])
    assert hashlib.sha256((tmp_path / "k600000").read_bytes()).hexdigest() == told["sha256"]


@pytest.mark.parametrize("runs", [[1], [64], [65], [16447, 16448], [3, 70, 40000, 1]])
def test_coded_runs_are_read_back(runs):
    present = b"".join(bytes([k % 2]) * count for k, count in enumerate(runs))
    coded = encode_runs(present)
    back = b"".join(
        bytes([value]) * count for value, count in holes.runs(coded.ljust(512, b"\0"), len(coded))
    )
    assert back == present
