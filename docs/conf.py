"""Sphinx configuration: the pages below docs/, and through docs/spec the specification."""

from __future__ import annotations

import sys
from pathlib import Path

from darimage._version import FORMAT_VERSION, __version__

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent / "reference" / "tests")]

project = "darimage"
author = "The darimage developers"
copyright = "2026, the darimage developers. Apache License 2.0"
release = __version__
version = __version__

extensions = ["sphinx_needs", "ksy_tables", "hexdump_directive", "cli_help", "drive_models"]
extensions += ["traceability"]
exclude_patterns = ["_build", "_ext", "_static"]
rst_epilog = f"\n.. |format-version| replace:: {FORMAT_VERSION}\n"
nitpicky = True
highlight_language = "none"

html_theme = "furo"
html_title = f"darimage {release}"
html_static_path = ["_static"]
html_css_files = ["darimage.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}

# The layouts that ksy-table, ksy-enum and the ksy-size roles draw.
ksy_directory = str(HERE.parent / "ksy")

# One kind of need: a requirement of the specification.
needs_types = [{"directive": "req", "title": "Requirement", "prefix": "DARI-"}]
needs_id_required = True
needs_id_regex = r"^DARI-[A-Z]{3}-[0-9]{3}$"
needs_fields = {
    "level": {
        "description": "How binding it is, in the words of RFC 2119.",
        "nullable": True,
        "schema": {"type": "string", "enum": ["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY"]},
    },
    "binds": {
        "description": "Whom it binds.",
        "nullable": True,
        "schema": {
            "type": "array",
            "items": {"type": "string", "enum": ["writer", "reader", "validator"]},
        },
    },
    "profile": {
        "description": "The profile that it belongs to (chapter 92).",
        "default": "dari-core",
        "schema": {
            "type": "string",
            "enum": ["dump", "dari-core", "streams", "acl", "xattr", "incremental", "volumes"],
        },
    },
    "unseen": {
        "description": "Why no image shows whether it was obeyed, if none does.",
        "nullable": True,
        "schema": {"type": "string"},
    },
}
needs_schema_definitions = {
    "schemas": [
        {
            "id": "req-is-complete",
            "select": {"properties": {"type": {"const": "req"}}},
            "severity": "violation",
            "message": "a requirement has a level and says whom it binds",
            "validate": {
                "local": {
                    "required": ["level", "binds"],
                    "properties": {"binds": {"minItems": 1}},
                }
            },
        }
    ]
}
needs_role_need_template = "{{ id }}"
needs_table_style = "TABLE"
needs_default_layout = "requirement"
needs_layouts = {
    "requirement": {
        "grid": "simple",
        "layout": {
            "head": ['**<<meta("title")>>** · <<meta_id()>>'],
            "meta": [
                '<<meta("level")>> · <<meta("binds")>> · <<meta("profile")>>',
                '<<meta("unseen", prefix="Not seen in an image: ")>>',
            ],
        },
    }
}
# needs.json beside the pages: the requirements for other tools (which tests name them, say).
needs_build_json = True
needs_reproducible_json = True
