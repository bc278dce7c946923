"""A web server that gives ranges of images, slowly, and lies on demand; on real sockets."""

from __future__ import annotations

import re
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """An image on the server, and how it is given.

    Attributes:
        volume: What has ``size`` and ``read_at``.
        etag: Its tag; empty for none.
        ranges: Whether parts are given.
        fail: Called with number of the request (from 0), first byte and the one after the last;
            returns a status to answer with, ``"cut"`` to hang up halfway, ``"hang"`` to say nothing
            any more, or nothing to answer well.
        match: Whether ``If-Match`` is looked at.
        headers: Further headers of each answer.
        size: What is said to be the size, if not the real one.
        shift: Bytes that each range begins too late.
    """

    volume: object
    etag: str = '"1"'
    ranges: bool = True
    fail: object = None
    match: bool = True
    headers: dict = field(default_factory=dict)
    size: int | None = None
    shift: int = 0


class RangeServer:
    """The server.

    Attributes:
        images: What it has, by path.
        latency: Seconds before each answer.
        asked: First byte and the one after the last of each request, in their order.
        sent: Bytes of all bodies.
        heads: Headers of the requests.
    """

    def __init__(self, latency=0.0):
        self.images = {}
        self.latency = latency
        self.clear()
        server = self

        class Handler(_Handler):
            owner = server

        self._http = _Server(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.reading = threading.Lock()

    def clear(self):
        """Forget what was asked so far."""
        self.asked, self.heads, self.sent = [], [], 0

    def put(self, path, volume, **how):
        """Serve an image; return its URL."""
        self.images[path] = Served(volume, **how)
        return self.url + path

    def close(self):
        self.over.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@contextmanager
def range_server(latency=0.0):
    """Run a server for a while."""
    server = RangeServer(latency)
    try:
        yield server
    finally:
        server.close()


class _Server(ThreadingHTTPServer):
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """Say nothing of clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        server = self.owner
        time.sleep(server.latency)
        image = server.images.get(self.path.partition("?")[0])
        if image is None:
            return self._say(404)
        size = image.volume.size if image.size is None else image.size
        said = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        start, end = (int(said[1]), min(int(said[2]) + 1, size)) if said else (0, size)
        with server.lock:
            number = len(server.asked)
            server.asked.append((start, end))
            server.heads.append(dict(self.headers))
        wrong = image.fail(number, start, end) if image.fail else None
        if isinstance(wrong, int):
            return self._say(wrong, image.headers)
        if wrong == "hang":
            server.over.wait(60)
            self.close_connection = True
            return None
        if image.match and self.headers.get("If-Match", image.etag) != image.etag:
            return self._say(412)
        if said and image.ranges and start >= size:
            return self._say(416, {"Content-Range": f"bytes */{size}"})
        headers = {"ETag": image.etag} if image.etag else {}
        status = 200
        if said and image.ranges:
            status = 206
            start, end = start + image.shift, end + image.shift
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        else:
            start, end = 0, size
        return self._give(image, status, {**headers, **image.headers}, (start, end), wrong == "cut")

    def _give(self, image, status, headers, span, cut):
        start, end = span
        self.send_response(status)
        for name, value in {"Content-Length": end - start, **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if cut:
            end = (start + end) // 2
        while start < end:
            with self.owner.reading:  # not every volume is safe to use from several threads
                piece = image.volume.read_at(start, min(1 << 20, end - start))
            try:
                self.wfile.write(piece)
            except OSError:
                self.close_connection = True
                return
            with self.owner.lock:
                self.owner.sent += len(piece)
            start += len(piece)
        self.close_connection = self.close_connection or cut

    def _say(self, status, headers=()):
        self.send_response(status)
        for name, value in {"Content-Length": 0, **dict(headers)}.items():
            self.send_header(name, str(value))
        self.end_headers()

    def log_message(self, *_):
        pass
