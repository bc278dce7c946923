"""What all tests share: the path to `support`, and the source trees with their images."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fuzz import profile

# The package `support` lies beside this file; not every way of calling pytest puts it on the path.
if str(Path(__file__).parent) not in sys.path:
    sys.path.insert(0, str(Path(__file__).parent))

from support import legacy
from support.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import Iterator


# A shell's background job ignores Ctrl-C, and so would all programs that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

profile.load()


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker of pytest-xdist, so that strict runs without it know it too."""
    config.addinivalue_line("markers", "xdist_group(name): tests that share a costly fixture")


@pytest.fixture(scope="session")
def workbench() -> Iterator[Workbench]:
    """Source trees on mounted ext4 file systems, each built once in a session."""
    bench = Workbench()
    yield bench
    bench.close()


@pytest.fixture(params=legacy.JUDGES)
def every_restore(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run a test once with each `restore` there is; skip those that are not to be had."""
    with legacy.judged_by(request.param):
        yield request.param
