"""Connections to PostgreSQL and MySQL that stream Arrow batches, and their errors in our words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Protocol

import pyarrow as pa

from persona_warehouse.connections import Connection
from persona_warehouse.errors import ConfigError, PersonaError, SourceFault

BATCH_ROWS = 50_000
CONNECT_SECONDS = 15
PG_EXTRAS = ("sslmode", "sslrootcert", "sslcert", "sslkey", "options", "target_session_attrs")
MYSQL_EXTRAS = ("ssl_ca", "ssl_cert", "ssl_key", "ssl_verify_cert", "ssl_verify_identity")
# sqlstate classes that a person must mend: login, rights and names, no such database
PERSON_STATES = ("28", "42", "3D", "3F")
PERSON_CODES = (1044, 1045, 1049, 1054, 1064, 1142, 1143, 1146, 1698)
PERSON_WORDS = r"authentication failed|password|does not exist|no pg_hba.conf entry|not permitted to log in"


class Database(Protocol):
    """A read-only transaction in a database."""

    def stream(self, sql: str) -> pa.RecordBatchReader:
        """The result of a query, batch by batch; read it to its end before the next one."""

    def close(self) -> None: ...


@dataclass(frozen=True)
class Target:
    """A database to read; `origin` stands for it in messages and manifests."""

    connection: Connection
    dialect: str
    source: str
    origin: str

    @contextmanager
    def faults(self, object: str | None = None) -> Iterator[None]:
        """Turns the drivers' errors into ours, without the password."""
        try:
            yield
        except PersonaError:
            raise
        except Exception as error:
            if not _of_a_driver(error):
                raise
            raise self._own(error, object) from None

    def _own(self, error: Exception, object: str | None) -> PersonaError:
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        password = self.connection.password
        said = said.replace(password, "***") if password else said
        state = str(getattr(error, "sqlstate", None) or "")
        code = error.args[0] if self.dialect == "mysql" and error.args else None
        person = state.startswith(PERSON_STATES) or code in PERSON_CODES
        if person or (not state and re.search(PERSON_WORDS, said)):
            return ConfigError(
                "the database refuses us",
                source=self.source,
                object=object,
                expected=f"a {self.dialect} database that this user may read",
                found=said[:300],
                remedy="correct the connection's login, password or schema (the database), the rights, or `where:`",
            )
        return SourceFault(
            "the database cannot be read",
            source=self.source,
            object=object,
            expected=f"a {self.dialect} database that answers to the end",
            found=said[:300],
            remedy="see whether it is up and can be reached from here; nothing of this load was kept",
        )


def _of_a_driver(error: Exception) -> bool:
    # a batch that breaks off comes as an OSError of Arrow
    return isinstance(error, OSError) or type(error).__module__.startswith(("adbc_driver", "pymysql", "pyarrow"))


class Snapshot:
    """One state of the database for all objects of an entry.

    PostgreSQL: the first transaction exports its snapshot and the others take it, so that objects which are read one
    after another, or in turns, tell of the same moment. MySQL: each object has a consistent snapshot of its own.
    """

    def __init__(self, target: Target, readers: int) -> None:
        self.target = target
        self._readers = readers
        self._holder: PostgreSQL | None = None
        self._name: str | None = None

    @contextmanager
    def open(self, object: str) -> Iterator[Database]:
        """A transaction in that state.

        Raises:
            ConfigError, SourceFault: the database refuses us, or is not there.
        """
        database: Database | None = None
        try:
            with self.target.faults(object):
                database = self._connect()
                yield database
            self._readers -= 1
        except BaseException:
            self._readers = 0
            raise
        finally:
            for one in (database, self._holder if self._readers <= 0 else None):
                if one is not None:
                    with suppress(Exception):
                        one.close()
            if self._readers <= 0:
                self._holder = None

    def _connect(self) -> Database:
        if self.target.dialect == "mysql":
            return MySQL(self.target.connection)
        if self._holder is None:
            self._holder = PostgreSQL(self.target.connection)
            self._name = str(rows_of(self._holder, "select pg_export_snapshot()")[0][0])
        return PostgreSQL(self.target.connection, self._name)


class PostgreSQL:
    """PostgreSQL through ADBC: binary COPY into Arrow."""

    def __init__(self, connection: Connection, snapshot: str | None = None) -> None:
        from adbc_driver_postgresql import dbapi

        self._connection = dbapi.connect(conninfo(connection))
        self._cursors: list[Any] = []
        try:
            self._run("set transaction isolation level repeatable read, read only")
            if snapshot:
                self._run(f"set transaction snapshot '{snapshot}'")
        except BaseException:
            self.close()
            raise

    def _run(self, sql: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)

    def stream(self, sql: str) -> pa.RecordBatchReader:
        cursor = self._connection.cursor()
        self._cursors.append(cursor)
        cursor.execute(sql)
        return cursor.fetch_record_batch()

    def close(self) -> None:
        for cursor in self._cursors:
            with suppress(Exception):
                cursor.close()
        self._connection.close()


class MySQL:
    """MySQL through a cursor that stays on the server; values come as the server writes them, typing is landing's."""

    def __init__(self, connection: Connection, connect: Callable[..., Any] | None = None) -> None:
        import pymysql
        from pymysql.cursors import SSCursor

        extra = {key: connection.extra[key] for key in MYSQL_EXTRAS if key in connection.extra}
        self._connection = (connect or pymysql.connect)(
            host=connection.host or "localhost",
            port=connection.port or 3306,
            user=connection.login,
            password=connection.password or "",
            database=connection.schema,
            charset="utf8mb4",
            connect_timeout=CONNECT_SECONDS,
            cursorclass=SSCursor,
            conv={},
            **extra,
        )
        for sql in (
            "set time_zone = '+00:00'",
            "set transaction isolation level repeatable read",
            "start transaction with consistent snapshot, read only",
        ):
            with self._connection.cursor() as cursor:
                cursor.execute(sql)

    def stream(self, sql: str) -> pa.RecordBatchReader:
        cursor = self._connection.cursor()
        cursor.execute(sql)
        schema = pa.schema([(column[0], pa.string()) for column in cursor.description])

        def batches() -> Iterator[pa.RecordBatch]:
            with cursor:
                while rows := cursor.fetchmany(BATCH_ROWS):
                    columns = [pa.array(values, pa.string()) for values in zip(*rows, strict=True)]
                    yield pa.record_batch(columns, schema=schema)

        return pa.RecordBatchReader.from_batches(schema, batches())

    def close(self) -> None:
        self._connection.close()


def rows_of(database: Database, sql: str) -> list[tuple[Any, ...]]:
    """A small result; points in time without a zone stay without one."""
    table = database.stream(sql).read_all()
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def conninfo(connection: Connection) -> str:
    """What libpq connects with; the time zone of the session is UTC."""
    parts: dict[str, Any] = {
        "host": connection.host,
        "port": connection.port,
        "user": connection.login,
        "password": connection.password,
        "dbname": connection.schema,
        "connect_timeout": CONNECT_SECONDS,
        "client_encoding": "UTF8",
        "application_name": "persona_warehouse",
        "options": f"-c timezone={UTC}",
        **{key: connection.extra[key] for key in PG_EXTRAS if key in connection.extra},
    }
    escaped = {key: re.sub(r"(['\\])", r"\\\1", str(value)) for key, value in parts.items() if value not in (None, "")}
    return " ".join(f"{key}='{value}'" for key, value in escaped.items())
