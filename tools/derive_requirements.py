"""Writes ``validate/requirements.json``, the requirements of spec/ for the program, and the ids.

``spec/requirement-ids.txt`` holds every id that was ever given. An id that leaves the text is
marked there with a word of explanation, by hand, and is never given again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "docs/_ext"), str(ROOT / "reference")]
IDS = ROOT / "spec/requirement-ids.txt"
REGISTRY = ROOT / "reference/darimage/validate/requirements.json"

PREAMBLE = """\
# Every requirement id that was ever given, by chapter. `make generate` adds new ones. One that is
# taken out of the text stays here, followed by why: "DARI-XXX-001 withdrawn in 1.1, see ...".
"""


def main() -> int:
    """Writes both files; tells what is wrong with the text instead if something is."""
    from darimage._version import FORMAT_VERSION
    from spec_requirements import Chapters, SpecError

    try:
        found = Chapters(ROOT / "spec", ROOT / "ksy").requirements()
        ids = with_new(IDS.read_text() if IDS.exists() else "", [one.id for one in found])
    except SpecError as error:
        print(f"derive_requirements: {error}", file=sys.stderr)
        return 1
    registry = {
        "generated": "from spec/ by `make generate`; do not edit",
        "format": FORMAT_VERSION,
        "requirements": [one.as_json() for one in found],
    }
    IDS.write_text(ids)
    text = json.dumps(registry, indent=1, ensure_ascii=False)
    REGISTRY.write_text(text + "\n", encoding="utf-8")
    return 0


def with_new(before: str, present: list[str]) -> str:
    """Returns the list of ids with those that are new.

    Raises:
        SpecError: An id vanished, or one that was withdrawn is back.
    """
    from spec_requirements import SpecError

    listed = [line for line in before.splitlines() if line and not line.startswith("#")]
    noted = {line.split()[0]: line for line in listed}
    withdrawn = {number for number, line in noted.items() if line != number}
    gone = sorted(noted.keys() - withdrawn - set(present))
    if gone:
        raise SpecError(f"{', '.join(gone)}: no longer in spec/, and not marked in {IDS.name}")
    back = sorted(withdrawn & set(present))
    if back:
        raise SpecError(f"{', '.join(back)}: was withdrawn; a new requirement takes a new id")
    order = list(dict.fromkeys(number.rpartition("-")[0] for number in [*present, *noted]))
    lines = sorted(
        {**{number: number for number in present}, **noted}.items(),
        key=lambda item: (order.index(item[0].rpartition("-")[0]), item[0]),
    )
    return PREAMBLE + "".join(f"{line}\n" for _, line in lines)


if __name__ == "__main__":
    sys.exit(main())
