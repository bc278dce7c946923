"""The catalogue's tables, and how an older catalogue becomes a newer one (docs: catalogue)."""

from __future__ import annotations

import sqlite3

from darimage.errors import UsageError

APPLICATION = 0x44415249
"""``application_id`` of a catalogue: ``DARI`` in ASCII."""

_FIRST = """
CREATE TABLE backup_set (
    id INTEGER PRIMARY KEY,
    source BLOB NOT NULL,
    device INTEGER NOT NULL,
    highest INTEGER NOT NULL,
    UNIQUE (source, device)
);
CREATE TABLE image (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    backup_set INTEGER NOT NULL REFERENCES backup_set ON DELETE CASCADE,
    date INTEGER NOT NULL,
    level INTEGER NOT NULL,
    name BLOB NOT NULL,
    uuid BLOB NOT NULL,
    good INTEGER NOT NULL,
    base INTEGER REFERENCES image,
    held INTEGER NOT NULL,
    scanned_ns INTEGER NOT NULL,
    UNIQUE (backup_set, date)
);
CREATE TABLE inode (
    backup_set INTEGER NOT NULL REFERENCES backup_set ON DELETE CASCADE,
    number INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,
    kind INTEGER NOT NULL,
    base INTEGER NOT NULL,
    device INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    mode INTEGER NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    names INTEGER NOT NULL,
    sure INTEGER NOT NULL,
    stream BLOB,
    PRIMARY KEY (backup_set, number, since)
) WITHOUT ROWID;
"""

_STRICT = """
ALTER TABLE backup_set RENAME TO old_backup_set;
ALTER TABLE image RENAME TO old_image;
ALTER TABLE inode RENAME TO old_inode;
CREATE TABLE backup_set (
    id INTEGER PRIMARY KEY,
    source BLOB NOT NULL,
    device INTEGER NOT NULL,
    highest INTEGER NOT NULL,
    UNIQUE (source, device)
) STRICT;
CREATE TABLE image (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    backup_set INTEGER NOT NULL REFERENCES backup_set ON DELETE CASCADE,
    date INTEGER NOT NULL,
    level INTEGER NOT NULL,
    name BLOB NOT NULL,
    uuid BLOB NOT NULL,
    good INTEGER NOT NULL,
    base INTEGER REFERENCES image,
    held INTEGER NOT NULL,
    scanned_ns INTEGER NOT NULL,
    bytes INTEGER NOT NULL DEFAULT 0,
    UNIQUE (backup_set, date)
) STRICT;
CREATE TABLE inode (
    backup_set INTEGER NOT NULL REFERENCES backup_set ON DELETE CASCADE,
    number INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,
    kind INTEGER NOT NULL,
    base INTEGER NOT NULL,
    parent INTEGER NOT NULL,
    device INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    mode INTEGER NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    names INTEGER NOT NULL,
    sure INTEGER NOT NULL,
    stream BLOB,
    PRIMARY KEY (backup_set, number, since)
) STRICT, WITHOUT ROWID;
INSERT INTO backup_set SELECT id, source, device, highest FROM old_backup_set;
INSERT INTO image SELECT id, backup_set, date, level, name, uuid, good, base, held, scanned_ns, 0
    FROM old_image;
INSERT INTO inode SELECT backup_set, number, since, until, kind, base, 0, device, inode, mode, size,
    mtime_ns, ctime_ns, names, sure, stream FROM old_inode;
DROP TABLE old_inode;
DROP TABLE old_image;
DROP TABLE old_backup_set;
"""

MIGRATIONS: tuple[str, ...] = (_FIRST, _STRICT)
"""What makes a catalogue of version n one of version n + 1; an empty file has version 0."""


def migrate(
    connection: sqlite3.Connection, name: str, migrations: tuple[str, ...] = MIGRATIONS
) -> None:
    """Bring a catalogue to the version of this program, all of it or nothing.

    Foreign keys are not to be enforced meanwhile: tables are made again.

    Raises:
        UsageError: It is a newer program's, or no catalogue.
    """
    if _version(connection, name, len(migrations)) == len(migrations):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Somebody else may have done it while this waited for its turn.
        for script in migrations[_version(connection, name, len(migrations)) :]:
            for statement in script.split(";")[:-1]:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection, name: str, known: int) -> int:
    version = _number(connection, "PRAGMA user_version")
    tables = _number(connection, "SELECT count(*) FROM sqlite_master")
    if tables and _number(connection, "PRAGMA application_id") != APPLICATION:
        raise UsageError(f"{name}: is a database, but no catalogue of darimage")
    if version > known:
        raise UsageError(f"{name}: is of version {version}, this program knows {known}")
    return version


def _number(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])
