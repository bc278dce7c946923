"""Each requirement is checked by somebody, and the docs say by whom."""

from __future__ import annotations

import pytest
from sphinx.testing.util import SphinxTestApp
from support import scores, traces

from darimage.validate.registry import requirements
from darimage.validate.rules import checked
from traceability import SHOWN_MAX, lines_of


def test_all_requirements_are_there_with_all_that_checks_them():
    found = traces.traces()
    assert [trace.requirement.id for trace in found] == list(requirements())
    by_id = {trace.requirement.id: trace for trace in found}
    assert {one for one, trace in by_id.items() if trace.rules} == checked().keys()
    for vector in scores.suite():
        for one in set(vector.broken) if "todo" not in vector.told else ():
            assert vector.name in by_id[one].broken
    assert "test_limits::test_high_inode_numbers" in by_id["DARI-LIM-001"].tests
    assert not [name for trace in found for name in trace.tests if "test_requirements" in name]


def test_a_must_needs_a_rule_a_vector_or_a_test():
    """Whoever adds one that nobody checks names it in a test of it, as in ``Shows DARI-…``."""
    nobody = [trace for trace in traces.traces() if not trace.is_checked]
    assert not [t.requirement.id for t in nobody if t.requirement.strength == "MUST"]


def test_a_must_without_any_of_them_is_told(monkeypatch):
    monkeypatch.setattr(traces, "naming", dict)
    monkeypatch.setattr(scores, "unchecked", lambda: {"DARI-REC-001": "a valid vector"})
    found = traces.lacking()
    assert found["DARI-REC-001"] == "a valid vector"
    assert found["DARI-LIM-003"] == "a rule, a vector or a test"
    assert "DARI-REC-004" not in found


@pytest.mark.parametrize(
    ("lacking", "warned"), [({}, ""), ({"DARI-REC-001": "a valid vector"}, "DARI-REC-001")]
)
def test_the_build_warns_of_what_nobody_checks(tmp_path, monkeypatch, lacking, warned):
    monkeypatch.setattr(traces, "lacking", lambda: lacking)
    (tmp_path / "conf.py").write_text('extensions = ["traceability"]\n')
    (tmp_path / "index.rst").write_text("Title\n=====\n\nText\n")
    app = SphinxTestApp(srcdir=tmp_path, builddir=tmp_path / "_build")
    try:
        app.build()
        assert warned in app.warning.getvalue()
        assert bool(app.warning.getvalue()) == bool(warned)
    finally:
        app.cleanup()


def test_long_lists_are_cut_and_counted():
    (one, *_) = traces.traces()
    many = one._replace(shown=tuple(f"topic/v{n}" for n in range(SHOWN_MAX + 3)), tests=())
    text = "\n".join(lines_of([many]))
    assert f":need:`{one.requirement.id}`" in text
    assert f"``topic/v{SHOWN_MAX - 1}`` and 3 more" in text
    nobody = one._replace(rules=(), broken=(), shown=(), tests=())
    assert "nobody" in "\n".join(lines_of([nobody]))
