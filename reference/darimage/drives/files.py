"""Drive models in TOML: those that come with the package, and those that users write."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from itertools import pairwise
from typing import Any, NamedTuple

from darimage.drives.model import Distance, Drive, Figure, Requests, Serpentine
from darimage.errors import StorageError, UsageError

MOST_INHERITED = 8
"""Models that one may be made like, one after the other."""

MOST = 1e18
"""No figure is larger."""

LEAST = 1e-6
"""No figure that has to be more than 0 is smaller."""


class Meaning(NamedTuple):
    """What a figure of a model is.

    Attributes:
        unit: In which it is counted.
        text: What it is.
        kinds: Kinds of models that have it; all if empty.
        positive: Whether it must be more than 0.
        needed: Whether a model of these kinds must have it.
    """

    unit: str
    text: str
    kinds: tuple[str, ...] = ()
    positive: bool = False
    needed: bool = False


_TAPE = ("serpentine",)

MEANINGS: dict[str, Meaning] = {
    "capacity": Meaning("bytes", "what a medium holds, uncompressed; 0 without end"),
    "block": Meaning("bytes", "what is read as one", positive=True),
    "rate": Meaning("bytes/s", "reading, uncompressed", positive=True, needed=True),
    "load": Meaning("s", "from a medium put in until it is ready"),
    "unload": Meaning("s", "until a medium can be taken out"),
    "exchange": Meaning("s", "what a changer takes from one medium to the next"),
    "stop": Meaning("s", "lost when it has to stop because nobody takes its data"),
    "buffer": Meaning("bytes", "read ahead before it stops"),
    "wraps": Meaning("", "passes over the tape", _TAPE, positive=True, needed=True),
    "bands": Meaning("", "groups of wraps that lie together", _TAPE, positive=True),
    "length": Meaning("m", "length of the tape", _TAPE, positive=True, needed=True),
    "search": Meaning("m/s", "on the way to a block", _TAPE, positive=True, needed=True),
    "back": Meaning("m/s", "rewinding", _TAPE, positive=True),
    "command": Meaning("s", "taken by any locate, however near", _TAPE),
    "wrap": Meaning("s", "to another wrap, while the tape moves", _TAPE),
    "band": Meaning("s", "more if that lies in another band", _TAPE),
    "reverse": Meaning("s", "to stop and go the other way", _TAPE),
    "approach": Meaning("m", "before the goal at which it begins to read", _TAPE),
    "sections": Meaning("", "of a wrap, entered only at their beginning; 0 for none", _TAPE),
    "seek": Meaning("bytes, s", "time by distance, straight between these points", ("distance",)),
    "latency": Meaning("s", "before the first byte of a request", ("requests",), needed=True),
    "average_access": Meaning("s", "published mean from the beginning; not computed with"),
    "average_rewind": Meaning("s", "published mean; not computed with"),
}

_WHOLE = {"capacity", "block", "buffer", "wraps", "bands", "sections"}
_ONLY_TOLD = {"average_access", "average_rewind"}
_KINDS: dict[str, type[Drive]] = {
    "serpentine": Serpentine,
    "distance": Distance,
    "requests": Requests,
}
_HEAD = {"name", "title", "kind", "like"}


def names() -> list[str]:
    """Return the names of the models that come with the package."""
    found = [entry.name for entry in resources.files(__package__).joinpath("models").iterdir()]
    return sorted(_stem(name) for name in found if name.endswith(".toml"))


def find(name: str) -> Drive:
    """Return a model by its name, or by the name of a file that ends in ``.toml``.

    Raises:
        UsageError: There is none, or it makes no sense.
        StorageError: The file cannot be read.
    """
    return parse(_text(name), name)


def parse(text: str, name: str) -> Drive:
    """Return the model of a TOML text.

    Args:
        text: The file's contents.
        name: What to call it in messages, and by default.

    Raises:
        UsageError: It is none.
    """
    try:
        return _drive(_inherited(text, name), name)
    except ValueError as error:  # a number of too many digits to be shown
        raise UsageError(f"{name}: {error}") from None


def _drive(told: dict[str, Any], name: str) -> Drive:
    kind = told.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise UsageError(f"{name}: kind is {kind!r}, not one of {', '.join(_KINDS)}")
    documents = _documents(told.pop("documents", {}), name)
    figures = dict(_figures(told, kind, name))
    values: dict[str, Any] = {
        key: figure.value for key, figure in figures.items() if key not in _ONLY_TOLD
    }
    if kind == "serpentine":
        values.setdefault("back", values["search"])
        if values.get("capacity", 0) < values["wraps"]:
            raise UsageError(f"{name}: capacity of a serpentine tape is missing or too small")
    if "seek" in values:
        values["seek"] = tuple((pair[0], pair[1]) for pair in values["seek"])
    return _KINDS[kind](
        name=str(told.get("name", _stem(os.path.basename(name)))),
        title=str(told.get("title", "")),
        kind=kind,
        figures=figures,
        documents=documents,
        **values,
    )


def _stem(name: str) -> str:
    return name.removesuffix(".toml")


def _text(name: str) -> str:
    """Return the text of a model."""
    try:
        if name.endswith(".toml"):
            with open(name, encoding="utf-8") as stream:
                return stream.read(1 << 20)
        if name in names():
            home = resources.files(__package__).joinpath("models")
            return home.joinpath(f"{name}.toml").read_text(encoding="utf-8")
    except OSError as error:
        raise StorageError.of(error, name) from error
    except UnicodeDecodeError:
        raise UsageError(f"{name}: not a text file") from None
    raise UsageError(f"no drive model {name!r}: FILE.toml, or one of {', '.join(names())}")


def _inherited(text: str, name: str) -> dict[str, Any]:
    """Return a model's keys, those of the models that it is like among them."""
    told = _toml(text, name)
    for _ in range(MOST_INHERITED):
        like = told.pop("like", None)
        if like is None:
            return told
        base = _toml(_text(str(like)), str(like))
        base.pop("name", None)
        documents = {
            **_documents(base.get("documents", {}), str(like)),
            **_documents(told.get("documents", {}), name),
        }
        told = {**base, **told, "documents": documents}
    raise UsageError(f"{name}: like leads from model to model without end")


def _toml(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name}: {error}") from None


def _documents(told: object, name: str) -> dict[str, str]:
    if not isinstance(told, Mapping):
        raise UsageError(f"{name}: documents is no table")
    return {str(key): str(value) for key, value in told.items()}


def _figures(told: dict[str, Any], kind: str, name: str) -> Iterator[tuple[str, Figure]]:
    """Yield the figures of a model, checked."""
    for key, value in told.items():
        if key in _HEAD:
            continue
        meaning = MEANINGS.get(key)
        if meaning is None or (meaning.kinds and kind not in meaning.kinds):
            raise UsageError(f"{name}: {key} is no figure of a {kind} drive")
        source = ""
        if isinstance(value, list) and len(value) == 2 and isinstance(value[1], str):
            value, source = value
        yield key, Figure(_checked(key, value, meaning, name), source)
    for key, meaning in MEANINGS.items():
        if meaning.needed and key not in told and (not meaning.kinds or kind in meaning.kinds):
            raise UsageError(f"{name}: {key} ({meaning.text}) is missing")


def _checked(key: str, value: object, meaning: Meaning, name: str) -> float | list[list[float]]:
    if key == "seek":
        return _points(value, name)
    number = _number(value)
    if number is None or not ((LEAST if meaning.positive else 0) <= number <= MOST):
        raise UsageError(f"{name}: {key} is {value!r}, not what {meaning.text} can be")
    if key not in _WHOLE:
        return float(number)
    if meaning.positive and number < 1:
        raise UsageError(f"{name}: {key} is {value!r}, less than 1")
    return int(number)


def _number(value: object) -> float | None:
    """Return a value if it is a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value


def _points(value: object, name: str) -> list[list[float]]:
    """Return the points of a curve, checked."""
    points: list[list[float]] = []
    for pair in value if isinstance(value, list) else ():
        numbers = [_number(one) for one in pair] if isinstance(pair, list) else []
        known = [number for number in numbers if number is not None and 0 <= number <= MOST]
        if len(numbers) != 2 or len(known) != 2:
            raise UsageError(f"{name}: seek has {pair!r}, not a distance and seconds")
        points.append([float(number) for number in known])
    if not points or any(one[0] <= before[0] for before, one in pairwise(points)):
        raise UsageError(f"{name}: the distances of seek do not ascend")
    return points
