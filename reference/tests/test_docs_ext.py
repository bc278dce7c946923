"""The Sphinx extensions below docs/_ext: layouts, tables, hexdumps."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest
from sphinx.testing.util import SphinxTestApp

from ksy_layout import Extent, KsyError, Layouts
from spec_hexdump import Expectation, HexdumpError, find_hexdumps, parse_dump, parse_expect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAIN = """
meta:
  id: main
  endian: le
  imports:
    - other
doc: A layout to draw.
-enums-of:
  kind: kind
seq:
  - {id: magic, contents: MAGI, doc: "Any but `/`, as DT_* or `a*b`."}
  - {id: kind, type: u2}
  - {id: count, type: u1, enum: kind}
  - {id: pad, size: 1}
  - {id: pairs, type: pair, repeat: expr, repeat-expr: 3}
  - {id: one, type: pair}
  - {id: far, type: other}
  - id: body
    size: 8
    type:
      switch-on: kind
      cases: {1: pair, _: rest}
  - {id: many, type: pair, repeat: expr, repeat-expr: count - 1}
  - {id: tail, size: count}
types:
  pair:
    seq:
      - {id: left, type: u4, doc: The left one.}
      - {id: right, type: s8be}
  rest:
    seq:
      - {id: bytes, size-eos: true}
enums:
  kind:
    2: {id: two, doc: Second.}
    1: {id: one, doc: First.}
    0x10: sixteen
"""
OTHER = """
meta: {id: other, endian: le}
seq:
  - {id: words, type: u2, repeat: expr, repeat-expr: 5}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ksy = tmp_path / "ksy"
    ksy.mkdir()
    (ksy / "main.ksy").write_text(MAIN)
    (ksy / "other.ksy").write_text(OTHER)
    return ksy


@pytest.fixture
def layouts(folder: Path) -> Layouts:
    return Layouts(folder)


def write(folder: Path, name: str, seq: str) -> Layouts:
    (folder / f"{name}.ksy").write_text(f"meta: {{id: {name}, endian: le}}\nseq:\n  - {seq}\n")
    return Layouts(folder)


class TestLayout:
    def test_offsets_and_sizes(self, layouts: Layouts) -> None:
        rows = [
            (f.name, str(f.offset), str(f.size), f.type) for f in layouts.structure("main").fields
        ]
        assert rows == [
            ("magic", "0", "4", "bytes"),
            ("kind", "4", "2", "u2"),
            ("count", "6", "1", "u1"),
            ("pad", "7", "1", "bytes"),
            ("pairs", "8", "36", "pair[3]"),
            ("one", "44", "12", "pair"),
            ("far", "56", "10", "other"),
            ("body", "66", "8", "by kind"),
            ("many", "74", "12 × (count - 1)", "pair[count - 1]"),
            ("tail", "74 + 12 × (count - 1)", "count", "bytes"),
        ]

    def test_expanded_replaces_a_nested_type_by_its_fields(self, layouts: Layouts) -> None:
        rows = [(f.name, str(f.offset)) for f in layouts.structure("main").expanded()]
        assert rows[4:8] == [
            ("pairs", "8"),
            ("one.left", "44"),
            ("one.right", "48"),
            ("far.words", "56"),
        ]

    def test_find_gives_the_offset_from_the_outermost_start(self, layouts: Layouts) -> None:
        field = layouts.structure("main").find("one.right")
        assert (field.offset.fixed, field.size.fixed, field.type) == (48, 8, "s8be")

    @pytest.mark.parametrize("path", ["two", "one.middle", "kind.left", "pairs.left"])
    def test_find_refuses_what_is_not_there(self, layouts: Layouts, path: str) -> None:
        with pytest.raises(KsyError, match="has no field"):
            layouts.structure("main").find(path)

    def test_cases_and_enums_name_their_layouts(self, layouts: Layouts) -> None:
        fields = {field.name: field for field in layouts.structure("main").fields}
        assert fields["body"].cases == (("1", "main/pair"), ("_", "main/rest"))
        assert fields["kind"].enum == fields["count"].enum == "main:kind"
        assert fields["far"].layout == "other"

    def test_an_open_end_has_no_fixed_size(self, layouts: Layouts) -> None:
        rest = layouts.structure("main/rest")
        assert rest.size.open
        assert rest.size.fixed is None
        assert layouts.structure("main/pair").size.fixed == 12

    def test_members_and_enums_of_a_file(self, layouts: Layouts) -> None:
        assert layouts.names() == ["main", "other"]
        assert layouts.members("main") == ["main", "main/pair", "main/rest"]
        assert layouts.enums("main") == ["main:kind"]

    def test_enum_values_ascend(self, layouts: Layouts) -> None:
        values = [(v.value, v.name, v.doc) for v in layouts.enum("main", "kind")]
        assert values == [(1, "one", "First."), (2, "two", "Second."), (16, "sixteen", "")]

    @pytest.mark.parametrize(
        ("seq", "message"),
        [
            ("{id: x, type: b3}", "no type 'b3'"),
            ("{id: x, type: pear}", "no type 'pear'"),
            ("{id: x, type: u4, if: y}", "'if' is not known"),
            ("{id: x, type: u4, repeat: until}", "repeat 'until' is not known"),
            ("{id: x}", "neither a type nor a size"),
            ("{id: x, type: u4, enum: nothing}", "no enum 'nothing'"),
        ],
    )
    def test_what_it_does_not_know_is_an_error(self, folder: Path, seq: str, message: str) -> None:
        with pytest.raises(KsyError, match=message):
            _ = write(folder, "bad", seq).structure("bad").fields

    def test_nothing_is_fixed_after_an_open_end(self) -> None:
        extent = Extent(8) + Extent(open=True) + Extent(4)
        assert (str(extent), extent.fixed) == ("–", None)


@pytest.fixture
def build(tmp_path: Path, folder: Path) -> Callable[[str], tuple[str, str]]:
    """Builds a page with the extensions; gives the text of the page and the warnings."""

    def run(page: str) -> tuple[str, str]:
        source = tmp_path / "source"
        source.mkdir()
        (source / "conf.py").write_text(
            "extensions = ['ksy_tables', 'hexdump_directive']\n"
            f"ksy_directory = {str(folder)!r}\n"
            "nitpicky = True\n"
        )
        (source / "index.rst").write_text("Page\n====\n\n" + textwrap.dedent(page))
        app = SphinxTestApp("text", srcdir=source, builddir=tmp_path / "out")
        try:
            app.build()
            return (app.outdir / "index.txt").read_text(), app.warning.getvalue()
        finally:
            app.cleanup()

    return run


ALL_TABLES = """
.. ksy-table:: main
.. ksy-table:: main/pair
.. ksy-table:: main/rest
.. ksy-table:: other
.. ksy-enum:: main kind
   :hex:
"""


class TestDirectives:
    def test_tables_show_every_field(self, build: Callable[[str], tuple[str, str]]) -> None:
        text, warnings = build(ALL_TABLES)
        assert warnings == ""
        lines = [[cell.strip() for cell in line.split("|")] for line in text.splitlines()]
        cells = [line[1:-1] for line in lines if len(line) > 2]
        assert ["6", "1", 'u1, "kind"', '"count"', ""] in cells
        (many,) = [row for row in cells if '"many"' in row]
        assert (many[0], many[1][:4]) == ("74", "12 ×")
        assert ["0x10", '"sixteen"', ""] in cells
        assert "main, 74 + 12 × (count - 1) + count bytes" in text
        assert "other, 10 bytes" in text
        assert 'Any but "/", as DT_* or "a*b".' in " ".join(text.split())

    def test_roles_give_numbers(self, build: Callable[[str], tuple[str, str]]) -> None:
        text, warnings = build(
            ALL_TABLES
            + "\nA pair has :ksy-size:`main/pair` bytes, its right one :ksy-size:`main:one.right` "
            "at :ksy-offset:`main:one.right`; see :ksy:layout:`main/pair`.\n"
        )
        assert warnings == ""
        assert "A pair has 12 bytes, its right one 8 at 48; see" in " ".join(text.split())

    @pytest.mark.parametrize(
        ("page", "warning"),
        [
            (".. ksy-table:: nothing", "no layout 'nothing'"),
            (".. ksy-table:: main/nothing", "main.ksy has no type 'nothing'"),
            (".. ksy-enum:: main nothing", "main.ksy has no enum 'nothing'"),
            (".. ksy-table:: other", "ksy layout main/pair is drawn on no page"),
            (".. ksy-table:: other", "ksy enum main:kind is drawn on no page"),
            (ALL_TABLES + "\n.. ksy-table:: main", "ksy layout main is drawn twice"),
            (ALL_TABLES + "\nSize :ksy-size:`main`.", "the size of main is not a fixed number"),
            (ALL_TABLES + "\nSee :ksy:layout:`main/x`.", "reference target not found: main/x"),
            (ALL_TABLES + "\n.. hexdump::\n\n   0000  zz", "not `OFFSET  bytes"),
            (ALL_TABLES + "\n.. hexdump::\n   :inodes: a\n\n   0000  00", "not a list of inode"),
            (ALL_TABLES + "\n.. hexdump::\n   :expect: a\n\n   0000  00", "not `field=value`"),
        ],
    )
    def test_faults_are_warnings(
        self, build: Callable[[str], tuple[str, str]], page: str, warning: str
    ) -> None:
        assert warning in build(page)[1]

    def test_a_table_drawn_again_on_purpose(self, build: Callable[[str], tuple[str, str]]) -> None:
        assert build(ALL_TABLES + "\n.. ksy-table:: main\n   :no-index:\n")[1] == ""

    def test_hexdump_says_how_it_is_read(self, build: Callable[[str], tuple[str, str]]) -> None:
        text, warnings = build(
            ALL_TABLES
            + "\n.. hexdump:: A pair\n   :layout: main/pair\n   :expect: left=1, right=-2\n\n"
            "   0000  01 00 00 00  | left\n   0004  ff*7 fe      | right\n"
        )
        assert warnings == ""
        assert "0004  ff*7 fe      | right" in text
        assert "Read as main/pair, little-endian, left = 1, right = -2." in text


class TestHexdumpFormat:
    def test_bytes_runs_and_comments(self) -> None:
        lines = ["03a0  44 41 52 49 | DARI", "", "03a4  00*4", "03a8  01 ff*2   | 2 | more"]
        assert parse_dump(lines) == b"DARI" + bytes(4) + b"\x01\xff\xff"

    @pytest.mark.parametrize(
        ("lines", "message"),
        [
            (["0000  00 01", "0003  00"], "offset 0003 should be 0002"),
            (["0000  0"], "is not a byte"),
            (["0000  000"], "is not a byte"),
            (["0000  00*0"], "is not a byte"),
            (["00  00 00"], "not `OFFSET"),
            (["0000"], "not `OFFSET"),
            (["0000  | only words"], "not `OFFSET"),
            ([""], "no bytes"),
        ],
    )
    def test_strict(self, lines: list[str], message: str) -> None:
        with pytest.raises(HexdumpError, match=message):
            parse_dump(lines)

    def test_expectations(self) -> None:
        text = """a=1, b.c[2]=-0x0a, d = "x, y", e=x'00 ff*2'""".replace("-0x0a", "0x0a")
        assert parse_expect(text) == (
            Expectation("a", 1),
            Expectation("b.c[2]", 10),
            Expectation("d", "x, y"),
            Expectation("e", b"\0\xff\xff"),
        )

    @pytest.mark.parametrize("text", ["a", "a=", "a=b", "a=1 b=2", "=1", 'a="x', "a=x'0'"])
    def test_expectations_strict(self, text: str) -> None:
        with pytest.raises(HexdumpError):
            parse_expect(text)

    def test_found_in_a_chapter(self, tmp_path: Path) -> None:
        chapter = tmp_path / "10.rst"
        chapter.write_text(
            "Text\n\n  .. hexdump:: A title\n     :layout: main/pair\n     :order: be\n"
            "     :expect: left=1,\n        right=2\n\n     0010  00*3 01\n\n     0014  02\n\n"
            "After\n"
            "\n.. hexdump::\n   :inodes: 1, 2, 3\n\n   0000  07\n"
        )
        first, second = find_hexdumps(chapter)
        assert (first.source, first.title, first.layout) == ("10.rst:3", "A title", "main/pair")
        assert (first.order, first.data) == ("be", b"\0\0\0\x01\x02")
        assert [wanted.path for wanted in first.expect] == ["left", "right"]
        assert (second.order, second.layout, second.data) == ("le", "", b"\x07")
        assert (first.inodes, second.inodes) == (None, (1, 2, 3))

    def test_a_fault_names_its_line(self, tmp_path: Path) -> None:
        chapter = tmp_path / "10.rst"
        chapter.write_text("\n\n.. hexdump::\n   :order: middle\n\n   0000  00\n")
        with pytest.raises(HexdumpError, match=r"10\.rst:3: order is le or be"):
            list(find_hexdumps(chapter))
