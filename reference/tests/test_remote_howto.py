"""docs/howto/remote.rst, tried as written on a server of our own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from support.object_store import object_store, put
from support.range_server import range_server

from darimage.image.writer import Options, create
from darimage.sources.memory import MemorySource, Node
from darimage.validate.verify import verify
from darimage.volumes.file_set import FileSet
from darimage.volumes.reading import MemoryVolume
from darimage.volumes.writing import MemorySink

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "remote.rst"
FILE, FOLDER = 0o100644, 0o40755


def lines_of(page):
    """The commands of a page: indented lines behind ``::`` that call the program."""
    return re.findall(r"^    (darimage .*)$", page, re.MULTILINE)


def tree():
    mail = Node(FOLDER, children={b"inbox": Node(FILE, size=5, data={0: b"dear\n"})})
    big = Node(FILE, size=300_000, data={0: b"b" * 300_000})
    return Node(
        FOLDER,
        children={
            b"alice": Node(FOLDER, children={b"mail": mail, b"x": Node(FILE)}),
            b"bob": Node(FOLDER, children={b"big": big}),
        },
    )


def images(folder):
    """Return what the page has on its server, by path."""
    sink = MemorySink()
    create(MemorySource(tree()), sink, Options())
    create(MemorySource(tree()), FileSet(folder / "set.", 60 * 1024), Options(volume_records=60))
    made = {f"/{path.name}": path.read_bytes() for path in folder.iterdir()}
    assert len(made) > 5
    return {"/home.dari": bytes(sink.data), **made}


def test_the_page_as_written(tmp_path):
    (tmp_path / "volumes").mkdir()
    served = images(tmp_path / "volumes")
    commands = lines_of(PAGE.read_text())
    assert len(commands) >= 7
    with range_server() as server, object_store() as (place, environment):
        for path, data in served.items():
            server.put(path, MemoryVolume(data))
        put(f"{place}/backups", b"")
        put(f"{place}/backups/home.dari", served["/home.dari"])
        environment["PYTHONPATH"] = ":".join(sys.path)
        for command in commands:
            for user in ("", "alice:secret@"):
                ours = server.url.replace("://", f"://{user}")
                command = command.replace(f"https://{user}backup.example.org", ours)
            command = command.replace("/tmp/", f"{tmp_path}/")
            command = command.replace("create -q /home", f"create -q {tmp_path}/volumes")
            command = command.replace("aws s3 cp - s3://bucket/home.dari", f"cat > {tmp_path}/sent")
            command = command.replace("darimage", f"{sys.executable} -m darimage", 1)
            run = subprocess.run(
                command, shell=True, capture_output=True, env=environment, check=False, text=True
            )
            # Without root the owners of the image are noted.
            said = [line for line in run.stderr.splitlines() if "darimage: note: " not in line]
            assert (run.returncode, said) == (0, []), command
            assert "secret" not in run.stdout
    assert (tmp_path / "back/alice/mail/inbox").read_bytes() == b"dear\n"
    assert not (tmp_path / "back/bob").exists()
    assert (tmp_path / "back-s3/alice/mail/inbox").read_bytes() == b"dear\n"
    assert verify(str(tmp_path / "sent")).good
    assert (tmp_path / "back-set/bob/big").read_bytes() == b"b" * 300_000
