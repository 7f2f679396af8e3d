"""Airflow's metadata in a database elsewhere: whose they are, and an erasure in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from persona_warehouse.landing.erasing import Patterns, People
from persona_warehouse.night import embedded
from persona_warehouse.night.erasure import metadata
from persona_warehouse.settings import Settings
from tests.standins.postgres import postgres

MAIL, PHONE = "li.wei@acme.example", "13812345678"
PATTERNS = Patterns.of(People({"email": frozenset({MAIL}), "phone": frozenset({PHONE})}))
VARIABLE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for suffix in ("", "_CMD", "_SECRET"):
        monkeypatch.delenv(VARIABLE + suffix, raising=False)
    return Settings(tmp_path, tmp_path / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)


@pytest.fixture
def database(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with postgres("airflow", "p@ss word") as server:
        server.psql(
            "create database airflow owner airflow;\n\\connect airflow\nset role airflow;"
            'create table xcom (id int, value jsonb, "key" varchar(50));'
            f"insert into xcom values (1, '{{\"said\": \"wrote to {MAIL}\"}}', 'a'), (2, '{PHONE}', 'b');"
            "insert into xcom values (3, '[]', null);"
            "create table log (id int, extra text, owner varchar(500), conf json);"
            f"insert into log select n, 'called {PHONE}, then nobody', 'lin', '{{\"to\": \"{MAIL}\"}}'"
            " from generate_series(1, 3) as n;"
            "create view seen as select extra from log"
        )
        address = f"postgresql+psycopg2://airflow:p%40ss%20word@/airflow?host={server.pgdata}"
        password = settings.home / "password"
        password.write_text("p@ss word\n")
        script = Path(__file__).parents[2] / "deploy" / "with_password.py"
        monkeypatch.setenv(VARIABLE + "_CMD", f"python {script} {address.replace(':p%40ss%20word', '')} {password}")
        # what a clear sets in this process is taken back with it
        for name, value in embedded.airflow_environment(settings).items():
            monkeypatch.setenv(name, value)
        yield server


def test_texts_of_the_metadata_are_cleared_and_nothing_is_left(settings: Settings, database: Any) -> None:
    assert metadata.search(settings, PATTERNS) == 4
    assert metadata.clear(settings, PATTERNS) == 4
    assert metadata.search(settings, PATTERNS) == 0
    said = database.psql(
        "\\connect airflow\n\\t\n"
        "select jsonb_build_object('xcom', (select jsonb_agg(value order by id) from xcom),"
        " 'log', (select jsonb_agg(distinct to_jsonb(log) - 'id') from log))"
    )
    assert json.loads(said[said.index("{") :]) == {
        # a number is no JSON when it is cleared; the word for it is
        "xcom": [{"said": "wrote to [erased]"}, "[erased]", []],
        "log": [{"extra": "called [erased], then nobody", "owner": "lin", "conf": {"to": "[erased]"}}],
    }


def test_the_metadata_of_the_home_are_left_to_its_files(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not embedded.database_elsewhere(settings)
    assert metadata.clear(settings, PATTERNS) == metadata.search(settings, PATTERNS) == 0
    # a process that was given the home's own by its parent
    monkeypatch.setenv(VARIABLE, embedded.airflow_environment(settings)[VARIABLE])
    assert not embedded.database_elsewhere(settings)


@pytest.mark.parametrize("suffix", ["", "_CMD", "_SECRET"])
def test_an_address_of_the_caller_wins_however_it_is_given(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setenv(VARIABLE + suffix, "postgresql+psycopg2://airflow@db/airflow")
    assert embedded.database_elsewhere(settings)
    # Airflow would take the plain variable first
    assert VARIABLE not in embedded.airflow_environment(settings)
