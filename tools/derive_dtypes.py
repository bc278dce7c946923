"""Writes ``schema/tables.py``: the numpy dtypes derived from the generated Construct codecs."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

REFERENCE = Path(__file__).parents[1] / "reference"
sys.path.insert(0, str(REFERENCE))
TABLES = REFERENCE / "darimage/schema/tables.py"


def main() -> None:
    """Derives every dtype that there is and writes them."""
    before = TABLES.read_text() if TABLES.exists() else ""
    # What the derivation itself imports must not need what is about to be written.
    TABLES.write_text(written(""))
    try:
        TABLES.write_text(written("".join(rows())))
    except BaseException:
        TABLES.write_text(before)
        raise


def rows() -> Iterator[str]:
    """Yields the lines of the table."""
    from darimage.schema.codecs import ORDERS
    from darimage.schema.derive import cases, derive

    for name in layouts():
        for order in ORDERS:
            try:
                known = {case: derive(name, order, case) for case in cases(name, order)}
            except TypeError:
                continue  # its size is in its contents
            for case, derived in known.items():
                yield f"    {(name, order, case)!r}: {described(derived)!r},\n"


def written(table: str) -> str:
    """Returns the whole file."""
    return (
        "# Generated from ksy/ by `make generate`. Do not edit.\n"
        '"""The numpy dtypes of the layouts, derived from their Construct codecs."""\n\n'
        "from __future__ import annotations\n\nfrom typing import Any\n\n"
        f"DTYPES: dict[tuple[str, str, str | None], Any] = {{\n{table}}}\n"
        '"""Fields of each fixed layout as ``numpy.dtype`` takes them: name, byte order, case."""\n'
    )


def layouts() -> Iterator[str]:
    """Yields the names of all layouts: files of ksy/ and the types in them."""
    package = importlib.import_module("darimage.schema.construct_le")
    for found in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{found.name}")
        codecs = importlib.import_module("construct").Construct
        for name, value in sorted(vars(module).items()):
            if not isinstance(value, codecs):
                continue
            if name == found.name:
                yield name
            elif name.startswith(f"{found.name}__"):
                yield name.replace("__", "/", 1)


def described(derived: np.dtype[Any]) -> list[tuple[Any, ...]]:
    """Returns a dtype as lists, tuples and strings."""
    fields = []
    for name in derived.names or ():
        part = derived[name]
        inner = described(part.base) if part.base.names else part.base.str
        fields.append((name, inner, part.shape) if part.shape else (name, inner))
    return fields


main()
