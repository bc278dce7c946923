"""Packed images are named for what they are, wherever an image is looked for."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import subprocess
import zipfile

import pytest
from click.testing import CliRunner
from test_restore_run import image_of

from darimage.cli import main
from darimage.errors import FormatError
from darimage.image.reader import Image
from darimage.image.writer import Options, create
from darimage.sources.memory import MemorySource, Node
from darimage.volumes.file_set import FileSet
from darimage.volumes.heads import packed
from darimage.volumes.reading import MemoryVolume

TREE = Node.directory({b"f": Node.file(b"data" * 1000)})


def by_program(*words):
    def run(data):
        if shutil.which(words[0]) is None:
            pytest.skip(f"{words[0]} is not installed")
        return subprocess.run(words, input=data, capture_output=True, check=True).stdout

    return run


def zipped(data, tmp_path):
    with zipfile.ZipFile(tmp_path / "zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.dari", data)
    return (tmp_path / "zip").read_bytes()


PACKERS = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "zstd": by_program("zstd", "-c"),
    "lz4": by_program("lz4", "-c"),
    "lzop": by_program("lzop", "-c"),
    "lzip": by_program("lzip", "-c"),
    "compress": by_program("compress", "-f", "-c"),
    "zip": zipped,
}


@pytest.fixture(scope="module")
def data():
    return image_of(TREE).volume.read_at(0, 1 << 30)


@pytest.mark.parametrize("name", PACKERS)
@pytest.mark.parametrize("size", [1, 1 << 22])
def test_each_packer_is_named(name, size, data, tmp_path):
    data += bytes(size)  # Also more than what is searched for a header.
    pack = PACKERS[name]
    made = pack(data, tmp_path) if pack is zipped else pack(data)
    with pytest.raises(FormatError, match=f"not a dump image; it is packed by {name} \\("):
        Image.open(MemoryVolume(made))


COMMANDS = ("info", "list", "verify", "validate", "restore", "catalog rebuild")


@pytest.mark.parametrize("name", ["a.dari.gz", "a.tap", "a.aws", "a001"])
@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_says_it(command, name, data, tmp_path):
    (tmp_path / name).write_bytes(gzip.compress(data))
    rest = {"restore": ["out"], "catalog rebuild": ["--catalog", str(tmp_path / "c")]}
    words = [*command.split(), str(tmp_path / name), *rest.get(command, [])]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 1
    assert "it is packed by gzip (`gzip -dc` unpacks it)" in done.output


@pytest.mark.parametrize("number", [2, 3])
def test_a_packed_volume_of_a_set(number, tmp_path):
    sink = FileSet(str(tmp_path / "v"), 40 * 1024)
    tree = Node.directory({b"f": Node.file(b"x" * 90_000)})
    create(MemorySource(tree), sink, Options(volume_records=40))
    path = tmp_path / f"v00{number}"
    path.write_bytes(gzip.compress(path.read_bytes()))
    done = CliRunner().invoke(main, ["verify", str(tmp_path / "v")])
    assert done.exit_code == 1
    assert "it is packed by gzip" in done.output


def test_what_is_not_packed_is_not_called_so(data):
    for front in (b"", b"\x1f", b"PK", b"BZ", bytes(1024), b"x" * 1024, data[:1024]):
        assert packed(front) == ""
