"""The only place that opens DuckDB."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from persona_warehouse.errors import PersonaError
from persona_warehouse.settings import memory_limit

# the storage that every engine since 1.0 reads: most tools are slow to follow the newest one
FOR_READERS: dict[str, str | bool | int | float | list[str]] = {"storage_compatibility_version": "v1.0.0"}


@contextmanager
def connect(path: Path, *, read_only: bool = False, for_readers: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a DuckDB file, closed at the end; UTC inside.

    Args:
        for_readers: a file that is made is one that older engines can read, too.

    Raises:
        PersonaError: another process (or connection of this one) holds the file, or it is missing or damaged.
    """
    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = duckdb.connect(str(path), read_only=read_only, config=FOR_READERS if for_readers else {})
    except duckdb.Error as error:
        raise _cannot_open(path, error) from error
    try:
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"set memory_limit = {literal(memory_limit())}")
        yield connection
    finally:
        connection.close()


def seal(connection: duckdb.DuckDBPyConnection) -> None:
    """Takes from a connection every way to other files and to the network, for good.

    For connections on which what somebody else wrote meets SQL: what is already attached is all there is.
    """
    connection.execute("set enable_external_access = false; set lock_configuration = true")


def attach(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    """Attaches another DuckDB file to a connection, to read from it.

    Raises:
        PersonaError: another process holds the file, or it is missing or damaged.
    """
    try:
        connection.execute(f"attach {literal(path)} as {identifier(name)} (read_only)")
    except duckdb.Error as error:
        raise _cannot_open(path, error) from error


def _cannot_open(path: Path, error: duckdb.Error) -> PersonaError:
    said = str(error).splitlines()[0]
    # the engine's own words: "lock" alone also stands in "block", which it says of damaged files
    held = "set lock on file" in said or "different configuration" in said
    return PersonaError(
        f"cannot open {path.name}",
        file=str(path),
        found=said,
        remedy="wait for the other night to end, or stop the tool that has the working file open"
        if held
        else "run `persona doctor`",
    )


@contextmanager
def scratch() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory, for reading files."""
    connection = duckdb.connect(":memory:")
    try:
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"set memory_limit = {literal(memory_limit())}")
        # what does not fit goes here; by default it would be the folder that the program was called from
        connection.execute(f"set temp_directory = {literal(Path(tempfile.gettempdir()) / 'persona_warehouse')}")
        yield connection
    finally:
        connection.close()


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[object]]) -> None:
    """Adds rows to a table, its columns in order; all at once, for the engine takes milliseconds for each statement."""
    if rows:
        columns = [pa.array(list(values)) for values in zip(*rows, strict=True)]
        connection.register("inserted_rows", pa.table(columns, names=[str(at) for at in range(len(columns))]))
        connection.execute(f"insert into {table} from inserted_rows")
        connection.unregister("inserted_rows")


def literal(text: str | os.PathLike[str]) -> str:
    """A SQL string literal."""
    return "'" + str(text).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
