"""``python -m darimage``: the same program as ``darimage``."""

from __future__ import annotations

from darimage.cli import main

main(prog_name="darimage")
