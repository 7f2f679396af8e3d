"""The working database's life beside its contents: made ready for a night, found damaged, set aside, put back.

Nothing in it is lost for good: it is built again from the landing zone and from what is remembered (`memory`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from persona_warehouse import memory, warehouse
from persona_warehouse.errors import PersonaError
from persona_warehouse.files import fsync_path, is_held
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import identifier

# what the engine says of a file that is no longer as it wrote it
DAMAGE = (
    "Corrupt ",
    "replaying WAL",
    "not a valid DuckDB database",
    "Could not read enough bytes",
    "Serialization Error",
)
BEFORE_REBUILD = "before-rebuild"
DAMAGED = "damaged-"


def make_ready(settings: Settings) -> str:
    """Sees to it that there is a warehouse that can be built on; returns what had to be done, in words.

    What a rebuild that was cut off set aside comes back; a damaged file is set aside; where there is none, what is
    remembered is brought in.
    """
    said = []
    if _aside(settings, BEFORE_REBUILD).exists() and not is_held(settings.lock("rebuild")):
        put_back(settings)
        said.append("a rebuild was cut off: the warehouse before it is back")
    if settings.warehouse_file.exists():
        found = damage_on_opening(settings)
        if found:
            said.append(_set_damaged_aside(settings))
    if not settings.warehouse_file.exists() and memory.is_there(settings):
        recall(settings)
        said.append("ids and history were restored from memory, everything else comes from landing")
    return "; ".join(said)


def healing(settings: Settings, body: Callable[[], Any], before: Callable[[], Any]) -> Any:
    """Runs a step on the warehouse; where that proves damaged, it is set aside and all is built again, once.

    Args:
        before: the steps that come before this one.
    """
    try:
        return body()
    except Exception as error:
        if not any(words in str(error) for words in DAMAGE) or not damage_in_content(settings):
            raise
        said = _set_damaged_aside(settings)
        ready = make_ready(settings)
        before()
        return "; ".join(filter(None, (said, ready, str(body()))))


def damage_on_opening(settings: Settings) -> str | None:
    """What the engine says when it opens a damaged file or replays a damaged log; None where it opens.

    Raises:
        PersonaError: another process holds the file.
    """
    try:
        with warehouse.connect(settings.warehouse_file):
            return None
    except PersonaError as error:
        if any(words in (error.found or "") for words in DAMAGE):
            return error.found
        raise


def damage_in_content(settings: Settings) -> str | None:
    """What the engine says when it reads everything in a damaged file; None when all can be read."""
    try:
        with warehouse.connect(settings.warehouse_file, read_only=True) as connection:
            tables = connection.execute(
                "select schema_name, table_name from duckdb_tables() where database_name = current_database()"
            ).fetchall()
            for schema, table in tables:
                connection.execute(
                    f"select bit_xor(hash(t)) from {identifier(schema)}.{identifier(table)} as t"
                ).fetchall()
    except (PersonaError, duckdb.Error) as error:
        said = (error.found or "") if isinstance(error, PersonaError) else str(error).splitlines()[0]
        return said if any(words in said for words in DAMAGE) else None
    return None


def recall(settings: Settings) -> None:
    """A warehouse with what is remembered and nothing else; it stands in its place only when it is whole."""
    fresh = settings.warehouse_file.with_name("persona.duckdb.new")
    for path in _with_log(fresh):
        path.unlink(missing_ok=True)
    with warehouse.connect(fresh) as connection:
        memory.recall(settings, connection)
    fsync_path(fresh)
    # a log without its file would be replayed into this one
    _log_of(settings.warehouse_file).unlink(missing_ok=True)
    fresh.replace(settings.warehouse_file)
    fsync_path(settings.warehouse_file.parent)


def set_aside(settings: Settings, name: str) -> Path | None:
    """Renames the warehouse and its log; None where there is none."""
    if not settings.warehouse_file.exists():
        return None
    aside = _aside(settings, name)
    # the file last: until then the warehouse is where it was, with a log that is of no use without it
    for source, target in reversed(list(zip(_with_log(settings.warehouse_file), _with_log(aside), strict=True))):
        if source.exists():
            source.replace(target)
    fsync_path(aside.parent)
    return aside


def put_back(settings: Settings) -> None:
    """The warehouse before a rebuild takes its place again; what the rebuild made goes."""
    aside = _aside(settings, BEFORE_REBUILD)
    if not aside.exists():
        return
    for source, target in zip(_with_log(aside), _with_log(settings.warehouse_file), strict=True):
        target.unlink(missing_ok=True)
        if source.exists():
            source.replace(target)
    fsync_path(aside.parent)


def drop(settings: Settings, *, aside: bool = False) -> None:
    """Removes the warehouse and Spark's tables, or with `aside` what a rebuild set aside."""
    for path in _with_log(_aside(settings, BEFORE_REBUILD) if aside else settings.warehouse_file):
        path.unlink(missing_ok=True)
    if not aside:
        shutil.rmtree(settings.home / "spark", ignore_errors=True)


def damaged_files(settings: Settings) -> list[Path]:
    """Warehouses that were set aside as damaged, with their logs."""
    return sorted(settings.warehouse_file.parent.glob(f"{settings.warehouse_file.name}.{DAMAGED}*"))


def is_before_rebuild(settings: Settings) -> bool:
    """Whether a rebuild is under way or was cut off."""
    return _aside(settings, BEFORE_REBUILD).exists()


def _set_damaged_aside(settings: Settings) -> str:
    aside = set_aside(settings, f"{DAMAGED}{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    # what dbt knows of the former file does not hold for the next
    shutil.rmtree(settings.home / "dbt_target", ignore_errors=True)
    return f"the warehouse was damaged and is set aside as {aside.name if aside else 'nothing'}"


def _aside(settings: Settings, name: str) -> Path:
    return settings.warehouse_file.with_name(f"{settings.warehouse_file.name}.{name}")


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _with_log(path: Path) -> tuple[Path, Path]:
    return path, _log_of(path)
