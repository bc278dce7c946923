"""The program ``darimage``, and ``python -m darimage``."""

from __future__ import annotations

from darimage.importing import importing


def run() -> None:
    """Run the program and exit with its code."""
    with importing():
        from darimage.cli import main

    main(prog_name="darimage")


if __name__ == "__main__":
    run()
