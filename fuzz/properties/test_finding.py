"""What is wrong is noticed: planted failures of each kind, and what becomes of them."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from types import SimpleNamespace

import pytest
from fuzz import __main__ as driver
from fuzz import worker
from fuzz.limits import Hang, in_memory, in_time
from fuzz.mutating import mutate_image, resealed
from fuzz.seeds import all_images
from fuzz.targets import bring

from darimage.errors import FormatError
from darimage.validate.verify import verify


def fail(data):
    if data == b"bad":
        raise KeyError("planted")
    if data == b"worse":
        raise ValueError("planted")


def grow(data):
    # Whatever tests before this one took, it is more.
    so_far = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    bytearray(b"\1") * (so_far + (256 << 20))


def hang(data):
    while True:
        pass


def test_each_failure_is_kept_once(tmp_path, capsys):
    watch = worker.Watch(SimpleNamespace(one=fail), tmp_path)
    for data in (b"good", b"bad", b"bad", b"worse"):
        watch(data)
    assert (watch.tried, watch.found) == (4, 2)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["what"] for one in told] == ["KeyError: 'planted'", "ValueError: planted"]
    assert sorted(path.read_bytes() for path in tmp_path.glob("*.bin")) == [b"bad", b"worse"]
    again = worker.Watch(SimpleNamespace(one=fail), tmp_path)
    again(b"bad")
    assert again.found == 0


def test_what_takes_memory_or_time_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "in_time", lambda: in_time(0.2))
    for target in (grow, hang):
        watch = worker.Watch(SimpleNamespace(one=target), tmp_path)
        watch(b"")
        assert watch.found == 1
    with pytest.raises(Hang), in_time(0.1):
        hang(b"")
    with pytest.raises(AssertionError, match="allowed"), in_memory(1 << 20):
        grow(b"")


def test_what_is_written_outside_is_found(tmp_path):
    (tmp_path / "canary").mkdir()
    (tmp_path / "canary/file").write_bytes(b"here before")
    before = bring.state(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/inside").write_bytes(b"")
    bring.check_outside(tmp_path, before)
    (tmp_path / "canary/more").write_bytes(b"")
    with pytest.raises(AssertionError, match="outside"):
        bring.check_outside(tmp_path, before)


@pytest.mark.parametrize(("told", "code"), [('{"new": "/a/path", "what": "x"}', 1), ("{}", 0)])
def test_findings_are_told_and_end_with_1(told, code, tmp_path, monkeypatch, capsys):
    done = subprocess.CompletedProcess([], 0, told, "stat::number_of_executed_units: 7")
    monkeypatch.setattr(driver, "_run", lambda *_: done)
    monkeypatch.setattr(
        sys, "argv", ["fuzz", "--minutes", "0.01", "--place", str(tmp_path), "decode"]
    )
    ticks = iter([0.0, 0.0, 9.0, 9.0])
    monkeypatch.setattr(driver, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    assert driver.main() == code
    said = capsys.readouterr().out
    assert "7 inputs" in said
    assert "NOT guided by coverage" in said
    assert ("/a/path" in said) == bool(code)


CHECKS = {"DARI-REC-003", "DARI-REC-004", "DARI-REC-028", "DARI-REC-029"}
"""What a header or record that was changed and not sealed again does not obey."""


def broken_by(data):
    """Return the requirements that an image does not obey."""
    try:
        return {fault.requirement for fault in verify(data).faults}
    except FormatError as error:
        return {error.requirement}


def test_mutations_reach_beyond_the_checksums():
    """Most are no longer good, and of many more is wrong than checksums."""
    image = max(all_images()[:40], key=lambda data: verify(data).good)
    told = [broken_by(mutate_image(image, len(image), seed)) for seed in range(40)]
    assert sum(map(bool, told)) > 20
    assert sum(bool(one - CHECKS) for one in told) > 15
    assert resealed(image) == image
