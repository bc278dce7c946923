"""An S3 server: moto's, in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager


@contextmanager
def object_store():
    """Run a server; yield its address, and the environment in which ``s3://`` means it."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    place = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(place, running)
        yield (
            place,
            {
                **os.environ,
                "AWS_ENDPOINT_URL": place,
                "AWS_ACCESS_KEY_ID": "testing",
                "AWS_SECRET_ACCESS_KEY": "testing",
                "AWS_DEFAULT_REGION": "us-east-1",
            },
        )
    finally:
        running.terminate()
        running.wait()


def _wait_for(place, running):
    until = time.monotonic() + 60
    while True:
        try:
            return urllib.request.urlopen(place, timeout=5).close()
        except OSError:
            assert time.monotonic() < until
            assert running.poll() is None
            time.sleep(0.1)


def put(place, body):
    """Make a bucket or an object."""
    # By default urllib calls it a form, and the server would look for fields in it.
    kind = {"Content-Type": "application/octet-stream"}
    request = urllib.request.Request(place, body, kind, method="PUT")
    urllib.request.urlopen(request, timeout=60).close()
