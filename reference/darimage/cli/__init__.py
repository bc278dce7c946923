"""Floor 6: one module a command; arguments, progress, exit codes, nothing else.

A command's module is imported when the command is called, so that ``--version`` does not wait for
numpy.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from darimage import standard_streams
from darimage._version import FORMAT_VERSION, __version__
from darimage.importing import importing
from darimage.showing import line

COMMANDS = {
    "create": "make an image of a directory tree",
    "list": "show what an image holds",
    "info": "show the parts of an image",
    "restore": "bring back a tree, or some of it",
    "verify": "check an image against itself",
    "validate": "hold images against the specification, for builds",
    "dump-record": "show one record, field by field",
    "explain": "show what a requirement says, and why",
    "catalog": "backup sets, and what create knows of them",
    "drive": "tape drives and other media, and what they take",
    "conformance": "test vectors, and what implementations make of them",
}

EXIT_IO = 3
EXIT_INTERRUPT = 130
EXIT_PIPE = 141


class _ReaderGoneError(Exception):
    """Whoever read the answer has gone away."""


class Program(click.Group):
    """The program: finds commands when they are called, and turns errors into exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of their use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command's module."""
        if cmd_name not in COMMANDS:
            return None
        with importing():
            module = importlib.import_module(f"darimage.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; click would end with 1 when whoever reads the answer goes away."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _ReaderGoneError from error

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> Any:
        """Run a command and exit with its code (docs/reference/exit-codes)."""
        # One thread is enough for sums and saves numpy the start of a pool.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        options["standalone_mode"] = False
        try:
            code = super().main(args, *rest, **options)
        except click.exceptions.Exit as error:
            code = error.exit_code
        except click.ClickException as error:
            _show(error)
            code = error.exit_code
        except (click.Abort, KeyboardInterrupt):
            code = _complain("interrupted", EXIT_INTERRUPT)
        except _ReaderGoneError:
            # Whoever read the answer has seen enough.
            standard_streams.drop_answers()
            code = EXIT_PIPE
        except Exception as error:  # noqa: BLE001 - it is raised again if it is a fault of ours
            code = _known(error)
        sys.exit(code if isinstance(code, int) else 0)


def _show(error: click.ClickException) -> None:
    """Say what click has to say, which may have names of the command line in it."""
    told = io.StringIO()
    error.show(file=told)
    click.echo("\n".join(map(line, told.getvalue().splitlines())), err=True)


def _known(error: Exception) -> int:
    """Return the exit code of an error that is no fault of this program; raise any other."""
    from darimage.errors import DarimageError

    if isinstance(error, DarimageError):
        return _complain(str(error), error.exit_code)
    if isinstance(error, MemoryError):
        return _complain("not enough memory", EXIT_IO)
    if isinstance(error, OSError):
        if error.filename == standard_streams.ANSWERS:
            standard_streams.drop_answers()
        name = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        return _complain(f"{name}{error.strerror or error}", EXIT_IO)
    raise error


def _complain(message: str, code: int) -> int:
    click.echo(line(f"darimage: {message}"), err=True)
    return code


@click.command(
    cls=Program, name="darimage", context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(
    __version__, prog_name="darimage", message=f"%(prog)s %(version)s, DARI format {FORMAT_VERSION}"
)
def main() -> None:
    """Make, look into, check and restore DARI backup images.

    A DARI image is a dump stream that old restore programs read, with a map of where each file
    lies, so that one file or one directory comes back without reading the rest. Plain dump
    streams are read too.

    \b
    Examples:
      darimage create /home home.dari
      darimage list -l home.dari alice
      darimage restore home.dari /tmp/back alice/mail
      darimage verify home.dari

    Exit codes: 0 fine, 1 the image or the run has faults, 2 usage, 3 input or output failed.
    """
