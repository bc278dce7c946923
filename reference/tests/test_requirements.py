"""The registry of requirements is what spec/ says, and `explain` shows it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from darimage.errors import UsageError
from darimage.validate import shown
from darimage.validate.registry import LEVELS, matching, requirements, similar, standing_for
from darimage.validate.rules import checked
from darimage.validate.selection import ADDED, CORE, DUMP
from spec_requirements import PROFILES, Chapters, SpecError

ROOT = Path(__file__).parents[2]
IDS = ROOT / "spec/requirement-ids.txt"

CHAPTER = """\
A chapter
=========

.. _there:

Over there
----------

.. req:: Bytes
   :id: DARI-XYZ-001
   :level: MUST
   :binds: writer, reader
   :profile: acl
   :unseen: Nobody
      looks.

   A thing MUST be :ksy-size:`extension/end_body` of *n* ``zeros``
   (:need:`DARI-XYZ-002`, :doc:`00-other`, :ref:`there`).

Because.

1. First
   line.
2. Second.

A table shows it:

.. list-table::

   * - It

Not about it.

.. req:: Reading
   :id: DARI-XYZ-002
   :level: SHOULD NOT
   :binds: reader

   It SHOULD NOT be read.

Next
----

Not about it either.
"""


def chapters(tmp_path, text):
    (tmp_path / "10-thing.rst").write_text(text)
    return Chapters(tmp_path, ROOT / "ksy").requirements()


def test_a_chapter_is_read(tmp_path):
    one, two = chapters(tmp_path, CHAPTER)
    assert one.as_json() == {
        "id": "DARI-XYZ-001",
        "title": "Bytes",
        "level": "MUST",
        "binds": ["writer", "reader"],
        "profile": "acl",
        "chapter": "10-thing",
        "text": "A thing MUST be 80 bytes of n `zeros` (DARI-XYZ-002, chapter 00, “Over there”).",
        "reason": ["Because.", "1. First line.", "2. Second."],
        "unseen": "Nobody looks.",
    }
    assert (two.profile, two.reason, two.unseen) == (
        "dari-core",
        (),
        "It is about what a reader does.",
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("DARI-XYZ-002\n   :level: SHOULD NOT", "DARI-XYZ-001\n   :level: MUST", "again"),
        (":level: MUST", ":level: OUGHT", "level"),
        (":binds: reader", ":binds: everybody", "binds"),
        (":profile: acl", ":profile: acls", "profile"),
        (":unseen: Nobody", ":unsene: Nobody", "unsene"),
        (":id: DARI-XYZ-001", ":id: XYZ-001", "id"),
        (":need:`DARI-XYZ-002`", ":nede:`DARI-XYZ-002`", "nede"),
        ("   It SHOULD NOT be read.\n", "", "text"),
    ],
)
def test_what_is_not_complete_is_refused(old, new, told, tmp_path):
    assert old in CHAPTER
    with pytest.raises(SpecError, match=told):
        chapters(tmp_path, CHAPTER.replace(old, new))


def deriving():
    import importlib.util

    spec = importlib.util.spec_from_file_location("derive", ROOT / "tools/derive_requirements.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_ids_never_vanish_and_never_come_back():
    with_new = deriving().with_new
    listed = with_new("", ["DARI-AAA-002", "DARI-AAA-001"])
    assert listed.splitlines()[-2:] == ["DARI-AAA-001", "DARI-AAA-002"]
    assert with_new(listed, ["DARI-AAA-001", "DARI-AAA-002", "DARI-BBB-001"]).endswith("BBB-001\n")
    with pytest.raises(SpecError, match="DARI-AAA-002: no longer"):
        with_new(listed, ["DARI-AAA-001"])
    noted = listed.replace("AAA-002", "AAA-002 withdrawn in 1.1")
    assert "DARI-AAA-002 withdrawn in 1.1\n" in with_new(noted, ["DARI-AAA-001"])
    with pytest.raises(SpecError, match="was withdrawn"):
        with_new(noted, ["DARI-AAA-001", "DARI-AAA-002"])


def test_every_id_was_given_once():
    given = [line.split()[0] for line in IDS.read_text().splitlines() if line[:1] not in ("", "#")]
    assert len(given) == len(set(given))
    assert requirements().keys() <= set(given)


def test_the_page_on_profiles_is_true():
    text = (ROOT / "spec/92-profiles.rst").read_text()
    assert {DUMP, CORE, *ADDED} == set(PROFILES)
    for profile in PROFILES:
        assert re.search(rf"``\+?{profile}``", text)
    for one in requirements().values():
        assert one.strength in LEVELS


def test_whatever_is_checked_can_be_seen():
    known = requirements()
    # Of a wrapper that is kept as origin the image shows the form, though not what was in it; a
    # plain dump shows that it is one, when it is asked to be an image; and an image says which data
    # was replaced, but not whether more of it should have been.
    for one in checked().keys() - {"DARI-SDE-012", "DARI-EXT-002", "DARI-FIL-014"}:
        writers = "writer" in known[one].binds
        assert not (writers and known[one].unseen), f"{one}: {known[one].unseen}"


@pytest.mark.parametrize("word", ["DARI-REC-004", "rec-4", "REC004", "dari-rec-04", "Rec-004"])
def test_an_id_is_known_however_it_is_written(word):
    assert matching(word) == ["DARI-REC-004"]


def test_the_beginning_of_an_id_stands_for_all_that_begin_so():
    assert len(matching("")) == len(requirements())
    assert set(matching("end")) == {one for one in requirements() if one.startswith("DARI-END-")}
    assert "DARI-REC-004" in similar("DARI-RCE-004")
    assert similar("checksum")[0] == "DARI-REC-004"
    with pytest.raises(UsageError, match="did you mean DARI-REC-004"):
        standing_for("DARI-RCE-004")


def explain(*arguments):
    words = [sys.executable, "-m", "darimage", "explain", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_explain_tells_it_all():
    one = requirements()["DARI-REC-004"]
    text = " ".join(explain("rec-4").stdout.split())
    for part in (one.id, one.title, one.level, one.text, *one.reason, one.page, "decoded.rec-004"):
        assert part in text
    run = explain("rec-4", "END-1")
    assert run.returncode == 0
    assert "DARI-END-001  Last part" in run.stdout
    assert "Not seen in an image: It is about what a reader does." in explain("rst-1").stdout


def test_explain_knows_the_vectors(tmp_path):
    vector = {"id": "DARI-V-0007", "name": "header/sum", "title": "Off by one", "valid": False}
    told = {"vectors": [{**vector, "requirements": ["DARI-REC-004"]}]}
    (tmp_path / shown.MANIFEST).write_text(json.dumps(told))
    assert (
        "Broken in: DARI-V-0007 header/sum: Off by one"
        in explain("rec-4", "--vectors", tmp_path).stdout
    )
    answer = json.loads(explain("rec-4", "--json", "--vectors", tmp_path).stdout)
    assert answer["requirements"][0]["vectors"] == [vector]
    (tmp_path / shown.MANIFEST).write_text('{"vectors": [{}]}')
    assert explain("rec-4", "--vectors", tmp_path).returncode == 2
    assert explain("rec-4", "--vectors", tmp_path / "none").returncode == 3


def test_explain_lists():
    assert len(explain("--list").stdout.splitlines()) == len(requirements())
    assert len(explain("--list", "end").stdout.splitlines()) == len(matching("end"))
    answer = json.loads(explain("--list", "--json", "end").stdout)
    assert [one["id"] for one in answer["requirements"]] == matching("end")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "--list"),
        (["nonsense"], "no requirement is called 'nonsense'"),
        (["DARI-RCE-004"], "did you mean DARI-REC-004"),
        (["end"], "'end' is the beginning of DARI-END-001, "),
    ],
)
def test_explain_helps_who_asks_wrongly(arguments, told):
    run = explain(*arguments)
    assert (run.returncode, run.stdout) == (2, "")
    assert told in run.stderr
    assert run.stderr.count("\n") == 1
