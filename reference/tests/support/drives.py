"""Drives for tests: small ones, so that wraps and tapes end often."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import strategies as st

from darimage.drives.model import Distance, Drive, Requests, Serpentine

SIZE = 4000
"""Bytes of the images that extents are drawn from."""

seconds = st.floats(0, 20).map(lambda value: round(value, 2))


@st.composite
def serpentines(draw, spans=(300, 900, SIZE)):
    span = draw(st.sampled_from(spans))
    wraps = draw(st.integers(1, 9))
    return Serpentine(
        "small",
        rate=draw(st.sampled_from([1.0, 7.0, 50.0])),
        block=draw(st.sampled_from([1, 16, 64])),
        capacity=span,
        load=draw(seconds),
        unload=draw(seconds),
        exchange=draw(seconds),
        wraps=wraps,
        bands=draw(st.integers(1, wraps)),
        length=draw(st.sampled_from([10.0, 541.0])),
        search=draw(st.sampled_from([0.5, 4.0, 100.0])),
        back=draw(st.sampled_from([1.0, 9.0])),
        command=draw(seconds),
        wrap=draw(seconds),
        band=draw(seconds),
        reverse=draw(seconds),
        approach=draw(st.sampled_from([0.0, 3.0])),
        sections=draw(st.sampled_from([0, 1, 5])),
    )


@st.composite
def distances(draw):
    """Ways that take longer the farther they are, in steps or not, concave or not."""
    count = draw(st.integers(1, 4))
    ways = sorted(draw(st.sets(st.integers(0, SIZE), min_size=count, max_size=count)))
    times = sorted(draw(seconds) for _ in ways)
    return Distance(
        "line",
        rate=draw(st.sampled_from([1.0, 30.0, 500.0])),
        block=draw(st.sampled_from([1, 16])),
        capacity=draw(st.sampled_from([0, 700])),
        load=draw(seconds),
        seek=tuple(zip(map(float, ways), times, strict=True)),
    )


requests = st.builds(
    Requests,
    st.just("wire"),
    rate=st.sampled_from([1.0, 100.0]),
    block=st.sampled_from([1, 16]),
    latency=seconds,
)

drives = st.one_of(serpentines(), distances(), requests, st.just(Drive("nowhere", rate=3.0)))


@st.composite
def extents(draw, most=8):
    count = draw(st.integers(0, most))
    found = []
    for _ in range(count):
        start = draw(st.integers(0, SIZE - 1))
        found.append((start, min(SIZE, start + draw(st.integers(0, 200)))))
    return np.array(found, np.int64).reshape(-1, 2)


def every_forward_pass(spans, drive, at):
    """Yield the seconds of all ways to seek or to read on at each gap."""
    gaps = [at, *spans[:-1, 1].tolist()]
    starts = spans[:, 0].tolist()
    inside = sum(float(drive.inside(*span)) for span in spans.tolist())
    for seeks in itertools.product([False, True], repeat=len(spans)):
        if drive.asks and not seeks[0]:
            continue
        way = inside
        for seek, gap, start in zip(seeks, gaps, starts, strict=True):
            way += float(drive.locate(gap, start) if seek else drive.through(gap, start))
        yield way


class Endless:
    """A volume, or a view, of bytes that are not there."""

    name, bytes_read, reads, cut = "endless", 0, 0, None

    def __init__(self, size):
        self.size = self.nbytes = size

    def readinto_at(self, offset, views):
        return sum(view.nbytes for view in views)
