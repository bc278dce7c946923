"""URLs are read, never written: whatever option names one, nothing of that name appears."""

from __future__ import annotations

import os
import re

import pytest
from click.testing import CliRunner

from darimage.cli import main
from darimage.errors import UsageError
from darimage.image.writer import Options, create
from darimage.restore.wish import Wish
from darimage.sources.memory import MemorySource, Node
from darimage.volumes.writing import FileSink

URLS = (
    "https://alice:secret@host.invalid/x.dari?key=secret",
    "s3://bucket/x",
    "sftp://h.invalid/x",
)

OUTPUTS = {
    "image": "create source {}",
    "volumes": "create --volume-size 1M source {}",
    "tape": "create source {}.tap",
    "tapes": "create --tape-size 1M source {}",
    "catalogue": "create --level 0 --catalog {} source new.dari",
    "tree": "restore a.dari {}",
    "picture": "restore --plan --drive lto-5 --picture {}.svg a.dari out",
    "streams": "restore --streams beside={} a.dari out",
    "report": "validate --output {}.json a.dari",
    "report in a form": "validate --output json:{} a.dari",
    "baseline": "validate --write-baseline {} a.dari",
    "model": "drive measure nothing -o {}",
    "verdicts": "conformance run --report {} javascript",
    "JUnit": "conformance run --junit {} javascript",
    "page": "conformance run --html {} javascript",
    "answers": "conformance run --keep {} javascript",
    "suite": "conformance export {}",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "source").mkdir()
    create(MemorySource(Node.directory()), FileSink("a.dari"), Options())
    return tmp_path


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("words", OUTPUTS.values(), ids=OUTPUTS)
def test_a_url_is_refused_as_an_output(words, url, folder):
    before = sorted(os.listdir(folder))
    done = CliRunner().invoke(main, [word.format(url) for word in words.split()])
    assert done.exit_code == 2, done.output
    assert re.search(r"is a URL, and those are only read", done.output)
    assert "secret" not in done.output
    assert sorted(os.listdir(folder)) == before


def test_a_path_that_looks_like_one_can_be_meant(folder):
    (folder / "s3:").mkdir()
    done = CliRunner().invoke(main, ["create", "source", "./s3://x.dari"])
    assert done.exit_code == 0, done.output
    assert (folder / "s3:/x.dari").exists()


def test_streams_beside_a_url():
    with pytest.raises(UsageError, match="is a URL"):
        Wish.parse("depot=https://host.invalid/x")
