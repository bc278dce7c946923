"""The program ``darimage``, and ``python -m darimage``."""

from __future__ import annotations

import sys

from darimage.importing import importing


def run() -> None:
    """Run the program and exit with its code."""
    try:
        with importing():
            from darimage.cli import main

        main(prog_name="darimage")
    except KeyboardInterrupt:
        # Too early or too late for the commands to see it; their code for it is the same.
        sys.exit(130)


if __name__ == "__main__":
    run()
