"""A release in a real PostgreSQL: whole, typed, swapped at once; readers, their rights and their views."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from adbc_driver_postgresql import dbapi
from typer.testing import CliRunner

from persona_warehouse import mirror as module
from persona_warehouse.cli import app
from persona_warehouse.errors import ConfigError, SourceFault
from persona_warehouse.mirror import mirror
from persona_warehouse.publish import DATABASE, Release
from persona_warehouse.settings import Settings
from tests.standins.espocrm import PASSWORD, EspoCrm
from tests.test_publish import publish_night


@dataclass(frozen=True)
class Database:
    """An empty database behind the connection `bi`."""

    info: str

    def connect(self, user: str = "postgres") -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return dbapi.connect(f"{self.info} user={user}")

    def ask(self, sql: str, user: str = "postgres") -> list[tuple[Any, ...]]:
        with closing(self.connect(user)) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(sql)
            found = cursor.fetchall() if sql.startswith("select") else []
            connection.commit()
            return [tuple(row) for row in found]

    def accounts(self, user: str = "postgres") -> int:
        return int(self.ask("select count(*) from persona_marts.accounts", user)[0][0])


@pytest.fixture(scope="module")
def server() -> Iterator[EspoCrm]:
    with EspoCrm.running() as running:
        running.create("empty_crm")
        yield running


@pytest.fixture
def database(server: EspoCrm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    name = "bi_" + "".join(letter for letter in tmp_path.name.lower() if letter.isalnum())[-40:]
    server.copy("empty_crm", name)
    monkeypatch.setenv("AIRFLOW_CONN_BI", server.connection_json(name, login="postgres", password=None))
    quoted = PASSWORD.replace("\\", "\\\\").replace("'", "\\'")
    return Database(f"host={server._server.pgdata} dbname={name} password='{quoted}'")


@pytest.fixture
def release(tmp_path: Path) -> Callable[..., Release]:
    """A release whose tables hold every type that marts have."""

    def make(release_id: str, rows: int = 3) -> Release:
        folder = tmp_path / release_id
        folder.mkdir()
        with duckdb.connect(str(folder / DATABASE)) as connection:
            connection.execute(f"""
            create schema marts; create schema quality;
            create table marts.accounts as
                select 'a' || i as account_id, '名称 ''' || i as account_name, i::bigint as n, (i / 3)::double as x,
                       (i + 0.25)::decimal(38, 6) as amount, i = 1 as is_key, date '2026-01-01' + i::int as day,
                       timestamptz '2026-01-01 08:00:00+08' as at, null::varchar as nothing
                from range({rows}) r(i);
            create table marts.empty (account_id varchar, day date);
            create table quality.checks as select 1 as n;
            comment on table marts.accounts is 'An account''s row.';
            comment on column marts.accounts.amount is 'In CNY.';
            """)
        return Release(release_id, folder, {"tables": {"marts.accounts": {}, "marts.empty": {}, "quality.checks": {}}})

    return make


def test_a_release_is_there_whole_and_typed(database: Database, release: Callable[..., Release]) -> None:
    assert mirror(release("r1"), "bi") == "r1: 3 tables, 4 rows"
    assert database.ask(
        "select account_id, account_name, n, amount::text, is_key, day, at = timestamptz '2026-01-01 00:00+00', nothing"
        " from persona_marts.accounts where n = 1"
    ) == [("a1", "名称 '1", 1, "1.25", True, date(2026, 1, 2), True, None)]
    assert database.ask("select count(*) from persona_marts.empty") == [(0,)]
    assert database.ask("select n from persona_quality.checks") == [(1,)]
    assert database.ask("select obj_description('persona_marts.accounts'::regclass)") == [("An account's row.",)]
    assert database.ask(
        "select col_description('persona_marts.accounts'::regclass, ordinal_position::int), data_type"
        " from information_schema.columns where table_schema = 'persona_marts' and column_name = 'amount'"
    ) == [("In CNY.", "numeric")]


def test_the_next_one_takes_its_place_with_the_rights_of_readers(
    database: Database, release: Callable[..., Release]
) -> None:
    first = release("r1")
    mirror(first, "bi")
    assert mirror(first, "bi") == "r1 is there already"
    database.ask("grant usage on schema persona_marts to reader")
    database.ask("grant select on all tables in schema persona_marts to reader")
    mirror(release("r2", rows=5), "bi")
    assert database.accounts("reader") == 5
    with pytest.raises(dbapi.Error, match="permission denied"):
        database.ask("select n from persona_quality.checks", "reader")
    assert database.ask("select nspname from pg_namespace where nspname like 'persona%' order by 1") == [
        ("persona_marts",),
        ("persona_quality",),
    ]


def test_who_reads_the_former_release_keeps_nobody_waiting(
    database: Database, release: Callable[..., Release], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 1)
    mirror(release("r1"), "bi")
    with closing(database.connect()) as holder, closing(holder.cursor()) as cursor:
        # its transaction stays open, and what it read is locked against being dropped
        cursor.execute("select count(*) from persona_marts.accounts")
        cursor.fetchall()
        mirror(release("r2", rows=5), "bi")
        assert database.accounts() == 5
        assert database.ask("select count(*) from persona_marts_former.accounts") == [(3,)]
        with pytest.raises(SourceFault, match="cannot be read"):
            mirror(release("r3", rows=6), "bi")
        assert database.accounts() == 5
    mirror(release("r4", rows=7), "bi")
    assert database.accounts() == 7
    assert database.ask("select count(*) from pg_namespace where nspname like 'persona%former'") == [(0,)]


def test_views_of_others_are_not_dropped_in_silence(database: Database, release: Callable[..., Release]) -> None:
    mirror(release("r1"), "bi")
    database.ask("create view public.big_accounts as select * from persona_marts.accounts where n > 1")
    with pytest.raises(ConfigError, match="views stand on the tables") as caught:
        mirror(release("r2"), "bi")
    assert caught.value.found == "public.big_accounts"
    assert database.ask("select obj_description('persona_marts'::regnamespace, 'pg_namespace')") == [("r1",)]
    assert database.ask("select count(*) from public.big_accounts") == [(1,)]


def test_an_error_in_the_middle_leaves_the_former_release(database: Database, release: Callable[..., Release]) -> None:
    mirror(release("r1"), "bi")
    broken = release("r2", rows=9)
    with duckdb.connect(str(broken.path / DATABASE)) as connection:
        connection.execute("create table quality.zz as select union_value(a := 1) as unheard_of")
    with pytest.raises(SourceFault):
        mirror(broken, "bi")
    assert database.accounts() == 3
    mirror(release("r3", rows=4), "bi")
    assert database.accounts() == 4


def test_a_database_that_is_not_there_and_another_kind(
    release: Callable[..., Release], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_BI", f'{{"conn_type": "postgres", "host": "{tmp_path}", "password": "s3cret"}}')
    with pytest.raises(SourceFault) as caught:
        mirror(release("r1"), "bi")
    assert "s3cret" not in str(caught.value)
    monkeypatch.setenv("AIRFLOW_CONN_BI", '{"conn_type": "mysql", "host": "x"}')
    with pytest.raises(ConfigError, match="PostgreSQL only"):
        mirror(release("r2"), "bi")
    monkeypatch.delenv("AIRFLOW_CONN_BI")
    with pytest.raises(ConfigError):
        mirror(release("r3"), "bi")


def test_the_command_copies_the_current_release(database: Database, tmp_path: Path) -> None:
    settings = Settings(tmp_path / "home", tmp_path / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 20)
    published = publish_night(settings, 7)
    said = CliRunner().invoke(app, ["releases", "copy", "bi", "--home", str(settings.home)])
    assert (said.exit_code, published.release_id in said.output) == (0, True), said.output
    assert database.ask("select distinct night from persona_marts.contacts") == [(7,)]
