"""``darimage restore``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from darimage.cli import common
from darimage.image.chain import Chain
from darimage.parallel import cores
from darimage.restore.nt_acls import FORMS, Form
from darimage.restore.options import Existing, Options
from darimage.restore.report import RestoreReport
from darimage.restore.run import restore
from darimage.restore.selection import select
from darimage.restore.wish import Wish
from darimage.units import size_text

if TYPE_CHECKING:
    from darimage.drives.model import Drive


@click.command("restore")
@common.image_argument
@click.argument("destination", type=common.OutputPath(file_okay=False))
@common.selection_argument
@common.chain_option
@click.option("--inode", "inodes", type=click.IntRange(2), multiple=True, help="By inode number.")
@click.option("--parents", is_flag=True, help="Attributes of the directories above it as well.")
@click.option(
    "--existing",
    type=click.Choice(["fail", "skip", "replace", "newer"]),
    default=None,
    help="What becomes of files that are there already: reported and left, left without a word, "
    "replaced by what is whole, or that if it is newer.  [default: fail]",
)
@click.option("--overwrite", is_flag=True, help="The same as --existing replace.")
@click.option("--partial", is_flag=True, help="What is not whole replaces them too, marked.")
@click.option(
    "--overwrite-dir",
    "overwrite_directories",
    is_flag=True,
    help="Directories that are there already, DESTINATION too, get owner, mode and times.",
)
@click.option(
    "--keep-directory-symlink",
    "follow",
    is_flag=True,
    help="Restore through symbolic links that are there already in the place of directories.",
)
@click.option("--no-flags", is_flag=True, help="Do not give inode flags (chattr) back.")
@click.option("--no-owner", is_flag=True, help="Files belong to who runs this.")
@common.stream_target_options
@click.option(
    "--acls",
    type=click.Choice(FORMS),
    default="auto",
    show_default=True,
    help="What NT ACLs are given back as; auto is what the destination keeps.",
)
@click.option("--no-acls", is_flag=True, help="Do not give NT ACLs back; as --acls none.")
@click.option(
    "--no-xattrs", is_flag=True, help="Leave extended attributes and POSIX ACLs where they are."
)
@click.option(
    "--sequential", is_flag=True, help="Do not use the offset map; walk through the image."
)
@click.option(
    "--force",
    is_flag=True,
    help="Trust the offset map without a good verdict, and do not wind a tape to its end for one.",
)
@click.option(
    "--workers", type=click.IntRange(1), default=None, help="Processes; as many as processors."
)
@click.option(
    "--drive",
    metavar="MODEL",
    default=None,
    help="Read in the order that is quickest on this drive: a name (`darimage drive list`) or "
    "FILE.toml.",
)
@click.option("--plan", is_flag=True, help="Only show what would be read, and how long that takes.")
@click.option(
    "--picture",
    type=common.OutputPath(dir_okay=False),
    metavar="FILE.svg",
    help="Draw the plan as well.",
)
@common.quiet_option
@common.json_option
def command(
    image: common.ImageName,
    destination: str,
    selection: list[bytes],
    *,
    bases: tuple[str, ...],
    inodes: tuple[int, ...],
    parents: bool,
    existing: Existing | None,
    overwrite: bool,
    partial: bool,
    overwrite_directories: bool,
    follow: bool,
    no_flags: bool,
    no_owner: bool,
    acls: Form,
    no_acls: bool,
    no_xattrs: bool,
    streams: Wish,
    no_streams: bool,
    sequential: bool,
    force: bool,
    workers: int | None,
    drive: str | None,
    plan: bool,
    picture: str | None,
    quiet: bool,
    as_json: bool,
) -> int:
    """Restore what IMAGE holds, or a SELECTION of it, below DESTINATION.

    A selection is a path or a glob (*, ?, [...], **); a directory stands for all below it.
    Everything keeps its place: alice/mail becomes DESTINATION/alice/mail. With a good offset map
    only the data asked for is read.

    Files that are there already stay and are reported, unless --existing says otherwise. One that
    is replaced is there whole at any time, the old or the new. Directories that are there already
    keep owner, mode and times.

    All that is restored is checked. The exit code is 0 only if all that was asked for is whole and
    nothing wrong was met. A file or directory that is not whole is marked: it has its own name, is
    open to its owner alone, and has no other attributes; it never takes the place of a file that is
    there already. What was found and has no usable name is restored as #lost/N, N being its inode
    number.

    With --drive, at each gap between files the drive's figures decide whether to seek or to read
    on; --plan shows that, with the time it takes beside other ways, and restores nothing.

    Of an incremental image alone what it holds itself is restored. With --chain for the full image
    and for each one between, it is the tree as it was when IMAGE was made.

    NT ACLs are restored as security.NTACL for Samba, which only root may set, or as system.ntfs_acl
    where ntfs-3g keeps the files.

    \b
    Examples:
      darimage restore home.dari /tmp/back
      darimage restore home.dari /tmp/back alice/mail 'bob/*.txt'
      darimage restore --existing newer home.dari /home alice
      darimage restore --inode 1234 --parents home.dari /tmp/back
      cat home.dari | darimage restore - /tmp/back
      darimage restore https://backup.example.org/home.dari /tmp/back alice
      darimage restore --chain sunday.dari --chain monday.dari tuesday.dari /tmp/back
      darimage restore --plan --drive lto-5 home.dari /tmp/back alice
    """
    if sequential and force:
        raise click.UsageError("--sequential and --force do not go together")
    if picture is not None and not plan:
        raise click.UsageError("--picture is a picture of the plan: add --plan")
    if overwrite and existing not in (None, "replace"):
        raise click.UsageError("--overwrite and --existing do not go together")
    chosen_existing: Existing = existing or ("replace" if overwrite else "fail")
    if partial and chosen_existing not in ("replace", "newer"):
        raise click.UsageError("--partial is for --existing replace or newer")
    model = _model(drive or "disk") if plan or drive else None
    with Chain.open(
        [*bases, image], trust_map=force, sequential=sequential, map_first=True
    ) as chain:
        bar = common.progress(quiet=quiet)
        if not selection and not inodes:
            # What is found by the walk has its place in the tree, with or without a name.
            chain.index_sequentially(bar)
        chosen = select(chain.names, selection, inodes, chain.streams_of)
        for opened in chain.images:
            if opened.access == "sequential" and opened.is_dari and not sequential:
                told = f"{opened.name}: no direct access: {opened.access_note}"
                common.complain(told)
        chain.index_sequentially(bar)
        if plan and model is not None:
            from darimage.cli import restore_plan

            return restore_plan.show(chain, chosen, model, destination, picture, as_json=as_json)
        settings = Options(
            parents=parents,
            existing=chosen_existing,
            partial=partial,
            overwrite_directories=overwrite_directories,
            follow=follow,
            flags=not no_flags,
            owners=not no_owner,
            xattrs=not no_xattrs,
            workers=workers or cores(),
            acls="none" if no_acls else acls,
            streams=Wish("none") if no_streams else streams,
            drive=model,
        )
        report = restore(chain, destination, chosen, settings, bar)
        report.image_faults[:0] = chain.notes()
    if as_json:
        common.print_json(report.as_json())
    else:
        common.print_faults([*report.image_faults, *report.faults, *report.notes])
        if not quiet or report.exit_code:
            common.say(_summary(report))
    return report.exit_code


def _model(name: str) -> Drive:
    """Return the model of a drive."""
    from darimage.drives import files

    return files.find(name)


def _summary(report: RestoreReport) -> str:
    made = [
        common.plural(report.directories, "directory", "directories"),
        common.plural(report.files, "file"),
    ]
    for count, word in (
        (report.symlinks, "symbolic link"),
        (report.others, "special file"),
        (report.links, "hard link"),
        (report.streams, "stream"),
    ):
        if count:
            made.append(common.plural(count, word))
    read, size = size_text(report.bytes_read), size_text(report.image_bytes)
    less = [
        f"{count:,} {word}"
        for count, word in (
            (report.marked, "marked as not whole"),
            (report.lost, "lost"),
            (report.left_out, "left out"),
            (report.kept, "kept as they were"),
        )
        if count
    ]
    if report.fault_count:
        less.append(common.plural(report.fault_count, "fault"))
    said = "".join(f"; {words}" for words in ([", ".join(less)] if less else []))
    return f"{report.destination}: {', '.join(made)}; read {read} of {size}{said}"
