"""Releases: immutable folders behind an atomic pointer.

A release is written into a hidden candidate folder, forced to the disk, renamed to its name, and only then does `current`
(a link, replaced by rename) point at it. A reader therefore sees the former release or the new one, whole, and connections that were
open stay on the file they opened. A crash at any point leaves a hidden folder that the next publication removes.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from persona_warehouse import warehouse
from persona_warehouse.errors import ConfigError, PersonaError
from persona_warehouse.files import fsync_path, read_json, sha256_of, write_json
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import identifier, literal

DATABASE = "persona_marts.duckdb"
MANIFEST = "manifest.json"
CANDIDATE = ".candidate-"
# tables that tell of a run, not of the data: a second run of the same night may differ in them
RUN_TABLES = ("pipeline_runs", "dbt_results")


@dataclass(frozen=True)
class Release:
    """A published release: its id, folder and manifest."""

    release_id: str
    path: Path
    manifest: dict[str, Any]

    def __str__(self) -> str:
        tables = self.manifest["tables"]
        return f"{self.release_id}: {len(tables)} tables, {sum(t['rows'] for t in tables.values()):,} rows"


def table_hash(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[int, str]:
    """Rows of a table and a sha256 of its content that does not depend on the order of rows.

    Every row's MD5 is added up as two 64-bit numbers (a multiset hash by addition: Clarke et al., 2003), so that equal rows count
    as often as they stand there; names and types of the columns go into the hash.
    """
    columns = connection.execute(
        f"select column_name, column_type from (describe {table})"
    ).fetchall()
    parts = ", ".join(f"coalesce(cast({identifier(name)} as varchar), chr(1))" for name, _ in columns)
    row = connection.execute(
        f"""select count(*), sum(cast(md5_number_lower(line) as hugeint)), sum(cast(md5_number_upper(line) as hugeint))
            from (select concat_ws(chr(31), {parts}) as line from {table})"""
    ).fetchone()
    assert row is not None  # noqa: S101 - an aggregate always has a row
    return int(row[0]), hashlib.sha256(json.dumps([columns, *map(str, row)]).encode()).hexdigest()


@contextmanager
def candidate(settings: Settings) -> Iterator[Path]:
    """A fresh hidden folder to write a release into; whatever earlier runs left is removed. Gone again if not published.

    Raises:
        PersonaError: another publication is under way.
    """
    settings.releases.mkdir(parents=True, exist_ok=True)
    with (settings.releases / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise PersonaError(
                "another publication is under way",
                file=str(settings.releases),
                remedy="wait for the other night to end, then run this one again",
            ) from error
        for left in settings.releases.glob(f"{CANDIDATE}*"):
            remove(left)
        folder = settings.releases / f"{CANDIDATE}{os.getpid()}"
        folder.mkdir()
        try:
            yield folder
        finally:
            if folder.exists():
                remove(folder)


def write_database(
    settings: Settings,
    folder: Path,
    order: dict[str, str],
    comments: dict[str, dict[str, str]],
    add_quality: Callable[[duckdb.DuckDBPyConnection, str], None],
) -> None:
    """Copies the marts into the candidate's database and Parquet files.

    Args:
        order: mart -> columns that it is ordered by, so that look-ups by key read little.
        comments: mart -> {column: description}; the key "" describes the table.
        add_quality: writes the schema `quality`, given the connection and the name of the attached working database.
    """
    path = folder / DATABASE
    with warehouse.connect(path) as connection:
        connection.execute(f"attach {literal(settings.warehouse_file)} as source (read_only)")
        connection.execute("create schema marts")
        connection.execute("create schema quality")
        for table in _tables(connection, "source", "marts"):
            by = f" order by {order[table]}" if order.get(table) else ""
            connection.execute(f"create table marts.{identifier(table)} as select * from source.marts.{identifier(table)}{by}")
            for column, text in comments.get(table, {}).items():
                target = f"column marts.{identifier(table)}.{identifier(column)}" if column else f"table marts.{identifier(table)}"
                connection.execute(f"comment on {target} is {literal(text)}")
        add_quality(connection, "source")
        connection.execute("detach source")
        connection.execute("checkpoint")
        (folder / "marts").mkdir()
        for table in _tables(connection, None, "marts"):
            target = folder / "marts" / f"{table}.parquet"
            connection.execute(f"copy marts.{identifier(table)} to {literal(target)} (format parquet, compression zstd)")
    if path.with_name(f"{DATABASE}.wal").exists():
        raise PersonaError("the release's database was not closed cleanly", file=str(path), remedy="run the night again")


def describe_tables(folder: Path) -> dict[str, dict[str, Any]]:
    """Schema.table -> rows, columns, content hash, and for marts the Parquet file's hash."""
    described: dict[str, dict[str, Any]] = {}
    with warehouse.connect(folder / DATABASE, read_only=True) as connection:
        for schema in ("marts", "quality"):
            for table in _tables(connection, None, schema):
                name = f"{schema}.{table}"
                rows, content = table_hash(connection, f"{schema}.{identifier(table)}")
                columns = connection.execute(f"select column_name, column_type from (describe {name})").fetchall()
                described[name] = {
                    "rows": rows,
                    "columns": [{"name": column, "type": type_} for column, type_ in columns],
                    "sha256": content,
                    "is_of_the_run": table in RUN_TABLES,
                }
    return described


def _tables(connection: duckdb.DuckDBPyConnection, database: str | None, schema: str) -> list[str]:
    rows = connection.execute(
        "select table_name from duckdb_tables() where schema_name = ? and database_name = coalesce(?, current_database())"
        " order by table_name",
        [schema, database],
    ).fetchall()
    return [str(row[0]) for row in rows]


def new_release_id(tables: dict[str, dict[str, Any]]) -> str:
    """UTC time and a short hash of the content: sortable, and telling."""
    content = "".join(f"{name}{table['sha256']}" for name, table in sorted(tables.items()))
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"[:-3] + f"Z-{hashlib.sha256(content.encode()).hexdigest()[:8]}"


def publish(settings: Settings, folder: Path, manifest: dict[str, Any]) -> Release:
    """Gives the candidate its name and points `current` at it; then old releases beyond the kept number go."""
    files = {
        str(path.relative_to(folder)): {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    write_json(folder / MANIFEST, {**manifest, "files": files})
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o444)
        fsync_path(path)
    fsync_path(folder)
    final = settings.releases / manifest["release_id"]
    folder.rename(final)
    fsync_path(settings.releases)
    point_current(settings, final)
    prune(settings, settings.keep_releases)
    return read_release(final)


def point_current(settings: Settings, release: Path) -> None:
    """Replaces the link `current` in one rename."""
    temporary = settings.home / f".current-{os.getpid()}"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(release.relative_to(settings.home), target_is_directory=True)
    temporary.replace(settings.current)
    fsync_path(settings.home)


def read_release(folder: Path) -> Release:
    """A release from its folder."""
    return Release(folder.name, folder, read_json(folder / MANIFEST))


def releases(settings: Settings) -> list[Release]:
    """All published releases, oldest first."""
    return [read_release(path.parent) for path in sorted(settings.releases.glob(f"[0-9]*/{MANIFEST}"))]


def current_release(settings: Settings) -> Release | None:
    """The release that readers see now."""
    return read_release(settings.current.resolve()) if (settings.current / MANIFEST).exists() else None


def find_release(settings: Settings, release_id: str | None) -> Release:
    """A release by its id or an unambiguous beginning of it; the current one when none is given.

    Raises:
        ConfigError: there is none, or several begin so.
    """
    if release_id is None:
        found = current_release(settings)
        if found is None:
            raise ConfigError(
                "nothing has been published yet",
                file=str(settings.releases),
                remedy="run `persona nightly`; `persona quality` tells why the last night did not publish",
            )
        return found
    fitting = [release for release in releases(settings) if release.release_id.startswith(release_id)]
    if len(fitting) != 1:
        raise ConfigError(
            "no such release" if not fitting else "several releases begin so",
            expected="one of: " + (", ".join(r.release_id for r in releases(settings)) or "none is published"),
            found=release_id,
            remedy="see `persona releases list`",
        )
    return fitting[0]


def verify(release: Release) -> list[str]:
    """What is wrong with a release's files: missing, added or changed ones. Empty when it is as it was published."""
    wrong = []
    listed = release.manifest["files"]
    there = {str(path.relative_to(release.path)) for path in release.path.rglob("*") if path.is_file()} - {MANIFEST}
    for name, facts in listed.items():
        if name not in there:
            wrong.append(f"{name}: missing")
        elif sha256_of(release.path / name) != facts["sha256"]:
            wrong.append(f"{name}: changed since it was published")
    wrong += [f"{name}: was not published" for name in sorted(there - set(listed))]
    return wrong


def rollback(settings: Settings, release_id: str | None) -> Release:
    """Points `current` at a release: the one given, else the one before the current.

    Raises:
        ConfigError: there is no such release.
        PersonaError: its files are not as they were published.
    """
    if release_id is None:
        now = find_release(settings, None)
        earlier = [release for release in releases(settings) if release.release_id < now.release_id]
        if not earlier:
            raise ConfigError(
                "there is no release before the current one",
                found=now.release_id,
                remedy="see `persona releases list`",
            )
        target = earlier[-1]
    else:
        target = find_release(settings, release_id)
    wrong = verify(target)
    if wrong:
        raise PersonaError(
            "the release is not as it was published; `current` was left alone",
            file=str(target.path),
            expected="the files and hashes of its manifest",
            found="; ".join(wrong[:5]),
            remedy="roll back to another release (`persona releases list`)",
        )
    point_current(settings, target.path)
    return target


def prune(settings: Settings, keep: int) -> list[str]:
    """Removes all but the newest releases; never the current one. Returns the ids of the removed."""
    current = settings.current.resolve().name if settings.current.exists() else None
    old = [release for release in releases(settings)[:-keep] if release.release_id != current]
    for release in old:
        hidden = settings.releases / f"{CANDIDATE}removed-{release.release_id}"
        release.path.rename(hidden)
        remove(hidden)
    return [release.release_id for release in old]


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
