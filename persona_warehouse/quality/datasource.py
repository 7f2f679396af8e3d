"""DuckDB as a data source of Great Expectations, which has none of its own.

`context.data_sources.add_duckdb(...)` exists once this module is imported. Great Expectations closes a connection
before it fetches, and DuckDB drops an open result with its connection, so its generic SQL engine cannot read DuckDB;
the engine here keeps one connection for the life of the data source. The file is opened read-only: an audit can
never change what it audits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Literal

import duckdb_sqlalchemy
import sqlalchemy as sa
from great_expectations.data_context import EphemeralDataContext
from great_expectations.datasource.fluent import SQLDatasource
from great_expectations.execution_engine import SqlAlchemyExecutionEngine

from persona_warehouse.warehouse import literal


class DuckDBExecutionEngine(SqlAlchemyExecutionEngine):
    """A SQL engine on one DuckDB connection, UTC inside, open until `close`."""

    @contextmanager
    def get_connection(self) -> Iterator[sa.Connection]:
        if self._connection is None:
            self._connection = self.engine.connect()
            self._connection.exec_driver_sql("set timezone = 'UTC'")
            # nothing that a suite or a value says leads to another file, but for the tables that Spark made
            spark = Path(str(self.engine.url.database)).parent.with_name("spark")
            self._connection.exec_driver_sql(f"set allowed_directories = [{literal(spark)}]")
            self._connection.exec_driver_sql("set enable_external_access = false")
            self._connection.exec_driver_sql("set lock_configuration = true")
        yield self._connection

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # returning it to the pool would keep the file open
            connection.invalidate()
            connection.close()
        self.engine.dispose()


EngineType = type[DuckDBExecutionEngine]


class DuckDBDatasource(SQLDatasource):
    """One schema of a DuckDB file.

    Args:
        name: the name of the data source.
        connection_string: a `duckdb:///` URL, as `read_only_url` builds it.
        schema_name: the schema in which tables are looked up.
    """

    type: Literal["duckdb"] = "duckdb"  # type: ignore[assignment]
    # plain text, since a $ in a folder's name is no variable to be filled in
    connection_string: str
    schema_name: str | None = None

    _EXTRA_EXCLUDED_EXEC_ENG_ARGS: ClassVar[set[str]] = {"schema_name"}

    @property
    def schema_(self) -> str | None:
        return self.schema_name

    @property
    def execution_engine_type(self) -> EngineType:
        return DuckDBExecutionEngine

    def get_engine(self) -> sa.Engine:
        # the connection tests of the parent would open a second engine of their own, which nobody closes
        return self.get_execution_engine().engine

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query on the connection of the audit."""
        with self.get_execution_engine().get_connection() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql).fetchall()]

    def close(self) -> None:
        """Closes every connection to the file, so that it can be opened for writing."""
        self.get_execution_engine().close()


def read_only_url(database: Path) -> str:
    """The SQLAlchemy URL that opens a DuckDB file read-only."""
    return duckdb_sqlalchemy.URL(database=str(database), access_mode="READ_ONLY").render_as_string(hide_password=False)


@contextmanager
def opened(context: EphemeralDataContext, database: Path, schema: str) -> Iterator[DuckDBDatasource]:
    """A data source on one schema of a file, read-only, with every connection closed at the end."""
    source: DuckDBDatasource = context.data_sources.add_duckdb(  # type: ignore[attr-defined]
        f"warehouse_{schema}", connection_string=read_only_url(database), schema_name=schema
    )
    try:
        yield source
    finally:
        source.close()
        context.data_sources.delete(source.name)
