"""Opening DuckDB files: what is said when it does not work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from persona_warehouse.errors import PersonaError
from persona_warehouse.warehouse import attach, connect, identifier, literal, scratch, seal

WAIT = "wait for the other night to end"
DOCTOR = "run `persona doctor`"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    with connect(tmp_path / "deep" / "persona.duckdb") as connection:
        connection.execute("create table t as select i, hash(i) as h from range(100000) as numbers(i)")
    return tmp_path / "deep" / "persona.duckdb"


def remedy(path: Path, **how: bool) -> str:
    with pytest.raises(PersonaError, match="cannot open") as caught, connect(path, **how):
        pass
    assert caught.value.file == str(path)
    assert caught.value.found
    return str(caught.value.remedy)


def test_sessions_are_in_utc_and_closed(database: Path) -> None:
    with connect(database, read_only=True) as connection, scratch() as other:
        for one in (connection, other):
            assert one.execute("select current_setting('TimeZone')").fetchone() == ("UTC",)
    with connect(database) as connection:  # nothing holds it any more
        connection.execute("drop table t")


def test_sessions_hold_no_more_memory_than_they_are_told(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def limits() -> set[str]:
        with connect(database, read_only=True) as connection, scratch() as other:
            return {
                str(one.execute("select current_setting('memory_limit')").fetchall()[0][0])
                for one in (connection, other)
            }

    monkeypatch.setenv("PERSONA_MEMORY_LIMIT", "300MB")
    assert limits() == {"286.1 MiB"}
    with scratch() as connection:
        # a sort of twice as much
        rows = connection.execute(
            """select max(place) from (
                   select row_number() over (order by a, b) as place
                   from (select md5(i::varchar) as a, md5((i + 1)::varchar) as b from range(6000000) r(i)))"""
        ).fetchall()
    assert rows == [(6_000_000,)]


def test_a_file_that_another_process_holds(database: Path) -> None:
    code = f"import duckdb; c = duckdb.connect({str(database)!r}); print('held', flush=True); input()"
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert remedy(database).startswith(WAIT)
    assert remedy(database, read_only=True).startswith(WAIT)
    with scratch() as connection, pytest.raises(PersonaError, match="cannot open") as caught:
        attach(connection, database, "source")
    assert str(caught.value.remedy).startswith(WAIT)
    holder.communicate("\n", timeout=20)


def test_a_file_that_this_process_holds_for_writing(database: Path) -> None:
    with connect(database):
        assert remedy(database, read_only=True).startswith(WAIT)


def test_a_missing_file(tmp_path: Path) -> None:
    assert remedy(tmp_path / "none.duckdb", read_only=True) == DOCTOR


@pytest.mark.parametrize("damage", ["cut", "page", "header", "empty"])
def test_a_damaged_file(database: Path, damage: str) -> None:
    data = database.read_bytes()
    database.write_bytes(
        {
            "cut": data[:5000],
            "page": b"<html>" * 9000,
            "header": data[:4100] + b"\xff" * 50 + data[4150:],
            "empty": b"",
        }[damage]
    )
    assert remedy(database, read_only=True) == DOCTOR


def test_names_and_texts_are_quoted(database: Path) -> None:
    with connect(database) as connection:
        name, text = 'a "b" c', "it's"
        connection.execute(f"create table {identifier(name)} as select {literal(text)} as {identifier(text)}")
        assert connection.execute(f"select {identifier(text)} from {identifier(name)}").fetchone() == (text,)
    with scratch() as connection:
        attach(connection, database, "old one")
        assert connection.execute(f'select count(*) from "old one".{identifier(name)}').fetchone() == (1,)


def test_a_sealed_connection_reads_what_is_attached_and_nothing_else(database: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    for way in (connect(database, read_only=True), scratch()):
        with way as connection:
            seal(connection)
            assert connection.execute("select 1").fetchall() == [(1,)]
            for statement in (
                f"from read_csv({literal(tmp_path / 'secret.csv')})",
                f"copy (select 1) to {literal(tmp_path / 'out.csv')}",
                f"attach {literal(tmp_path / 'other.duckdb')}",
                "set enable_external_access = true",
                "install httpfs",
            ):
                with pytest.raises(duckdb.Error):
                    connection.execute(statement)
    assert {path.name for path in tmp_path.iterdir()} == {"secret.csv", "deep"}
