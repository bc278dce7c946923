"""`darimage validate` on real images, in a process of its own."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import stat
import subprocess
import sys
from collections import Counter
from xml.etree import ElementTree as ET

import pytest
from fuzz.strategies.damage import Damage, damage, damages
from hypothesis import example, given, settings
from support import images

from darimage.conformance.known import load
from darimage.conformance.testee import SHIPPED
from darimage.conformance.vectors import Suite
from darimage.schema import CType
from darimage.sources.memory import Node
from darimage.units import RECORD
from darimage.validate import outputs, run
from darimage.validate.gathering import KEPT
from darimage.validate.registry import requirements
from darimage.validate.report import UNREAD
from darimage.validate.rules import all_rules, checked
from darimage.validate.selection import Selection, named

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

SAMPLE = images.encode(images.sample())

C_SPARE = 904


def validate(*arguments, code=None, **options):
    words = [sys.executable, "-m", "darimage", "validate", *map(os.fspath, arguments)]
    done = subprocess.run(words, capture_output=True, check=False, timeout=60, **options)
    if code is not None:
        assert done.returncode == code, done.stderr
    assert b"Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Images that conform, do not, recommend against, and are none at all."""
    found = tmp_path_factory.mktemp("images")
    good = images.encode(images.sample())
    (found / "good").write_bytes(good)
    (found / "bad").write_bytes(spoilt(good))
    (found / "unwise").write_bytes(with_another_label(good))
    (found / "cut").write_bytes(good[: 20 * RECORD])
    (found / "plain").write_bytes(images.small_plain())
    (found / "text").write_text("no image\n" * 200)
    (found / "empty").write_bytes(b"")
    return found


def spoilt(image):
    """Set a spare byte in the header of the root directory."""
    return images.poke(image, 5, C_SPARE, "B", 1)


def with_another_label(image):
    return images.poke(image, 5, 676, "4s", b"some")


def findings(path, *arguments):
    told = json.loads(validate("--json", path, *arguments).stdout)
    return [(one["requirement"], one["record"]) for one in told["images"][0]["findings"]]


def test_a_sound_image_conforms(folder):
    done = validate(folder / "good", code=0)
    told = done.stdout.decode().splitlines()
    assert told[0].startswith(f"{folder / 'good'}: conforms (dari-core")
    assert told[-1] == "1 image: 1 conforms; 0 findings"
    assert done.stderr == b""


def test_a_fault_is_told_with_its_place(folder):
    done = validate("--json", folder / "bad", code=1)
    (image,) = json.loads(done.stdout)["images"]
    (one,) = image["findings"]
    assert one["requirement"] == "DARI-REC-015"
    assert (one["record"], one["offset"], one["length"]) == (5, 5 * RECORD + C_SPARE, 24)
    assert (one["field"], one["expected"]) == ("c_spare", "zero (24 bytes)")
    assert one["found"] == "01" + 23 * "00"
    assert (one["inode"], one["path"], one["volume"]) == (2, ".", 1)
    assert "DARI-REC-015" in image["checked"]


def test_only_a_must_decides_unless_asked(folder):
    assert findings(folder / "unwise") == [("DARI-REC-019", 5)]
    validate(folder / "unwise", code=0)
    validate("--strict", folder / "unwise", code=1)
    validate("--strict", "--level", "must", folder / "unwise", code=0)


def test_profiles_select(folder):
    """Shows DARI-PRO-001."""
    assert findings(folder / "bad", "--profile", "dump") == []
    plain = json.loads(validate("--json", folder / "plain").stdout)["images"][0]
    assert (plain["profile"], plain["uuid"]) == ("dump", None)
    assert ("DARI-EXT-002", 0) in findings(folder / "plain", "--profile", "dari-core")
    validate("--profile", "dari-core", folder / "plain", code=1)


def test_ids_select(folder):
    validate("--skip", "rec-15", folder / "bad", code=0)
    validate("--only", "rec", folder / "bad", code=1)
    done = validate("--only", "rec", "--skip", "rec-15", folder / "bad", code=0)
    assert b"1 finding not asked for" in done.stdout


def test_a_cut_image_and_what_is_none(folder):
    assert ("DARI-VOL-011", 20) in findings(folder / "cut")
    for name in ("text", "empty"):
        validate(folder / name, code=1)
        assert findings(folder / name) == [("DARI-REC-003", 0)]
    # Nobody asked for what is wrong with it, so nobody can say that it conforms.
    validate("--only", "end", folder / "text", code=3)


def test_the_worst_image_decides(folder):
    validate(folder / "good", folder / "bad", code=1)
    done = validate(folder / "bad", folder / "none", folder / "good", code=3)
    assert b"3 images: 1 conforms, 1 does not conform, 1 not read; 1 finding" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Missing argument"),
        (["--profile", "core", "IMAGE"], "'core' is no profile"),
        (["--only", "nothing", "IMAGE"], "no requirement is called 'nothing'"),
        (["--level", "never", "IMAGE"], "never"),
        (["-o", "report.doc", "IMAGE"], "report.doc: ends in none of"),
        (["--baseline", "IMAGE", "IMAGE"], "no baseline file"),
    ],
)
def test_wrong_use_ends_with_2(arguments, told, folder):
    words = [os.fspath(folder / "good") if word == "IMAGE" else word for word in arguments]
    done = validate(*words, code=2)
    assert told in done.stderr.decode()
    assert done.stdout == b""


def test_files_of_all_forms_at_once(folder, tmp_path):
    names = ["r.txt", "r.json", "r.xml", "r.sarif", "r.html"]
    rest = [word for name in [*names[:-1], f"html:{tmp_path / 'page'}"] for word in ("-o", name)]
    done = validate(folder / "bad", *rest, code=1, cwd=tmp_path)
    assert (tmp_path / "r.txt").read_bytes() == done.stdout
    assert json.loads((tmp_path / "r.json").read_text())["exit_code"] == 1
    assert ET.parse(tmp_path / "r.xml").getroot().get("failures") == "1"
    sarif = json.loads((tmp_path / "r.sarif").read_text())
    (result,) = sarif["runs"][0]["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert region == {"byteOffset": 5 * RECORD + C_SPARE, "byteLength": 24}
    assert "<b>c_spare</b>" in (tmp_path / "page").read_text()


def test_a_file_that_cannot_be_written_ends_with_3(folder, tmp_path):
    done = validate(
        folder / "good", "-o", tmp_path / "no/r.json", "-o", tmp_path / "r.json", code=3
    )
    assert done.stderr.count(b"\n") == 1
    assert json.loads((tmp_path / "r.json").read_text())["exit_code"] == 0


def test_a_baseline_keeps_what_is_known(folder, tmp_path):
    known = tmp_path / "known.json"
    validate("--write-baseline", known, folder / "bad", code=0)
    validate("--baseline", known, folder / "bad", code=0)
    image = tmp_path / "bad"
    shutil.copy(folder / "bad", image)
    validate("--baseline", known, image, code=1)
    content = json.loads(known.read_text())
    content["findings"][0]["image"] = os.fspath(folder / "good")
    known.write_text(json.dumps(content))
    done = validate("--baseline", known, folder / "good", code=1)
    assert (
        b"baseline: DARI-REC-015 in c_spare at path . no longer occurs: take it out" in done.stdout
    )
    validate("--baseline", tmp_path / "none", folder / "good", code=3)


def test_standard_input_is_an_image(folder):
    with (folder / "bad").open("rb") as stream:
        done = validate("-", "-o", "html:/dev/null", stdin=stream)
    assert done.returncode == 1
    assert done.stdout.startswith(b"-: does not conform")


def test_places_are_those_on_the_volumes(tmp_path):
    """Records are counted over all volumes, continuation headers too, and shown as they lie."""
    (tmp_path / "tree").mkdir()
    for number in range(40):
        (tmp_path / "tree" / f"file{number:02}").write_bytes(b"x" * 3000)
    words = [sys.executable, "-m", "darimage", "create", "--volume-size", "64K"]
    subprocess.run([*words, tmp_path / "tree", tmp_path / "set"], capture_output=True, check=True)
    validate(tmp_path / "set", code=0)
    volume = tmp_path / "set002"
    image = bytearray(volume.read_bytes())
    at = next(record for record, c_type, _ in headers_on(image) if c_type == CType.TS_INODE)
    image[at * RECORD + C_SPARE] = 1
    images.reseal(image, at)
    volume.write_bytes(image)
    page = tmp_path / "page.html"
    done = validate("--json", tmp_path / "set", "-o", page, code=1)
    (one,) = json.loads(done.stdout)["images"][0]["findings"]
    record = (tmp_path / "set001").stat().st_size // RECORD + at
    assert (one["volume"], one["record"], one["offset"]) == (2, record, record * RECORD + C_SPARE)
    shown = page.read_text()
    assert f"volume 2, record {record} (byte {record * RECORD + C_SPARE})" in shown
    assert f"Record {record}, bytes {record * RECORD:,} to" in shown
    assert "<td>0x388</td><td>01 00 × 23</td>" in shown
    rest = [word for name in ("set002", "set003") for word in ("--volume", tmp_path / name)]
    validate(tmp_path / "set001", *rest, code=1)
    assert b"for one IMAGE" in validate(tmp_path / "set", tmp_path / "set", *rest, code=2).stderr


def headers_on(volume):
    """Yield place, type and inode of headers of a volume, wherever it begins."""
    for record in range(1, len(volume) // RECORD):
        head = bytes(volume[record * RECORD : (record + 1) * RECORD])
        if head[24:28] == (60012).to_bytes(4, "little"):
            yield record, int.from_bytes(head[:4], "little"), int.from_bytes(head[20:24], "little")


def on_a_terminal(*arguments, **environment):
    """Return what the program prints on a terminal."""
    leader, follower = pty.openpty()
    words = [sys.executable, "-m", "darimage", "validate", *map(os.fspath, arguments)]
    known = {name: os.environ[name] for name in os.environ if name != "NO_COLOR"}
    environment = {**known, **environment}
    subprocess.run(words, stdout=follower, stderr=subprocess.DEVNULL, env=environment, check=False)
    os.close(follower)
    told = os.read(leader, 1 << 16)
    os.close(leader)
    return told


def test_colours_are_for_terminals(folder):
    assert b"\x1b[" in on_a_terminal(folder / "bad")
    assert b"\x1b[" not in on_a_terminal(folder / "bad", NO_COLOR="1")
    assert b"\x1b[" not in on_a_terminal(folder / "bad", "--color", "never")
    assert b"\x1b[" in validate("--color", "always", folder / "bad").stdout
    assert b"\x1b[" not in validate(folder / "bad").stdout


FAILING = """
import sys
from darimage.validate import engine
def fail(image, *_):
    if "bad" in image.name:
        raise KeyError("a mistake of ours")
    return 0
engine.judge = fail
from darimage.cli import main
main(["validate", *sys.argv[1:]])
"""


def test_a_fault_of_this_program_ends_with_4_and_hides_no_verdict(folder):
    words = [sys.executable, "-c", FAILING, folder / "bad", folder / "good"]
    done = subprocess.run(words, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (4, b"")
    assert re.search(
        rb"bad: not judged .*\n.*please report.*\n +KeyError: 'a mis.*:6\n", done.stdout
    )
    assert b"good: conforms" in done.stdout


BROKEN_FORM = """
import sys
from darimage.validate.outputs import json_report
json_report.written = lambda report: 1 / 0
from darimage.cli import main
main(["validate", *sys.argv[1:]])
"""


def test_a_report_that_cannot_be_made_ends_with_4(folder):
    words = [sys.executable, "-c", BROKEN_FORM, "--json", folder / "good"]
    done = subprocess.run(words, capture_output=True, check=False, text=True)
    assert (done.returncode, done.stdout) == (4, "")
    told = "darimage: this program failed, please report it: ZeroDivisionError: division by zero\n"
    assert done.stderr == told


def flooded(count):
    """Return an image of empty files that all break DARI-REC-015."""
    files = {b"%05d" % number: Node(stat.S_IFREG | 0o600) for number in range(count)}
    image = bytearray(images.encode(Node(stat.S_IFDIR | 0o700, children=files)))
    for record, c_type, inode in images.headers_of(bytes(image)):
        if c_type == CType.TS_INODE and inode > 2:
            image[record * RECORD + C_SPARE] = 1
            images.reseal(image, record)
    return bytes(image)


def test_what_is_only_counted_is_counted_by_rule_in_every_form(tmp_path):
    (tmp_path / "image").write_bytes(flooded(1200))
    (found,) = run.validate([os.fspath(tmp_path / "image")])
    count = found.counts["DARI-REC-015"]
    assert (count.new, count.kept, len(found.told)) == (1200, KEPT, KEPT)
    assert not found.conforms()
    few = ("--findings", "3", tmp_path / "image")
    (counted,) = json.loads(validate("--json", *few, code=1).stdout)["images"][0]["counts"]
    assert counted["rules"] == [{"rule": "header.spare", "new": 1200, "known": 0, "told": 3}]
    told = {
        "text": "and 1,197 more: header.spare 1,197",
        "junit": "and 1197 more of header.spare",
        "sarif": "1197 more findings of header.spare (DARI-REC-015) are counted and not told",
        "html": "And 1,197 of <code>header.spare</code> that are only counted.",
    }
    for form, words in told.items():
        assert words in validate("--format", form, *few, code=1).stdout.decode(), form


def test_a_baseline_knows_all_of_a_flood_or_is_not_written(tmp_path):
    (tmp_path / "image").write_bytes(flooded(1200))
    few = ("--findings", "2", tmp_path / "image")
    validate("--write-baseline", tmp_path / "known", *few)
    validate("--baseline", tmp_path / "known", *few)
    (tmp_path / "image").write_bytes(flooded(1199))
    done = validate("--baseline", tmp_path / "known", "--json", *few, code=1)
    (image,) = json.loads(done.stdout)["images"]
    assert [entry["path"] for entry in image["stale"]] == ["01199"]
    (tmp_path / "image").write_bytes(flooded(10_001))
    done = validate("--write-baseline", tmp_path / "other", *few, code=2)
    assert b"too many findings to know each of them" in done.stderr
    assert not (tmp_path / "other").exists()


def test_what_is_checked_is_of_the_profile():
    """Shows DARI-PRO-001."""
    for word in ("dump", "dari-core", "dari-core+acl"):
        ids = Selection().ids(named(word))
        assert set(checked()) & ids
    assert all(one in requirements() for one in checked())


def test_the_validator_finds_in_vectors_what_they_say(tmp_path):
    """Exactly that, whatever profiles they say they are of."""
    suite, path, known = Suite(), tmp_path, requirements()
    known_failures = load(SHIPPED / "darimage" / "known-failures.txt")
    assert len(list(suite)) > 100
    for vector in suite:
        if "todo" in vector.told:
            continue
        for name, data in suite.files(vector):
            (path / name).write_bytes(data)
        (found,) = run.validate([os.fspath(path / suite.files(vector)[0][0])])
        for name, _ in suite.files(vector):
            (path / name).unlink()
        if found.unread:
            listed = known_failures.get(f"{vector.id}:decode", "").startswith("refused")
            assert vector.is_refused or listed, vector.name
            continue
        wanted = Counter(one["requirement"] for one in vector.told.get("expect", []))
        counted = Counter({one: count.new for one, count in found.counts.items()})
        assert (counted, found.outside) == (wanted, 0), vector.name
        decides = any(known[one].strength == "MUST" for one in wanted)
        assert found.conforms() == (not decides), vector.name


browser = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


def browse(page, *options):
    """Return what Chromium says after it has shown a page."""
    words = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000"]
    words += [*options, page.as_uri()]
    return subprocess.run(words, capture_output=True, check=False, timeout=120)


@pytest.fixture(scope="module")
def page(folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    validate("-q", "-o", path, folder / "bad", folder / "good", folder / "text")
    return path


PROBE = """
const all = (what) => [...document.querySelectorAll(what)];
const box = (one) => one.getBoundingClientRect();
const bars = all("#i0-map g.file rect, #i0-map g.files rect");
const marks = all("#i0-map a.mark");
marks[0].focus();
const focused = document.activeElement === marks[0];
const before = all("main details").every((one) => one.open || one.id.endsWith("-parts"));
document.querySelector("[data-fold='']").click();
const folded = all("main details").every((one) => !one.open);
return {
  focused, before, folded,
  marks: marks.length,
  inside: bars.every((one) => box(one).right <= box(document.querySelector("#i0-map")).right),
  wide: document.documentElement.scrollWidth <= innerWidth,
  requests: performance.getEntriesByType("resource").length,
  beside: box(document.querySelector("article aside")).left
    > box(document.querySelector("article ol")).right - 1,
};
"""

COLOURS = """
const style = (what) => getComputedStyle(document.querySelector(what));
const parts = ["volume", "bitmap", "directory", "section", "file", "end"];
return [
  style("body").backgroundColor, style("body").color,
  ...parts.map((part) => style(`#i0-map .${part} rect`).fill),
];
"""


def probed(page, probe):
    """Return a copy of a page that says in its title what a probe finds, without its policy."""
    text = page.read_text()
    policy = re.search(r'<meta http-equiv="Content-Security-Policy"[^>]*>', text)[0]
    script = f"document.title = JSON.stringify((() => {{{probe}}})());"
    script = f'<script>addEventListener("load", () => {{{script}}});</script>'
    copy = page.with_name("probed.html")
    copy.write_text(text.replace(policy, "").replace("</body>", f"{script}</body>"))
    return copy


@browser
def test_a_browser_shows_the_page(page):
    done = browse(probed(page, PROBE), "--window-size=1300,900", "--dump-dom")
    said = json.loads(re.search(r"<title>(.*?)</title>", done.stdout.decode())[1])
    assert said == {
        **dict.fromkeys(("focused", "before", "folded", "inside", "wide", "beside"), True),
        "marks": 1,
        "requests": 0,
    }


@browser
def test_the_policy_of_the_page_lets_its_own_script_run_and_no_other(page):
    own = browse(page, "--dump-dom").stdout.decode()
    assert re.search(r'<p class="buttons">', own), "the buttons are shown by the script"
    strange = page.with_name("strange.html")
    strange.write_text(
        page.read_text().replace("</body>", "<script>document.title=7</script></body>")
    )
    assert "<title>7</title>" not in browse(strange, "--dump-dom").stdout.decode()


@browser
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_follows_the_colours_of_the_machine(page, dark):
    scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    shown = browse(probed(page, COLOURS), "--dump-dom", *scheme).stdout.decode()
    ground, ink, *parts = json.loads(re.search(r"<title>(.*?)</title>", shown)[1])
    assert (ground, ink) == (
        ("rgb(20, 23, 27)", "rgb(227, 231, 235)")
        if dark
        else ("rgb(255, 255, 255)", "rgb(27, 31, 36)")
    )
    assert len(set(parts)) == len(parts) == 6
    assert not {ground, "rgb(0, 0, 0)"} & set(parts)


@settings(max_examples=40, deadline=None)
@example([Damage("seal", 0, 12, 2)])
@given(damages)
def test_no_damage_makes_the_validator_fail(tmp_path_factory, what):
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(damage(SAMPLE, what))
    report = run.validate([os.fspath(path)], run.Options(evidence=True, with_keys=True))
    (image,) = report
    assert image.own_fault is None
    assert {told.finding.rule for told in image.told} <= all_rules().keys()
    for form in outputs.FORMS:
        outputs.written(report, form)
    if image.unread is not None:
        assert "the first is needed" in image.unread  # it says that it is a later volume
        assert report.exit_code == UNREAD
        return
    again = run.validate([os.fspath(path)], run.Options(baseline=image.keys))
    assert again.exit_code == 0
