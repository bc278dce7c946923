"""Reads ksy/*.ksy into rows to draw: where each field lies, how wide it is, what it holds.

It knows the part of the Kaitai Struct language that ksy/ uses: whole bytes, integers, types in the
same file or imported, repetitions, switches, and sizes that are numbers or expressions. Anything
else is an error rather than a wrong table. Nothing here needs Sphinx.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

_PRIMITIVE = re.compile(r"[usf][1248](le|be)?")


class KsyError(ValueError):
    """A layout that is not there, or that uses what this module does not know."""


@dataclass(frozen=True)
class Extent:
    """A number of bytes: a constant, plus expressions only known when the bytes are read.

    Attributes:
        constant: The part in bytes that is always there.
        terms: Expressions over other fields, each in bytes, to be added.
        open: True if it goes on to the end of whatever holds it, so that nothing can follow.
    """

    constant: int = 0
    terms: tuple[str, ...] = ()
    open: bool = False

    @property
    def fixed(self) -> int | None:
        """The bytes as a number, or None if they depend on what is read."""
        return None if self.open or self.terms else self.constant

    def __add__(self, other: Extent) -> Extent:
        """Returns the extent of one after the other."""
        return Extent(
            self.constant + other.constant, self.terms + other.terms, self.open or other.open
        )

    def times(self, count: int | str) -> Extent:
        """Returns the extent of `count` in a row; an expression needs a fixed extent."""
        if self.open:
            return self
        if isinstance(count, int):
            return Extent(self.constant * count, self.terms * count)
        if self.terms:
            return Extent(open=True)
        return Extent(terms=(f"{self.constant} × {_operand(count)}",))

    def __str__(self) -> str:
        """Returns the extent as people write it: `16 + 8 × head.rows`, or `–` if open."""
        if self.open:
            return "–"
        constant = [str(self.constant)] if self.constant or not self.terms else []
        return " + ".join([*constant, *self.terms])


def _operand(expression: str) -> str:
    return f"({expression})" if re.search(r"[-+ ]", expression) else expression


@dataclass(frozen=True)
class Field:
    """One row of a table.

    Attributes:
        name: The field's name; dotted (`c_dinode.di_mode`) below an expanded field.
        offset: First byte, from the start of the drawn structure.
        size: Bytes of the field.
        type: Type as in the .ksy (`u4`, `bytes`, `u4[12]`); of a switch, what it switches on.
        layout: Layout id of the user type behind the field, or "".
        cases: Of a switch, pairs of the value as written and the layout id it selects.
        enum: Layout id of the enum of its values (`record:c_type`), or "".
        doc: The field's documentation, on one line.
        inner: The structure of the field's own type, if it has one and does not repeat.
    """

    name: str
    offset: Extent
    size: Extent
    type: str
    layout: str = ""
    cases: tuple[tuple[str, str], ...] = ()
    enum: str = ""
    doc: str = ""
    inner: Structure | None = field(default=None, repr=False)


@dataclass(frozen=True)
class EnumValue:
    """One value of an enum."""

    value: int
    name: str
    doc: str


class Structure:
    """A top-level layout (`record`) or a type inside a file (`extension/inode_body`).

    Attributes:
        layout: The layout id.
        doc: What the .ksy says of it, on one line.
    """

    def __init__(self, layouts: Layouts, layout: str, raw: dict[str, Any], scope: Scope) -> None:
        self.layout = layout
        self.doc = one_line(raw.get("doc", ""))
        self._layouts = layouts
        self._raw = raw
        self._scope = scope

    @cached_property
    def fields(self) -> list[Field]:
        """Its fields in order, nested ones as one field each."""
        rows: list[Field] = []
        offset = Extent()
        for raw in self._raw.get("seq", []):
            row = self._field(raw, offset)
            rows.append(row)
            offset += row.size
        return rows

    @cached_property
    def size(self) -> Extent:
        """Bytes of the whole structure."""
        return sum((row.size for row in self.fields), Extent())

    def expanded(self) -> list[Field]:
        """Returns the fields with the fields of nested types in their place, down to the last."""
        rows: list[Field] = []
        for row in self.fields:
            inner = row.inner.expanded() if row.inner else []
            rows += [_moved(row, deep) for deep in inner] or [row]
        return rows

    def find(self, path: str) -> Field:
        """Returns the field at a dotted path such as `c_dinode.di_mode`, offset from our start."""
        name, _, rest = path.partition(".")
        row = next((row for row in self.fields if row.name == name), None)
        if row is None or (rest and row.inner is None):
            raise KsyError(f"{self.layout} has no field {path!r}")
        return _moved(row, row.inner.find(rest)) if rest and row.inner else row

    def _field(self, raw: dict[str, Any], offset: Extent) -> Field:
        name = str(raw.get("id", "?"))
        where = f"{self.layout}: field {name}"
        for key in ("if", "terminator", "process", "encoding", "size-eos"):
            if raw.get(key) and (key != "size-eos" or "type" in raw):
                raise KsyError(f"{where}: {key!r} is not known here")
        kind = raw.get("type")
        inner: Structure | None = None
        cases: tuple[tuple[str, str], ...] = ()
        if isinstance(kind, dict):
            label, one, cases = self._switch(kind, where)
        elif kind is None:
            label, one = "bytes", _bytes_extent(raw, where)
        elif _PRIMITIVE.fullmatch(kind):
            label, one = kind, Extent(int(kind[1]))
        else:
            inner = self._layouts.resolve(kind, self._scope, where)
            label, one = kind, inner.size
        if kind is not None and "size" in raw:
            one = _given(raw["size"])
        label, size = _repeated(raw, label, one, where)
        return Field(
            name=name,
            offset=offset,
            size=size,
            type=label,
            layout=inner.layout if inner else "",
            cases=cases,
            enum=self._enum(raw, where),
            doc=one_line(raw.get("doc", "")),
            inner=inner if inner and "repeat" not in raw else None,
        )

    def _switch(
        self, raw: dict[str, Any], where: str
    ) -> tuple[str, Extent, tuple[tuple[str, str], ...]]:
        structures = {
            str(value): self._layouts.resolve(name, self._scope, where)
            for value, name in raw["cases"].items()
        }
        sizes = {structure.size for structure in structures.values()}
        extent = sizes.pop() if len(sizes) == 1 else Extent(open=True)
        cases = tuple((value, structure.layout) for value, structure in structures.items())
        return f"by {raw['switch-on']}", extent, cases

    def _enum(self, raw: dict[str, Any], where: str) -> str:
        # The generator has a key of its own, so that codecs give plain numbers.
        name = raw.get("enum") or self._raw.get("-enums-of", {}).get(raw.get("id"))
        if name is None:
            return ""
        if name not in self._scope.file.get("enums", {}):
            raise KsyError(f"{where}: no enum {name!r}")
        return f"{self._scope.name}:{name}"


@dataclass(frozen=True)
class Scope:
    """The file that a type name is looked up in."""

    name: str
    file: dict[str, Any]


class Layouts:
    """All .ksy files of a folder, read when first asked for.

    Args:
        folder: The folder that holds the .ksy files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, dict[str, Any]] = {}

    def names(self) -> list[str]:
        """Returns the names of the files, without `.ksy`, sorted."""
        return sorted(path.stem for path in self.folder.glob("*.ksy"))

    def members(self, name: str) -> list[str]:
        """Returns the layout ids of a file: its own, if it has fields, then those of its types."""
        file = self._file(name)
        return [name] * ("seq" in file) + [f"{name}/{inner}" for inner in file.get("types", {})]

    def enums(self, name: str) -> list[str]:
        """Returns the ids (`record:c_type`) of a file's enums."""
        return [f"{name}:{enum}" for enum in self._file(name).get("enums", {})]

    def path(self, layout: str) -> Path:
        """Returns the file that a layout id (`record`, `record/dinode`, `record:c_type`) is in."""
        return self.folder / f"{re.split('[/:]', layout)[0]}.ksy"

    def structure(self, layout: str) -> Structure:
        """Returns the structure with an id such as `record` or `extension/inode_body`.

        Raises:
            KsyError: There is none of that name.
        """
        name, _, inner = layout.partition("/")
        scope = Scope(name, self._file(name))
        if not inner:
            return Structure(self, layout, scope.file, scope)
        types = scope.file.get("types", {})
        if inner not in types:
            raise KsyError(f"{name}.ksy has no type {inner!r}")
        return Structure(self, layout, types[inner], scope)

    def resolve(self, type_name: str, scope: Scope, where: str) -> Structure:
        """Returns the structure that a type name means inside a file."""
        if type_name in scope.file.get("types", {}):
            return self.structure(f"{scope.name}/{type_name}")
        if type_name in scope.file["meta"].get("imports", []):
            return self.structure(type_name)
        raise KsyError(f"{where}: no type {type_name!r} in {scope.name}.ksy or its imports")

    def enum(self, name: str, enum: str) -> list[EnumValue]:
        """Returns the values of an enum in ascending order.

        Raises:
            KsyError: The file has no such enum.
        """
        enums = self._file(name).get("enums", {})
        if enum not in enums:
            raise KsyError(f"{name}.ksy has no enum {enum!r}")
        values = []
        for value, raw in sorted(enums[enum].items()):
            entry = raw if isinstance(raw, dict) else {"id": raw}
            values.append(EnumValue(value, str(entry["id"]), one_line(entry.get("doc", ""))))
        return values

    def _file(self, name: str) -> dict[str, Any]:
        if name not in self._files:
            path = self.folder / f"{name}.ksy"
            if not path.is_file():
                raise KsyError(f"no layout {name!r}: {path} is not there")
            self._files[name] = yaml.safe_load(path.read_text(encoding="utf-8"))
        return self._files[name]


def one_line(text: str) -> str:
    """Returns text with every run of white space as one blank."""
    return " ".join(str(text).split())


def _moved(outer: Field, inner: Field) -> Field:
    return Field(
        name=f"{outer.name}.{inner.name}",
        offset=outer.offset + inner.offset,
        size=inner.size,
        type=inner.type,
        layout=inner.layout,
        cases=inner.cases,
        enum=inner.enum,
        doc=inner.doc,
        inner=inner.inner,
    )


def _given(size: int | str) -> Extent:
    return Extent(size) if isinstance(size, int) else Extent(terms=(str(size),))


def _bytes_extent(raw: dict[str, Any], where: str) -> Extent:
    if "contents" in raw:
        return Extent(len(raw["contents"]))
    if raw.get("size-eos"):
        return Extent(open=True)
    if "size" in raw:
        return _given(raw["size"])
    raise KsyError(f"{where}: neither a type nor a size")


def _repeated(raw: dict[str, Any], label: str, one: Extent, where: str) -> tuple[str, Extent]:
    repeat = raw.get("repeat")
    if repeat is None:
        return label, one
    if repeat == "eos":
        return f"{label}[]", Extent(open=True)
    if repeat == "expr":
        count = raw["repeat-expr"]
        return f"{label}[{count}]", one.times(count)
    raise KsyError(f"{where}: repeat {repeat!r} is not known here")
