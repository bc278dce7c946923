"""Images behind URLs: which bytes come, in how many requests, and what servers get wrong."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.range_server import range_server

from darimage import parallel
from darimage.errors import StorageError, UsageError
from darimage.progress import SILENT
from darimage.volumes import remote, urls
from darimage.volumes.reading import FileVolume, MemoryVolume, expect, open_volume
from darimage.volumes.remote import RemoteVolume
from darimage.volumes.remote_stores import Limits

QUICK = Limits(attempts=3, connect=5, silence=1, pause=0.01, longest=0.05)
SIZE = 3_000_000


@pytest.fixture(scope="module")
def server():
    with range_server() as running:
        yield running


@pytest.fixture(scope="module")
def data():
    return random.Random(1).randbytes(SIZE)


def opened(server, data, limits=QUICK, **how):
    server.clear()
    return RemoteVolume.open(server.put("/image", MemoryVolume(data), **how), limits)


spans = st.lists(st.tuples(st.integers(0, SIZE + 10), st.integers(0, 300_000)), max_size=12)


@settings(max_examples=60)
@given(spans, st.booleans(), st.randoms())
def test_any_reads_give_the_bytes_whatever_was_expected(server, data, wanted, told, chance):
    with opened(server, data) as volume:
        assert volume.size == SIZE
        if told:
            announced = [(at, at + length) for at, length in wanted]
            chance.shuffle(announced)
            expect(volume, np.array(announced, np.int64).reshape(-1, 2))
        for at, length in wanted:
            assert volume.read_at(at, length) == data[at : at + length]


def test_what_is_expected_is_under_way_several_at_once_and_bounded(data, monkeypatch):
    monkeypatch.setattr(remote, "AHEAD", 500_000)
    latency = 0.2
    with range_server(latency) as server, opened(server, data) as volume:
        wanted = np.arange(300_000, SIZE - 100_000, 200_000)
        pairs = np.stack((wanted, wanted + 50_000), axis=1)
        begun = time.monotonic()
        expect(volume, pairs)
        while len(server.asked) < 1 + 10:
            time.sleep(0.01)
        time.sleep(latency)
        assert len(server.asked) == 1 + 10  # 500,000 bytes of them, no more
        for start, end in pairs.tolist():
            assert volume.read_at(start, end - start) == data[start:end]
        assert time.monotonic() - begun < latency * len(pairs)
        assert sorted(server.asked[1:]) == [tuple(pair) for pair in pairs.tolist()]
        assert volume.reads == 1 + len(pairs)
        assert volume.bytes_read == remote.FIRST + 50_000 * len(pairs)


def test_spans_close_together_come_with_one_request_and_long_ones_in_pieces(
    server, data, monkeypatch
):
    monkeypatch.setattr(remote, "REQUEST", 1 << 20)
    with opened(server, data) as volume:
        expect(volume, np.array([[400_000, 401_000], [410_000, 2_000_000]]))
        assert volume.read_at(410_000, 1_590_000) == data[410_000:2_000_000]
    half = 400_000 + (1 << 20)
    assert sorted(server.asked[1:]) == [(400_000, half), (half, 2_000_000)]


def test_reading_on_takes_few_requests_and_reading_here_and_there_few_bytes(server):
    much = bytes(64 << 20)
    with opened(server, much) as volume:
        for at in range(0, len(much), 10_000):
            volume.read_at(at, 1_000)
        assert volume.reads <= 10
        assert sum(len(fetch.data) for fetch in volume._kept) <= remote.KEPT + remote.WINDOW
    with opened(server, much) as volume:
        places = random.Random(2).sample(range(1 << 20, len(much) - (1 << 20), 4 << 20), 10)
        for at in places:
            volume.read_at(at, 1_000)
        assert volume.bytes_read <= remote.FIRST + len(places) * remote.APART


def test_the_end_comes_with_one_request(server, data):
    with opened(server, data) as volume:
        for back in (1024, 2048, 30_000, 60_000):
            assert volume.read_at(SIZE - back, 1024) == data[SIZE - back :][:1024]
        assert volume.reads == 2


def test_an_empty_and_a_short_image(server):
    assert opened(server, b"").size == 0
    with opened(server, b"abc") as volume:
        assert volume.read_at(0, 10) == b"abc"
        assert volume.read_at(5, 10) == b""


def test_a_request_that_fails_is_sent_again_from_where_it_stopped(server, data):
    def fail(number, start, end):
        return {1: 503, 2: "cut", 3: "hang", 4: 429}.get(number)

    limits = replace(QUICK, attempts=4)
    with opened(server, data, limits, fail=fail, headers={"Retry-After": "0"}) as volume:
        assert volume.read_at(2_000_000, 900_000) == data[2_000_000:2_900_000]
        first, cut, hang, again, last = server.asked[1:]
        assert first == cut == (2_000_000, 2_900_000)
        assert hang == again == last == (2_450_000, 2_900_000)


def test_what_stays_away_is_told_and_the_rest_can_be_read(server, data):
    def fail(number, start, end):
        return 500 if start < 1_000_100 and end > 1_000_000 else None

    with opened(server, data, fail=fail) as volume:
        with pytest.raises(StorageError, match=r"bytes 1000000 to 1000999: .*500 \(3 attempts\)"):
            volume.read_at(1_000_000, 1_000)
        assert volume.read_at(2_000_000, 1_000) == data[2_000_000:2_001_000]
        # More than was wanted was asked for here: the part that is wanted comes.
        assert volume.read_at(950_000, 50_000) == data[950_000:1_000_000]


def test_a_server_that_is_gone_is_not_asked_for_ever(data):
    with range_server() as server:
        volume = opened(server, data, Limits(attempts=2, pause=0.01, connect=1, silence=0.3))
        server.put("/image", MemoryVolume(data), fail=lambda *_: "hang")
        for at in range(1_000_000, 1_600_000, 100_000):
            with pytest.raises(StorageError):
                volume.read_at(at, 10)
        assert volume.reads <= 1 + 2 * 4
        with pytest.raises(StorageError, match="not asked any more"):
            volume.read_at(2_000_000, 10)


@pytest.mark.parametrize(
    "how",
    [
        {"etag": '"2"'},
        {"etag": '"2"', "match": False},
        {"etag": 'W/"2"'},
        {"size": SIZE + 1024},
        {"size": 500_000},
    ],
)
def test_an_image_that_changes_is_no_longer_read(server, data, how):
    volume = opened(server, data, etag='W/"1"' if how.get("etag", "").startswith("W") else '"1"')
    assert volume.read_at(0, 10) == data[:10]
    server.put("/image", MemoryVolume(data), **how)
    for _ in range(2):
        with pytest.raises(StorageError, match="changed on the server"):
            volume.read_at(1_000_000, 10)
    assert len(server.asked) == 2
    assert volume.read_at(100_000, 10) == data[100_000:100_010]  # it is here since before


def test_only_a_strong_tag_is_sent_back(server, data):
    for etag, sent in (('"1"', '"1"'), ('W/"1"', None), ("", None)):
        with opened(server, data, etag=etag, match=False) as volume:
            volume.read_at(1_000_000, 10)
        assert [head.get("If-Match") for head in server.heads] == [None, sent]


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"fail": lambda *_: 403}, "access is denied .status 403"),
        ({"fail": lambda *_: 404}, "not found"),
        ({"fail": lambda *_: 418}, "refuses .status 418"),
        ({"shift": 10}, "bytes 10 to "),
        ({"headers": {"Content-Range": "items 1"}}, "no sound Content-Range"),
        ({"headers": {"Content-Encoding": "gzip"}}, "compresses"),
    ],
)
def test_answers_that_are_no_use(server, data, how, told):
    with pytest.raises(StorageError, match=told):
        opened(server, data, **how)
    assert len(server.asked) == 1


numbers = st.one_of(
    st.sampled_from([0, 1, remote.FIRST - 1, SIZE - 1, SIZE, 1 << 62, 1 << 63, 10**30, "9" * 5000]),
    st.integers(0, SIZE),
)
ranges = st.one_of(
    st.builds("bytes {}-{}/{}".format, numbers, numbers, numbers),
    st.builds("bytes */{}".format, numbers),
    st.text(st.characters(min_codepoint=33, max_codepoint=126)),
    st.just(f"bytes 0-{remote.FIRST - 1}/{SIZE}"),
)


@settings(max_examples=80)
@given(ranges, st.sampled_from([None, 206, 416]), st.sampled_from(["", '"1"', "x" * 5000]))
def test_whatever_a_server_says_one_line_comes_of_it(server, data, said, status, etag):
    def fail(number, start, end):
        return status

    try:
        with opened(server, data, headers={"Content-Range": said}, fail=fail, etag=etag) as volume:
            assert volume.read_at(0, 10) in (data[:10], b"")
    except StorageError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 500


def test_a_date_counts_only_without_a_tag(server, data):
    first = {"Last-Modified": "Mon, 23 Nov 2026 08:00:00 GMT"}
    later = {"Last-Modified": "Mon, 23 Nov 2026 09:00:00 GMT"}
    for etag in ('"1"', ""):
        volume = opened(server, data, etag=etag, headers=first)
        server.put("/image", MemoryVolume(data), etag=etag, headers=later)
        if etag:
            assert volume.read_at(2_000_000, 10) == data[2_000_000:2_000_010]
        else:
            with pytest.raises(StorageError, match="changed"):
                volume.read_at(2_000_000, 10)


def test_proxies_of_the_environment_are_used(server, data, monkeypatch):
    """Our server is the proxy: it is asked for the path, whatever the host."""
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.setenv("no_proxy", "")
    server.put("http://images.invalid/image", MemoryVolume(data))
    with RemoteVolume.open("http://images.invalid/image", QUICK) as volume:
        assert volume.read_at(5, 5) == data[5:10]


def test_a_server_without_ranges_gives_all_of_it_once(server, data):
    volume = opened(server, data, ranges=False)
    assert isinstance(volume, FileVolume)
    assert (volume.read_at(1_000_000, 10), volume.size) == (data[1_000_000:1_000_010], SIZE)
    assert server.asked == [(0, remote.FIRST), (0, SIZE)]
    volume.close()
    with opened(server, data) as volume:
        server.put("/image", MemoryVolume(data), ranges=False)
        with pytest.raises(StorageError, match="whole image where a part"):
            volume.read_at(1_000_000, 10)


def test_a_port_where_nobody_listens():
    with range_server() as server:
        url = server.url
    with pytest.raises(StorageError, match="attempts"):
        RemoteVolume.open(url + "/image", QUICK)


def test_one_reads_while_another_expects_something_else(server, data):
    with opened(server, data) as volume:
        wrong = []

        def read():
            places = range(0, SIZE - 50_000, 50_000)
            wrong.extend(
                at for at in places if volume.read_at(at, 50_000) != data[at : at + 50_000]
            )

        threads = [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        for at in range(20):
            expect(volume, np.array([[at * 100_000, at * 100_000 + 400_000]]))
            time.sleep(0.005)
        for thread in threads:
            thread.join()
        assert not wrong


def test_closing_wakes_whoever_waits(data):
    with range_server() as server:
        volume = opened(server, data)
        server.put("/image", MemoryVolume(data), fail=lambda *_: "hang")
        failed = []

        def read():
            try:
                volume.read_at(1_000_000, 10)
            except StorageError as error:
                failed.append(error)

        thread = threading.Thread(target=read)
        thread.start()
        time.sleep(0.1)
        volume.close()
        thread.join(5)
        assert not thread.is_alive()
        assert "closed" in str(failed[0])


def test_a_forked_process_is_told_that_it_cannot_read(server, data):
    """The requests run in a thread that is not forked with it: it would wait for ever."""
    with opened(server, data) as volume:

        def read(_advance):
            return volume.read_at(1_000_000, 10)

        with pytest.raises(StorageError, match="forked"):
            parallel.run([read, read], SILENT)


def test_other_protocols_of_fsspec():
    import fsspec

    system = fsspec.filesystem("memory")
    system.pipe("/there/image", b"0123456789" * 400_000)
    with RemoteVolume.open("memory://there/image", QUICK) as volume:
        assert (volume.size, volume.read_at(500_005, 7)) == (4_000_000, b"5678901")
        system.pipe("/there/image", b"0123456789" * 40_000)
        with pytest.raises(StorageError, match="too short"):
            volume.read_at(3_000_000, 10)
    with pytest.raises(StorageError, match="not found"):
        open_volume("memory://there/none")
    with pytest.raises(UsageError, match="Protocol not known: nonsense"):
        open_volume("nonsense://x/y")


def test_without_the_extra_one_line_names_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "fsspec", None)
    with pytest.raises(UsageError) as told:
        open_volume("https://user:secret@host/image?key=secret")
    assert str(told.value).startswith("https://***@host/image?***: URLs are read with the extra")
    assert "darimage[remote]" in str(told.value)


def test_secrets_are_in_no_message(server, data):
    place = server.put("/image", MemoryVolume(data), fail=lambda *_: 403)
    url = place.replace("://", "://user:secret@") + "?X-Amz-Signature=secret#secret"
    for wrong in (url, url.replace("/image", "/none"), url.replace(":" + place[-11:-6], ":1")):
        with pytest.raises(StorageError) as told:
            RemoteVolume.open(wrong, Limits(attempts=1))
        assert "secret" not in str(told.value)
        assert "://***@127.0.0.1" in str(told.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host/a.dari", "https://host/a.dari"),
        ("https://u:p@host/a@b?k=v", "https://***@host/a@b?***"),
        ("simplecache::https://u@host/a", "simplecache::https://***@host/a"),
        ("s3://bucket/key?versionId=1", "s3://bucket/key?***"),
        ("/path/a?b", "/path/a?b"),
    ],
)
def test_how_urls_are_shown(url, shown):
    assert urls.masked(url) == shown
    assert urls.is_url(url) == (not url.startswith("/"))
    assert urls.without_secrets(f"cannot read {url} now") == f"cannot read {shown} now"


def test_urls_of_volumes():
    assert urls.of_volume("http://h/a001?k=1", 12) == "http://h/a012?k=1"
    assert urls.of_volume("http://h/a012", 1, 12) == "http://h/a001"
    assert urls.of_volume("http://h/a", 2) is None
    assert urls.of_set("http://h/a001", 3) == {2: "http://h/a002", 3: "http://h/a003"}
    assert len(urls.of_set("http://h/a001", 1 << 50)) == 9998
    assert urls.first_of("http://h/a?k") == "http://h/a001?k"
