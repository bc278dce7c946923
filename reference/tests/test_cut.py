"""The arithmetic of volumes, against a count by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darimage.volumes.cut import Cut
from darimage.volumes.uneven import Uneven

CAPACITIES = st.one_of(st.integers(2, 40), st.integers(2, 1 << 40))
RECORDS = st.one_of(st.integers(0, 400), st.integers(0, 1 << 53))


def counted(capacity: int, logical: int) -> list[int]:
    """Return the real numbers of the first logical records, by counting one record at a time."""
    real, numbers = 0, []
    while len(numbers) < logical:
        if not (real and real % capacity == 0):
            numbers.append(real)
        real += 1
    return numbers


@given(st.integers(2, 12), st.integers(0, 100))
def test_physical_numbers_are_those_one_counts(capacity: int, logical: int) -> None:
    cut = Cut(capacity)
    real = counted(capacity, logical)
    assert [cut.physical(record) for record in range(logical)] == real
    assert cut.physical(np.arange(logical)).tolist() == real
    assert cut.logical(np.array(real, np.int64)).tolist() == list(range(logical))
    assert cut.total(logical) == (real[-1] + 1 if real else 0)
    assert cut.volumes(logical) == max(1, -(-cut.total(logical) // capacity))


@given(CAPACITIES, RECORDS)
def test_logical_undoes_physical(capacity: int, record: int) -> None:
    cut = Cut(capacity)
    real = cut.physical(record)
    assert not cut.is_continuation(real)
    assert cut.logical(real) == record
    assert cut.physical(record + 1) - real == 1 + cut.is_continuation(real + 1)
    assert cut.begins(cut.volume_of(real)) <= record < cut.begins(cut.volume_of(real) + 1)


@given(CAPACITIES, st.lists(RECORDS, max_size=20))
def test_columns_are_as_single_numbers(capacity: int, records: list[int]) -> None:
    cut, column = Cut(capacity), np.array(records, np.int64)
    real = cut.physical(column)
    assert real.tolist() == [cut.physical(record) for record in records]
    assert cut.volume_of(real).tolist() == [cut.volume_of(record) for record in real.tolist()]


@given(CAPACITIES, RECORDS)
def test_contents_counts_what_is_no_header(capacity: int, total: int) -> None:
    headers = max(0, total - 1) // capacity
    assert Cut(capacity).contents(total) == total - headers


@given(st.integers(2, 40), RECORDS, st.integers(0, 200))
def test_pieces_cover_a_span_and_stay_on_their_volumes(
    capacity: int, first: int, count: int
) -> None:
    cut, at = Cut(capacity), first
    for piece in cut.pieces(first, count):
        real = cut.physical(at)
        assert (piece.first, piece.volume) == (at, cut.volume_of(real))
        assert piece.place == real - (piece.volume - 1) * capacity
        assert 0 < piece.records <= capacity - piece.place
        at += piece.records
    assert at == first + count


def test_one_volume_changes_nothing() -> None:
    cut = Cut()
    assert cut.physical(7) == cut.logical(7) == 7
    assert (cut.volume_of(7), cut.total(7), cut.volumes(7), cut.contents(7)) == (1, 7, 1, 7)
    assert cut.volume_of(np.arange(3)).tolist() == [1, 1, 1]
    assert [tuple(piece) for piece in cut.pieces(3, 9)] == [(1, 3, 9, 3)]
    assert not cut.is_continuation(7)


def test_a_volume_that_holds_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="holds nothing"):
        Cut(1)


@given(st.integers(2, 40), st.integers(0, 500), st.integers(0, 200))
def test_uneven_volumes_of_one_size_are_even(capacity: int, first: int, count: int) -> None:
    even, uneven = Cut(capacity), Uneven(range(capacity, capacity * 800, capacity))
    assert uneven.physical(first) == even.physical(first)
    column = np.arange(first, first + count)
    real = even.physical(column)
    assert uneven.physical(column).tolist() == real.tolist()
    assert uneven.logical(real).tolist() == column.tolist()
    assert uneven.volume_of(real).tolist() == even.volume_of(real).tolist()
    assert uneven.is_continuation(first) == even.is_continuation(first)
    assert uneven.begins(even.volume_of(first)) == even.begins(even.volume_of(first))
    assert uneven.contents(first) == even.contents(first)
    assert list(uneven.pieces(first, count)) == list(even.pieces(first, count))


def test_an_uneven_volume_may_be_empty() -> None:
    cut = Uneven([3, 4, 9])
    assert [cut.physical(record) for record in range(8)] == [0, 1, 2, 5, 6, 7, 8, 10]
    assert [tuple(piece) for piece in cut.pieces(1, 7)] == [
        (1, 1, 2, 1),
        (3, 3, 4, 1),
        (4, 7, 1, 1),
    ]
