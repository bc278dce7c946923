"""The program ``darimage``, and ``python -m darimage``."""

from __future__ import annotations

import sys

from darimage import ending, standard_streams
from darimage.importing import importing


def run() -> None:
    """Run the program and exit with its code."""
    try:
        ending.install()
        standard_streams.secure()
        with importing():
            from darimage.cli import main

        main(prog_name="darimage")
    except ending.Ended as ended:
        # Here and nowhere else: it may come at any time.
        sys.stderr.write(f"darimage: {ended}\n")
        standard_streams.drop_answers()
        raise
    except KeyboardInterrupt:
        # So early that nothing looked after signals yet.
        sys.exit(130)


if __name__ == "__main__":
    run()
