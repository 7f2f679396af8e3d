"""DuckDB under Great Expectations: read, never changed, and let go of."""

from __future__ import annotations

from pathlib import Path

import great_expectations.expectations as gxe
import pytest
import sqlalchemy as sa

from persona_warehouse.quality.audit import _context
from persona_warehouse.quality.datasource import DuckDBDatasource, opened
from persona_warehouse.warehouse import connect


@pytest.fixture
def database(tmp_path: Path) -> Path:
    # a folder name with everything that a URL or a template would read as something else
    file = tmp_path / "50% of $HOME & 仓库" / "small.duckdb"
    with connect(file) as connection:
        connection.execute("create schema staging")
        connection.execute("create table staging.numbers as select i, 'canary' as name from range(1000) n(i)")
    return file


def test_the_context_offers_duckdb() -> None:
    assert hasattr(_context().data_sources, "add_duckdb")


def test_native_expectations_are_evaluated(database: Path) -> None:
    with opened(_context(), database, "staging") as source:
        batch = source.add_table_asset("numbers").add_batch_definition_whole_table("whole").get_batch()
        for expectation, success in (
            (gxe.ExpectColumnValuesToBeBetween(column="i", min_value=0, max_value=999), True),
            (gxe.ExpectColumnValuesToBeBetween(column="i", min_value=1), False),
            (gxe.ExpectTableRowCountToEqual(value=1000), True),
            (gxe.ExpectColumnValuesToBeUnique(column="i"), True),
            (gxe.UnexpectedRowsExpectation(unexpected_rows_query="select * from {batch} where i > 998"), False),
        ):
            result = batch.validate(expectation)
            assert result.success is success, result


def test_an_audit_cannot_change_what_it_audits(database: Path) -> None:
    with opened(_context(), database, "staging") as source, pytest.raises(sa.exc.ProgrammingError, match="read-only"):
        source.query("delete from staging.numbers")


def test_times_are_in_utc(database: Path) -> None:
    with opened(_context(), database, "staging") as source:
        assert source.query("select current_setting('timezone')") == [("UTC",)]


def test_the_file_can_be_written_afterwards(database: Path) -> None:
    with opened(_context(), database, "staging") as source:
        source.add_table_asset("numbers")
        assert source.query("select count(*) from staging.numbers") == [(1000,)]
    with connect(database) as connection:
        connection.execute("create table staging.written as select 1")


def test_the_file_can_be_written_after_a_failure(database: Path) -> None:
    def fail(source: DuckDBDatasource) -> None:
        source.query("select 1")
        raise RuntimeError

    with pytest.raises(RuntimeError), opened(_context(), database, "staging") as source:
        fail(source)
    with connect(database) as connection:
        connection.execute("create table staging.written as select 1")
