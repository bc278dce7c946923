"""Drive models: what they compute agrees with itself, with what was published, and with TOML."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.drives import SIZE, drives

from darimage.drives import files, planner
from darimage.drives.model import Requests, Serpentine
from darimage.errors import StorageError, UsageError

places = st.integers(0, SIZE)


@given(drives, places, places, places, places)
def test_reading_adds_up(drive, a, b, c, d):
    """Reading on is reading, in whichever parts."""
    a, b, c, d = sorted((a, b, c, d))
    if a < b and c < d:
        parts = drive.inside(a, b) + drive.through(b, c) + drive.inside(c, d)
        assert parts == pytest.approx(float(drive.inside(a, d)))


@given(drives, places, places)
def test_ways_are_never_negative_and_reading_back_is_no_way(drive, a, b):
    assert float(drive.locate(a, b)) >= 0
    assert (float(drive.through(a, b)) == np.inf) == (b < a)


@given(drives, st.lists(st.tuples(places, places), min_size=1, max_size=6))
def test_columns_are_what_single_ways_are(drive, ways):
    start, goal = np.array(ways).T
    together = drive.locate(start, goal)
    assert together.tolist() == [float(drive.locate(a, b)) for a, b in ways]
    table = drive.locate(start[:, None], goal[None, :])
    assert table.diagonal().tolist() == together.tolist()


@given(drives, places)
def test_what_is_next_needs_no_seek(drive, place):
    if not isinstance(drive, Requests):
        assert float(drive.locate(place, place)) == float(drive.through(place, place))


def test_a_serpentine_tape_turns_at_the_end_of_each_wrap():
    drive = Serpentine(
        "tape", rate=10.0, capacity=100, wraps=4, length=25.0, search=5.0, command=1.0, reverse=2.0
    )
    assert float(drive.inside(0, 100)) == 10 + 3 * 2
    # From the end of wrap 0 to the end of wrap 1, which is where the tape begins.
    assert float(drive.locate(25, 49)) == 1 + 24 / 5 + 2 + 0
    # From the beginning to the first byte of wrap 2: it is there already.
    assert float(drive.locate(0, 50)) == 1
    # One byte back on a forward wrap: there and round again.
    assert float(drive.locate(10, 9)) == pytest.approx(1 + 1 / 5 + 2 * 2)


@pytest.mark.parametrize("name", files.names())
def test_each_model_has_sources(name):
    drive = files.find(name)
    assert drive.name == name
    assert drive.title
    for key, figure in drive.figures.items():
        assert figure.source, (name, key)
        word = figure.source.split(":")[0]
        if "-" in word and " " not in word:
            assert word in drive.documents, (name, key)


TAPES = [name for name in files.names() if isinstance(files.find(name), Serpentine)]


@pytest.mark.parametrize("name", TAPES)
def test_mean_times_are_near_those_published(name):
    """LTO's ways are made to fit; DLT's and SDLT's follow from speeds, and are within a quarter."""
    drive = files.find(name)
    goals = np.random.default_rng(1).integers(0, drive.capacity, 20_000)
    access = float(drive.locate(0, goals).mean())
    published = drive.figures["average_access"].value
    assert 0.97 * published <= access <= (1.03 if name.startswith("lto") else 1.25) * published
    if "average_rewind" in drive.figures:
        rewind = float(drive.rewind(goals).mean())
        assert rewind == pytest.approx(drive.figures["average_rewind"].value, rel=0.05)


@pytest.mark.parametrize("name", TAPES)
def test_the_speed_of_the_tape_is_one_that_a_drive_can_have(name):
    """Rate, length, wraps and capacity are from four places; they agree on the metres a second."""
    assert 2.3 <= files.find(name).speed <= 7.5


GOOD = 'kind = "requests"\nlatency = 1\nrate = [5, "guess"]\n'


def test_a_file_of_ones_own(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('like = "lto-5"\ntitle = "in the cellar"\nexchange = [25, "a watch"]\n')
    drive, base = files.find(str(path)), files.find("lto-5")
    assert (drive.name, drive.title, drive.exchange) == ("mine", "in the cellar", 25)
    assert drive.figures["exchange"].source == "a watch"
    assert (drive.rate, drive.documents) == (base.rate, base.documents)
    (tmp_path / "other.toml").write_text(GOOD)
    assert files.find(str(tmp_path / "other.toml")).rate == 5


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kind = ", "mine.toml: "),
        ("", "kind is None"),
        ('kind = ["requests"]', "kind is"),
        ('kind = "tape"', "kind is 'tape'"),
        ('kind = "requests"\nrate = 1', "latency"),
        ('kind = "requests"\nlatency = 1', "rate"),
        (GOOD + "wraps = 3", "wraps is no figure of a requests drive"),
        (GOOD + "speed = 3", "speed is no figure"),
        (GOOD + "load = -1", "load is -1"),
        (GOOD + "load = nan", "load is nan"),
        (GOOD + "load = inf", "load is inf"),
        (GOOD + 'load = "3"', "load is '3'"),
        (GOOD + "block = 0", "block is 0"),
        (GOOD + "block = 0.5", "block is 0.5"),
        (GOOD + "load = true", "load is True"),
        (GOOD + "documents = 3", "documents is no table"),
        ('kind = "distance"\nrate = 1\nseek = [[1, 2], [1, 3]]', "do not ascend"),
        ('kind = "distance"\nrate = 1\nseek = []', "do not ascend"),
        ('kind = "distance"\nrate = 1\nseek = [[1]]', "seek has [1]"),
        ('kind = "distance"\nrate = 1\nseek = 3', "do not ascend"),
        ('kind = "serpentine"\nrate = 1\nwraps = 2\nlength = 1\nsearch = 1', "capacity"),
        ('like = "nothing"', "no drive model 'nothing'"),
        ("like = 3", "no drive model '3'"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_in_a_line(tmp_path, text, told):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        files.find(str(path))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_models_that_are_like_each_other_are_refused(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(f'like = "{path}"')
    with pytest.raises(UsageError, match="without end"):
        files.find(str(path))


def test_a_file_that_is_not_there_or_no_text(tmp_path):
    with pytest.raises(StorageError):
        files.find(str(tmp_path / "none.toml"))
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not a text file"):
        files.find(str(tmp_path / "bytes.toml"))
    with pytest.raises(UsageError, match="one of ait-2, disk"):
        files.find("lto-99")


def test_what_is_near_is_read_up_to_rather_than_wound_back_for():
    drive = Serpentine(
        "tape", rate=10.0, capacity=100, length=100.0, search=50.0, command=1.0, reverse=9.0
    )
    drive = replace(drive, approach=20.0)
    assert float(drive.locate(50, 60)) == 1 + 10 / 10
    assert float(drive.locate(50, 90)) == pytest.approx(1 + 20 / 50 + 20 / 10)


figures = st.one_of(
    st.floats(), st.integers(), st.sampled_from([0, 1, -1, 1e-320, 1e308, 10**400, "x", True, []])
)
seeks = st.lists(st.lists(figures, min_size=1, max_size=3), max_size=3)


def toml_of(value):
    if isinstance(value, list):
        return "[" + ", ".join(toml_of(one) for one in value) + "]"
    if isinstance(value, float):
        return {"inf": "inf", "-inf": "-inf", "nan": "nan"}.get(repr(value), repr(value))
    return str(value).lower() if isinstance(value, bool) else repr(value)


@settings(max_examples=300)
@given(
    st.sampled_from(["serpentine", "distance", "requests"]),
    st.dictionaries(st.sampled_from(sorted(files.MEANINGS)), st.one_of(figures, seeks)),
)
def test_any_file_is_a_model_that_computes_or_is_refused(kind, told):
    """No figure leads to anything but times, or to a line that says what is wrong."""
    good = GOOD_FIGURES[kind]
    lines = [f"{key} = {toml_of(value)}\n" for key, value in told.items()]
    others = [line for line in lines if line.split()[0] not in good]
    for text in ("".join(lines), good + "".join(others)):
        try:
            drive = files.parse(f'kind = "{kind}"\n' + text, "it.toml")
        except UsageError as error:
            assert len(str(error).splitlines()) == 1
            continue
        plan = planner.plan([[0, 10], [10**6, 10**9], [10**12, 10**12 + 1]], drive, at=5)
        assert plan.seconds >= 0


GOOD_FIGURES = {
    "serpentine": "rate = 1\ncapacity = 1000000\nwraps = 3\nlength = 5\nsearch = 2\n",
    "distance": "rate = 1\n",
    "requests": "rate = 1\nlatency = 1\n",
}
