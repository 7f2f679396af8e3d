"""Releases: immutable folders behind an atomic pointer.

A release is written into a hidden candidate folder, forced to the disk, renamed to its name, and only then does
`current` (a link, replaced by rename) point at it. A reader therefore sees the former release or the new one, whole,
and connections that were open stay on the file they opened.

What a crash or a cut of power leaves: before the rename, a hidden folder that the next publication removes; between the
rename and the pointer, a whole and audited release that nobody was pointed at. Content, folder and pointer are forced
to the disk in this order, and old releases go last, so that the pointer never stands without what it points at.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from persona_warehouse import warehouse
from persona_warehouse.errors import ConfigError, PersonaError
from persona_warehouse.files import alone, fsync_path, private, read_json, replace_link, sha256_of, write_json
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import identifier, literal

DATABASE = "persona_marts.duckdb"
RESTRICTED = "persona_marts_restricted.duckdb"
MANIFEST = "manifest.json"
CANDIDATE = ".candidate-"
POINTER = ".current-"
# tables that tell of a run, not of the data: a second run of the same night may differ in them. An API that is asked
# again answers again, the audit compares a night with all before it, and changes are against what readers had
RUN_TABLES = (
    "pipeline_runs", "dbt_results", "validation_results", "reconciliation",
    "table_changes", "account_changes", "persona_changes", "persona_matches",
)  # fmt: skip


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

    Every row's MD5 is added up as two 64-bit numbers (a multiset hash by addition: Clarke et al., 2003), so that equal
    rows count as often as they stand there; names and types of the columns go into the hash.
    """
    columns = connection.execute(f"select column_name, column_type from (describe {table})").fetchall()
    # as a JSON array, no value can pass for a border between two, nor for null
    parts = ", ".join(f"cast({identifier(name)} as varchar)" for name, _ in columns)
    row = connection.execute(
        f"""select count(*), sum(cast(md5_number_lower(line) as hugeint)), sum(cast(md5_number_upper(line) as hugeint))
            from (select cast(to_json([{parts}]) as varchar) as line from {table})"""
    ).fetchone()
    assert row is not None  # noqa: S101 - an aggregate always has a row
    return int(row[0]), hashlib.sha256(json.dumps([columns, *map(str, row)]).encode()).hexdigest()


@contextmanager
def candidate(settings: Settings) -> Iterator[Path]:
    """A fresh hidden folder to write a release into, gone again if not published; what earlier runs left is removed.

    Raises:
        PersonaError: another publication, rollback or pruning is under way.
    """
    with _alone(settings):
        for left in settings.releases.glob(f"{CANDIDATE}*"):
            remove(left)
        for link in settings.home.glob(f"{POINTER}*"):
            link.unlink()
        folder = settings.releases / f"{CANDIDATE}{os.getpid()}"
        folder.mkdir()
        try:
            yield folder
        finally:
            if folder.exists():
                remove(folder)


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Keeps everything else that changes releases or the pointer out, in this process and in others."""
    settings.releases.mkdir(parents=True, exist_ok=True)
    with alone(
        settings.releases / ".lock",
        "another publication is under way",
        "wait for the other night (or rollback, or pruning) to end, then run this one again",
    ):
        if settings.current.exists() and not settings.current.is_symlink():
            raise PersonaError(
                "`current` is no link",
                file=str(settings.current),
                expected="a link to a folder in releases/; a copy of the home may have followed it",
                found="a folder" if settings.current.is_dir() else "a file",
                remedy="remove it; the next publication or rollback makes the link anew",
            )
        yield


def write_database(
    settings: Settings,
    folder: Path,
    order: dict[str, str],
    comments: dict[str, dict[str, str]],
    add_quality: Callable[[duckdb.DuckDBPyConnection, str], None],
) -> None:
    """Copies the marts into the candidate's database.

    Args:
        order: mart -> columns that it is ordered by, so that look-ups by key read little.
        comments: mart -> {column: description}; the key "" describes the table.
        add_quality: writes the schema `quality`, given the connection and the name of the attached working database.

    Raises:
        PersonaError: the working database cannot be read.
    """
    path = folder / DATABASE
    with warehouse.connect(path, for_readers=True) as connection:
        warehouse.attach(connection, settings.warehouse_file, "source")
        connection.execute("create schema marts")
        connection.execute("create schema quality")
        for table in _tables(connection, "source", "marts"):
            by = f" order by {order[table]}" if order.get(table) else ""
            connection.execute(
                f"create table marts.{identifier(table)} as select * from source.marts.{identifier(table)}{by}"
            )
            for column, text in comments.get(table, {}).items():
                target = (
                    f"column marts.{identifier(table)}.{identifier(column)}"
                    if column
                    else f"table marts.{identifier(table)}"
                )
                connection.execute(f"comment on {target} is {literal(text)}")
        add_quality(connection, "source")
        connection.execute("detach source")
        connection.execute("checkpoint")
    if path.with_name(f"{DATABASE}.wal").exists():
        raise PersonaError(
            "the release's database was not closed cleanly", file=str(path), remedy="run the night again"
        )


def write_files(folder: Path, tables: dict[str, dict[str, Any]], former: Release | None) -> None:
    """Writes the candidate's marts as Parquet, from its database. What is as it was in the former release is the same
    file under a second name, so that thirty releases do not take thirty times the room.

    Args:
        tables: what `describe_tables` says of the candidate.

    Raises:
        PersonaError: a mart has a type that Parquet does not keep.
    """
    (folder / "marts").mkdir()
    with warehouse.connect(folder / DATABASE, read_only=True) as connection:
        for table in _tables(connection, None, "marts"):
            file = folder / "marts" / f"{table}.parquet"
            if former and _is_as_before(former, f"marts.{table}", tables) and _shared(former, file):
                continue
            connection.execute(f"copy marts.{identifier(table)} to {literal(file)} (format parquet, compression zstd)")
            _compare_types(connection, table, file)


def _is_as_before(former: Release, table: str, tables: dict[str, dict[str, Any]]) -> bool:
    return bool(former.manifest["tables"].get(table, {}).get("sha256") == tables[table]["sha256"])


def _shared(former: Release, file: Path) -> bool:
    """Whether the file of the former release, which must be as it was published, could be given a second name."""
    name = f"marts/{file.name}"
    try:
        if sha256_of(former.path / name) != former.manifest["files"][name]["sha256"]:
            return False
        os.link(former.path / name, file)
    except (OSError, KeyError):
        return False
    return True


def write_restricted(settings: Settings, folder: Path) -> Path:
    """Writes the candidate's second file: who the contacts are and how they are reached, for those who may call them.

    One table, `restricted.contact_ways`: a name, e-mail address or phone number of a contact, as a source has it. The
    file is its owner's alone to read (0600), whatever the umask.
    """
    path = folder / RESTRICTED
    with private(), warehouse.connect(path, for_readers=True) as connection:
        warehouse.attach(connection, settings.warehouse_file, "source")
        ways = " union all ".join(
            f"""select contact_id, account_id, '{kind}' as kind, {column} as value, source_system, source_object,
                source_id from source.identity.people where {column} is not null"""
            for kind, column in (("name", "full_name"), ("email", "email"), ("phone", "phone"))
        )
        connection.execute("create schema restricted")
        connection.execute(
            f"""create table restricted.contact_ways as
                select contact_id, account_id, kind, value, source_system, source_object, min(source_id) as source_id
                from ({ways}) where contact_id is not null group by all order by all"""
        )
        connection.execute(
            "comment on table restricted.contact_ways is 'Personal data. A name, e-mail address or phone number of a"
            " contact, as a source has it. One row per contact, value and source.'"
        )
        connection.execute("detach source")
        connection.execute("checkpoint")
    return path


def _compare_types(connection: duckdb.DuckDBPyConnection, table: str, file: Path) -> None:
    """Refuses a column that Parquet writes as another type: a hugeint becomes a double, and loses digits."""
    other = connection.execute(
        f"""select column_name, t.column_type, p.column_type
            from (describe marts.{identifier(table)}) as t
            left join (describe select * from read_parquet({literal(file)})) as p using (column_name)
            where p.column_type is distinct from t.column_type"""
    ).fetchone()
    if other:
        raise PersonaError(
            "a mart has a type that Parquet does not keep",
            object=table,
            field=other[0],
            expected=other[1],
            found=str(other[2]),
            remedy="cast the column in the mart's model",
        )


def describe_tables(folder: Path) -> dict[str, dict[str, Any]]:
    """Schema.table -> rows, columns, content hash, and whether it tells of the run."""
    described: dict[str, dict[str, Any]] = {}
    with warehouse.connect(folder / DATABASE, read_only=True) as connection:
        for schema in ("marts", "quality"):
            for table in _tables(connection, None, schema):
                name = f"{schema}.{table}"
                rows, content = table_hash(connection, f"{schema}.{identifier(table)}")
                columns = connection.execute(
                    f"select column_name, column_type from (describe {schema}.{identifier(table)})"
                ).fetchall()
                described[name] = {
                    "rows": rows,
                    "columns": [{"name": column, "type": type_} for column, type_ in columns],
                    "sha256": content,
                    "is_of_the_run": table in RUN_TABLES,
                }
    return described


def _tables(connection: duckdb.DuckDBPyConnection, database: str | None, schema: str) -> list[str]:
    # tables, and views: what Spark made is known by views on its files
    rows = connection.execute(
        "select table_name from information_schema.tables where table_schema = ?"
        " and table_catalog = coalesce(?, current_database()) order by table_name",
        [schema, database],
    ).fetchall()
    return [str(row[0]) for row in rows]


def new_release_id(tables: dict[str, dict[str, Any]], moment: str | None = None) -> str:
    """UTC time and a short hash of the content: sortable, and the same hash for the same content.

    Args:
        moment: of an older release whose place it takes; default now.
    """
    content = "".join(
        f"{name}{table['sha256']}" for name, table in sorted(tables.items()) if not table["is_of_the_run"]
    )
    moment = moment or f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"[:-3] + "Z"
    return f"{moment}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"


def publish(settings: Settings, folder: Path, manifest: dict[str, Any]) -> Release:
    """Gives the candidate its name and points `current` at it; then old releases beyond the kept number go."""
    _seal(folder, manifest)
    final = settings.releases / manifest["release_id"]
    folder.rename(final)
    try:
        fsync_path(settings.releases)
        point_current(settings, final)
    except BaseException:
        # what failed was not published: under its hidden name again, the candidate is removed
        if _current_name(settings) != final.name:
            final.rename(folder)
        raise
    _prune(settings, settings.keep_releases)
    return read_release(final)


def _seal(folder: Path, manifest: dict[str, Any]) -> None:
    """Writes the manifest over all files of a candidate and forces everything to the disk."""
    files = {
        str(path.relative_to(folder)): {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    write_json(folder / MANIFEST, {**manifest, "files": files})
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o600 if path.name == RESTRICTED else 0o444)
        fsync_path(path)
    fsync_path(folder)


def supersede(settings: Settings, old: Path, folder: Path, manifest: dict[str, Any]) -> Path:
    """Puts a candidate in the place of a release, under its own name; `current` follows, and the old one goes.

    Cut off anywhere, it leaves the old release, or both, with `current` at one of them; given again, it ends.
    """
    _seal(folder, manifest)
    final = settings.releases / manifest["release_id"]
    if not final.exists():
        folder.rename(final)
        fsync_path(settings.releases)
    if _current_name(settings) == old.name:
        point_current(settings, final)
    _remove_releases(settings, [old])
    return final


def point_current(settings: Settings, release: Path) -> None:
    """Replaces the link `current` in one rename."""
    replace_link(settings.current, Path(settings.releases.name) / release.name)


def read_release(folder: Path) -> Release:
    """A release from its folder.

    Raises:
        PersonaError: its manifest is missing or damaged.
    """
    try:
        manifest = read_json(folder / MANIFEST)
        if not isinstance(manifest, dict) or "files" not in manifest:
            raise ValueError("no list of files in it")
    except (OSError, ValueError) as error:
        raise PersonaError(
            f"release {folder.name} has no manifest that can be read",
            file=str(folder / MANIFEST),
            found=f"{type(error).__name__}: {error}",
            remedy="use another release (`persona releases list`); the next night publishes a new one",
        ) from error
    return Release(folder.name, folder, manifest)


def releases(settings: Settings) -> list[Release]:
    """All published releases, oldest first; without those whose manifest cannot be read, which are good for nothing."""
    found = []
    for folder in folders(settings):
        with suppress(PersonaError):
            found.append(read_release(folder))
    return found


def current_release(settings: Settings) -> Release | None:
    """The release that readers see now; None where nothing was published, or what was is gone or damaged."""
    name = _current_name(settings)
    if name is None:
        return None
    with suppress(PersonaError):
        return read_release(settings.releases / name)
    return None


def folders(settings: Settings) -> list[Path]:
    """The folders of all releases, oldest first."""
    return sorted(path for path in settings.releases.glob("[0-9]*") if path.is_dir())


def _current_name(settings: Settings) -> str | None:
    """The id that `current` points at, whether or not it is still there."""
    return settings.current.readlink().name if settings.current.is_symlink() else None


def find_release(settings: Settings, release_id: str | None) -> Release:
    """A release by its id or an unambiguous beginning of it; the current one when none is given.

    Raises:
        ConfigError: there is none, or several begin so.
        PersonaError: its manifest is missing or damaged.
    """
    if release_id is None:
        name = _current_name(settings)
        if name is None:
            raise ConfigError(
                "nothing has been published yet",
                file=str(settings.releases),
                remedy="run `persona nightly`; `persona quality` tells why the last night did not publish",
            )
        return read_release(settings.releases / name)
    fitting = [folder for folder in folders(settings) if folder.name.startswith(release_id)]
    if len(fitting) != 1:
        raise ConfigError(
            "no such release" if not fitting else "several releases begin so",
            expected="one of: " + (", ".join(folder.name for folder in folders(settings)) or "none is published"),
            found=release_id,
            remedy="see `persona releases list`",
        )
    return read_release(fitting[0])


def verify(release: Release) -> list[str]:
    """What is wrong with a release's files: missing, added or changed ones. Empty when it is as it was published."""
    wrong = []
    if release.manifest.get("release_id") != release.release_id:
        wrong.append(f"{MANIFEST}: is of another release")
    listed = release.manifest["files"]
    there = {str(path.relative_to(release.path)) for path in release.path.rglob("*") if path.is_file()} - {MANIFEST}
    for name, facts in listed.items():
        if name not in there:
            wrong.append(f"{name}: missing")
            continue
        try:
            if sha256_of(release.path / name) != facts["sha256"]:
                wrong.append(f"{name}: changed since it was published")
        except OSError as error:
            wrong.append(f"{name}: cannot be read ({error.strerror})")
    wrong += [f"{name}: was not published" for name in sorted(there - set(listed))]
    return wrong


def rollback(settings: Settings, release_id: str | None) -> Release:
    """Points `current` at a release: the one given, else the one before the current.

    Raises:
        ConfigError: there is no such release.
        PersonaError: its files are not as they were published, or another publication is under way.
    """
    target = find_release(settings, release_id) if release_id is not None else _release_before_current(settings)
    with _alone(settings):
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


def _release_before_current(settings: Settings) -> Release:
    # by the name alone: the current release may be damaged, which is a reason to leave it
    name = _current_name(settings)
    if name is None:
        return find_release(settings, None)
    earlier = [release for release in releases(settings) if release.release_id < name]
    if not earlier:
        raise ConfigError(
            "there is no release before the current one",
            found=name,
            remedy="see `persona releases list`",
        )
    return earlier[-1]


def prune(settings: Settings, keep: int) -> list[str]:
    """Removes all but the newest releases; never the current one. Returns the ids of the removed.

    Raises:
        ConfigError: `keep` is less than 1.
        PersonaError: a publication is under way.
    """
    if keep < 1:
        raise ConfigError(
            "at least one release must be kept", expected="1 or more", found=str(keep), remedy="correct --keep"
        )
    with _alone(settings):
        return _prune(settings, keep)


def _prune(settings: Settings, keep: int) -> list[str]:
    current = _current_name(settings)
    old = [folder for folder in folders(settings)[:-keep] if folder.name != current]
    _remove_releases(settings, old)
    return [folder.name for folder in old]


def _remove_releases(settings: Settings, old: list[Path]) -> None:
    hidden = [folder.rename(settings.releases / f"{CANDIDATE}removed-{folder.name}") for folder in old]
    # no release may come back half emptied after a cut of power
    fsync_path(settings.releases)
    for folder in hidden:
        remove(folder)


def remove(folder: Path) -> None:
    """Removes a folder and all in it; what cannot be removed stays for the next time."""
    shutil.rmtree(folder, ignore_errors=True)
