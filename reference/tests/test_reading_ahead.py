"""One thread reads in the order of a plan, another takes: overlap, bounds, errors, ends."""

from __future__ import annotations

import random
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.slow_volume import SlowVolume

from darimage.errors import StorageError
from darimage.volumes.ahead import Ahead
from darimage.volumes.cut import Cut
from darimage.volumes.joined import Joined
from darimage.volumes.pieces import Pieces, Place
from darimage.volumes.reading import MemoryVolume, expect, is_slow

SIZE = 40_000
DATA = random.Random(3).randbytes(SIZE)
SMALL = {"memory": 4096, "kept": 1024, "step": 512}


def ahead(spans, wanted=None, *, data=DATA, sizes=SMALL, **how):
    volume = SlowVolume(MemoryVolume(data), **how)
    spans = np.array(spans, np.int64).reshape(-1, 2)
    wanted = None if wanted is None else np.array(wanted, np.int64).reshape(-1, 2)
    return Ahead(volume, spans, wanted, **sizes)


@st.composite
def layouts(draw):
    """Spans in any order, none over another, and what of them is wanted."""
    marks = sorted(draw(st.sets(st.integers(0, SIZE), min_size=2, max_size=16)))
    spans = [pair for pair in zip(marks[::2], marks[1::2], strict=False) if pair[0] < pair[1]]
    spans = draw(st.permutations(spans))
    wanted = []
    for low, high in spans:
        cuts = sorted(draw(st.sets(st.integers(low, high), max_size=6)))
        wanted += zip(cuts[::2], cuts[1::2], strict=False)
    return spans, wanted


bad_spans = st.lists(st.tuples(st.integers(0, SIZE), st.integers(1, 600)), max_size=4)


@settings(max_examples=150)
@given(layouts(), bad_spans, st.integers(1, 900))
def test_any_order_gives_the_bytes_or_the_error_of_just_these(layout, bad, length):
    spans, wanted = layout
    bad = [(at, at + count) for at, count in bad]
    with ahead(spans, wanted, bad=bad) as reader:
        for low, high in wanted:
            for at in range(low, high, length):
                end = min(at + length, high)
                if any(start < end and stop > at for start, stop in bad):
                    with pytest.raises(StorageError, match="are bad"):
                        reader.read_at(at, end - at)
                else:
                    assert reader.read_at(at, end - at) == DATA[at:end]
        assert reader.most <= SMALL["memory"] + SMALL["step"]
        if not bad:
            assert reader.strays == 0
            assert reader.behind.expected[0] == [list(span) for span in spans]


@settings(max_examples=60)
@given(layouts(), st.lists(st.tuples(st.integers(0, SIZE + 9), st.integers(0, 3000)), max_size=20))
def test_bytes_that_nobody_announced_can_be_read_at_any_time(layout, reads):
    spans, wanted = layout
    with ahead(spans, wanted) as reader:
        for at, length in reads:
            assert reader.read_at(at, length) == DATA[at : at + length]


def test_spans_are_read_in_their_order_and_from_end_to_end():
    spans, wanted = [(20_000, 24_000), (1_000, 3_000)], [(20_500, 21_000), (2_000, 2_100)]
    with ahead(spans, wanted) as reader:
        assert reader.read_at(20_500, 500) == DATA[20_500:21_000]
        assert reader.read_at(2_000, 100) == DATA[2_000:2_100]
        reader._thread.join()
    asked = reader.behind.asked
    jumps = [at for at in range(1, len(asked)) if asked[at][0] != asked[at - 1][1]]
    assert [asked[at] for at in jumps] == [(1_000, 1_512)]
    assert (asked[0][0], asked[jumps[0] - 1][1], asked[-1][1]) == (20_000, 24_000, 3_000)
    assert reader.discarded == 6_000 - 600
    assert reader.behind.threads == {"reading ahead"}


def test_spans_that_overlap_are_read_once():
    with ahead([(5_000, 9_000), (1_000, 6_000)]) as reader:
        assert reader.read_at(5_500, 100) == DATA[5_500:5_600]
        assert reader.read_at(1_000, 100) == DATA[1_000:1_100]
        reader._thread.join(1)
    assert sum(high - low for low, high in reader.behind.asked if high - low == 512) <= 8_000


def test_reading_and_writing_overlap():
    with ahead([(0, SIZE)], seconds=0.01) as reader:
        begun = time.monotonic()
        for at in range(0, SIZE, 512):
            reader.read_at(at, 512)
            time.sleep(0.01)
        both = time.monotonic() - begun
    alone = 0.01 * -(-SIZE // 512)
    assert both < 1.7 * alone


def test_the_reader_stops_when_nobody_takes():
    with ahead([(0, SIZE)]) as reader:
        reader.read_at(0, 1)
        time.sleep(0.1)
        assert reader.most <= SMALL["memory"]
        assert reader.behind.bytes_read <= SMALL["memory"]


def test_what_was_taken_is_kept_for_a_while():
    with ahead([(0, SIZE)]) as reader:
        reader.read_at(10_000, 10)
        assert reader.read_at(9_100, 900) == DATA[9_100:10_000]
        assert reader.strays == 0
        assert reader.read_at(2_000, 10) == DATA[2_000:2_010]
        assert reader.strays == 1


def test_what_is_passed_over_is_not_even_read():
    with ahead([(0, SIZE)], seconds=0.01) as reader:
        reader.read_at(0, 1)
        reader.read_at(SIZE - 10, 10)
        assert len(reader.behind.asked) < SIZE / 512 / 2


def test_the_end_comes_soon_whoever_is_in_the_middle_of_something():
    def interrupted(reader):
        with reader:
            reader.read_at(0, 1)
            raise KeyboardInterrupt

    reader = ahead([(0, SIZE)], seconds=0.05)
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        interrupted(reader)
    assert not reader._thread.is_alive()
    assert time.monotonic() - begun < 2


def test_a_mistake_of_the_reader_is_raised_where_it_is_waited_for():
    reader = ahead([(0, SIZE)])

    def wrong(offset, views):
        raise ZeroDivisionError

    reader.behind.readinto_at = wrong
    with reader, pytest.raises(ZeroDivisionError):
        reader.read_at(100, 10)


def test_no_thread_is_left_over():
    before = threading.active_count()
    for _ in range(20):
        with ahead([(0, SIZE)]) as reader:
            reader.read_at(0, 10)
    assert threading.active_count() == before


def test_joined_tells_where_bytes_really_lie():
    real = SlowVolume(MemoryVolume(bytes(40 * 1024)))
    joined = Joined(real, Cut(10))
    assert is_slow(joined)
    expect(joined, np.array([[0, 1024], [9 * 1024, 11 * 1024], [20 * 1024 + 5, 20 * 1024 + 10]]))
    physical = [[0, 1024], [9 * 1024, 12 * 1024], [22 * 1024 + 5, 22 * 1024 + 10]]
    assert real.expected == [physical]


def test_pieces_tell_each_file_that_is_open():
    first, second = (SlowVolume(MemoryVolume(bytes(5_000))) for _ in range(2))
    places = [
        Place("a", 0, 5_000, file=first),
        Place("b", 6_000, 11_000, file=second),
        Place("c", 11_000, 20_000),
    ]
    pieces = Pieces("all", places, 20_000)
    assert is_slow(pieces)
    expect(pieces, np.array([[4_000, 7_000], [12_000, 13_000], [10, 20]]))
    assert first.expected == [[[4_000, 5_000], [10, 20]]]
    assert second.expected == [[[0, 1_000]]]
    assert not is_slow(MemoryVolume(b""))
    expect(MemoryVolume(b""), np.zeros((0, 2), np.int64))
