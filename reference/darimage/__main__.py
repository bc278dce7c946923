"""The program ``darimage``, and ``python -m darimage``: how its process starts and ends."""

from __future__ import annotations

import gc


def run() -> None:
    """Run the program and exit with its code."""
    # What is imported stays until the end. To look for garbage among it, again and again while it
    # is imported and once more at the end, takes a tenth of the time of a small job.
    gc.disable()
    from darimage.cli import main

    try:
        main(prog_name="darimage")
    finally:
        gc.freeze()


if __name__ == "__main__":
    run()
