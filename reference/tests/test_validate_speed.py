"""What makes the validator quick finds what it finds without: two processes, sound directories."""

from __future__ import annotations

import numpy as np
import pytest
import test_verify
from fuzz.strategies.damage import damage, damages
from hypothesis import HealthCheck, given, settings
from support import images
from support.images import FILE, encode

from darimage import parallel
from darimage.conformance.vectors import Suite
from darimage.errors import FormatError
from darimage.image.reader import Image
from darimage.validate import walking
from darimage.validate.contexts import directories
from darimage.validate.contexts.bytes import used_from
from darimage.validate.verify import verify

SUITE = Suite()
VECTORS = [vector for vector in SUITE if "limits" not in vector.told]


def found(data):
    """Return all that verification says of an image."""
    try:
        return verify(data, most=1000)
    except FormatError as error:
        return str(error)


@pytest.fixture
def shared(monkeypatch):
    """Let two processes walk however small an image is; count how often their parts meet."""
    met = []
    joined = walking.Seen.joined

    def count(self, other):
        met.append(other.headers)
        return joined(self, other)

    monkeypatch.setattr(walking.Seen, "joined", count)
    monkeypatch.setattr(parallel, "cores", lambda: 2)
    monkeypatch.setattr(walking, "SHARED_FROM", 0)
    return met


@pytest.fixture
def alone(monkeypatch):
    monkeypatch.setattr(walking, "SHARED_FROM", 1 << 62)


def many_files():
    kids = {b"%03d" % k: images.Node(FILE, size=k * 300) for k in range(100)}
    return encode(images.Node(images.DIRECTORY, children=kids))


def test_two_processes_walk_a_good_image(shared):
    result = verify(many_files())
    assert result.good
    assert (result.files, result.map_equal) == (100, True)
    assert len(shared) == 1
    assert 20 < shared[0] < 110


def test_two_processes_find_what_one_finds_in_vectors(shared, monkeypatch):
    for vector in VECTORS[::2]:
        data = SUITE.image(vector)
        with monkeypatch.context() as context:
            context.setattr(walking, "SHARED_FROM", 1 << 62)
            alone = found(data)
        assert found(data) == alone, vector.name
    assert len(shared) > 20


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(what=damages)
def test_two_processes_find_what_one_finds_in_damaged_images(shared, monkeypatch, what):
    data = damage(MANY, what)
    with monkeypatch.context() as context:
        context.setattr(walking, "SHARED_FROM", 1 << 62)
        alone = found(data)
    assert found(data) == alone


MANY = many_files()


def test_a_second_process_that_dies_matters_to_nobody(shared, monkeypatch):
    def die(*_, quick):
        raise KeyError("a mistake of ours")

    monkeypatch.setattr(walking, "_rear", die)
    with pytest.raises(KeyError):
        verify(MANY)


@pytest.mark.usefixtures("alone")
def test_directories_that_are_sound_break_no_rule(monkeypatch):
    """Without the look at all of them at once the same is found."""
    planted = [make() for _, make in test_verify.PLANTED]
    quick = [found(data) for data in [*map(SUITE.image, VECTORS), *planted]]

    def none(image, _tree, _types):
        return np.zeros(len(image.front.directories.rows), np.bool_)

    monkeypatch.setattr(directories, "sound_directories", none)
    for before, data in zip(quick, [*map(SUITE.image, VECTORS), *planted], strict=True):
        assert found(data) == before


def test_good_directories_are_sound():
    for data in (MANY, encode(images.sample())):
        with Image.open(data) as image:
            result = verify(image)
            assert result.good
    with Image.open(MANY) as image:
        types = (np.arange(2, 103), np.array([4, *[8] * 100]))
        assert directories.sound_directories(image, image.names, types).all()
        assert not directories.sound_directories(image, image.names, (types[0], types[1] * 0)).any()


def test_bytes_are_looked_at_from_a_place_on():
    rng = np.random.default_rng(1)
    rows = (rng.random((400, 64)) < 0.02).astype(np.uint8)
    first = rng.integers(0, 65, 400)
    wanted = [bool(row[at:].any()) for row, at in zip(rows, first, strict=True)]
    assert used_from(rows, first).tolist() == wanted
