"""``create --reproducible``: one tree, the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid

import pytest

from darimage.image.reader import Image


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    (root / "below").mkdir(parents=True)
    (root / "below" / "file").write_bytes(b"x" * 700_000)
    with open(root / "sparse", "wb") as sparse:
        sparse.truncate(1 << 20)
    (root / "link").symlink_to("below")
    os.link(root / "below" / "file", root / "second")
    os.mkfifo(root / "fifo")
    for name in range(50):
        (root / f"small{name}").write_bytes(b"%d" % name * name)
    return root


def create(tree, image, *options, **environment):
    command = [sys.executable, "-m", "darimage", "create", "-q", "--force", *options, tree, image]
    environment = {**os.environ, **environment}
    run = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=60)
    return run, image.read_bytes() if run.returncode == 0 else b""


def test_same_bytes_whatever_was_read_and_however_many_work(tree, tmp_path):
    _, first = create(tree, tmp_path / "image", "--reproducible", "--workers", "1")
    os.readlink(tree / "link")
    os.utime(tree / "sparse", ns=(time.time_ns(), os.stat(tree / "sparse").st_mtime_ns))
    once_more = create(tree, tmp_path / "image", "--reproducible", "--workers", "1")[1]
    assert once_more != first  # utime changed its ctime
    (tree / "below" / "file").read_bytes()
    time.sleep(1.1)
    assert create(tree, tmp_path / "image", "--reproducible", "--workers", "3")[1] == once_more
    assert create(tree, tmp_path / "image")[1] != once_more


def test_date_and_uuid(tree, tmp_path):
    create(tree, tmp_path / "image", "--reproducible")
    with Image.open(tmp_path / "image") as image:
        newest = max(
            int(max(info.st_mtime, info.st_ctime))
            for info in (os.lstat(path) for path in [tree, *tree.rglob("*")])
        )
        assert image.identity.date == newest
        first = uuid.UUID(bytes=image.identity.uuid)
    assert (first.version, first.variant) == (8, uuid.RFC_4122)
    create(tree, tmp_path / "image", "--reproducible", SOURCE_DATE_EPOCH="1700000000")
    with Image.open(tmp_path / "image") as image:
        assert image.identity.date == 1_700_000_000
    os.chmod(tree / "small1", 0o600)
    create(tree, tmp_path / "image", "--reproducible")
    with Image.open(tmp_path / "image") as image:
        assert uuid.UUID(bytes=image.identity.uuid) != first


def test_date_that_is_none(tree, tmp_path):
    run, _ = create(tree, tmp_path / "image", "--reproducible", SOURCE_DATE_EPOCH="yesterday")
    assert run.returncode == 2
    assert b"SOURCE_DATE_EPOCH" in run.stderr
    assert not (tmp_path / "image").exists()
