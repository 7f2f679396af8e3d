"""A working database with staged records and nothing else, for the tests of who is who."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from persona_warehouse.identity.resolve import IdentityCounts, resolve
from persona_warehouse.landing.contract import STREAMS, objects
from persona_warehouse.settings import PROJECT_ROOT, Settings
from persona_warehouse.warehouse import connect

SQL_TYPES = {
    "text": "varchar",
    "integer": "bigint",
    "decimal": "decimal(38, 6)",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamptz",
    "json": "varchar",
}
KEYS = PROJECT_ROOT / "dbt_project" / "seeds" / "identity_keys.csv"


class World:
    """A working database with staged records and nothing else."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.waiting: list[tuple[str, list[Any]]] = []  # to be staged all at once, for the tests' speed
        self.visited = 0

    def add(self, name: str, *rows: dict[str, Any]) -> None:
        """Stages rows of an object, such as `contacts`."""
        stream = next(stream for stream in STREAMS if name in objects(stream))
        for row in rows:
            marks = ", ".join("?" for _ in row)
            statement = f"insert into staging.stg_{stream}__{name} ({', '.join(row)}) values ({marks})"
            self.waiting.append((statement, list(row.values())))

    def stage(self) -> None:
        if self.waiting:
            with connect(self.settings.warehouse_file) as connection:
                connection.execute("begin")
                for statement, values in self.waiting:
                    connection.execute(statement, values)
                connection.execute("commit")
        self.waiting = []

    def companies(self, **rows: dict[str, Any]) -> None:
        self.add("companies", *({"company_id": name, "name": name, **row} for name, row in rows.items()))

    def contacts(self, **rows: dict[str, Any]) -> None:
        self.add("contacts", *({"contact_id": name, **row} for name, row in rows.items()))

    def leads(self, **rows: dict[str, Any]) -> None:
        self.add("leads", *({"lead_id": name, **row} for name, row in rows.items()))

    def followers(self, **rows: dict[str, Any]) -> None:
        self.add("followers", *({"openid": name, **row} for name, row in rows.items()))

    def visits(self, *rows: dict[str, Any]) -> None:
        """Web events, an hour apart; each needs its anonymous_id."""
        start, self.visited = self.visited, self.visited + len(rows)
        self.add(
            "events",
            *(
                {
                    "event_id": f"e{number}",
                    "occurred_at": f"2026-11-{1 + number // 20:02} {number % 20:02}:00:00+00",
                    **row,
                }
                for number, row in enumerate(rows, start)
            ),
        )

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        self.stage()
        with connect(self.settings.warehouse_file) as connection:
            return connection.execute(query).fetchall()

    def resolve(self, day: int | None = None) -> IdentityCounts:
        """Resolves, as of a day of November when one is given."""
        if day is not None:
            self.settings = self.settings.with_date(date(2026, 11, day))
        self.stage()
        return resolve(self.settings)

    def people(self) -> dict[str, str]:
        """Source id -> contact id."""
        return dict(self.sql("select source_id, contact_id from identity.people"))

    def accounts(self) -> dict[str, str]:
        """Source id -> account id, of companies of the CRM and of domains."""
        return dict(
            self.sql(
                "select source_id, account_id from identity.companies where source_object in ('companies', 'domains')"
            )
        )

    def mentions(self) -> dict[str, str]:
        """Source id -> account id, of what leads, remarks and enrichment rows name."""
        return dict(
            self.sql(
                "select source_id, account_id from identity.companies "
                "where source_object not in ('companies', 'domains')"
            )
        )

    def decide(self, *rows: tuple[str, str, str, str]) -> None:
        """Decisions of this home: (entity, left id, right id, rule)."""
        lines = [",".join((*row, "seen by hand", "a tester", "2026-11-01")) for row in rows]
        header = "entity,left_id,right_id,rule,reason,author,since"
        (self.settings.home / "identity_overrides.csv").write_text("\n".join([header, *lines]) + "\n")

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that identity holds, in order."""
        tables = (
            "companies",
            "people",
            "visitors",
            "assigned",
            "changes",
            "emails",
            "phones",
            "domains",
            "credit_codes",
            "employments",
            "links",
        )
        with connect(self.settings.warehouse_file, read_only=True) as connection:
            found = {name: connection.execute(f"from identity.{name} order by all").fetchall() for name in tables}
        # that an entity began is no change of it
        found["changes"] = [row for row in found["changes"] if row[2] != "new"]
        return found


def groups(ids: dict[str, str]) -> set[str]:
    """The source ids that share an id, each group as words in order."""
    found: dict[str, list[str]] = {}
    for source, entity in sorted(ids.items()):
        found.setdefault(entity, []).append(source)
    return {" ".join(sources) for sources in found.values()}


@pytest.fixture(scope="session")
def bare_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("identity") / "persona.duckdb"
    with connect(path) as connection:
        connection.execute("create schema staging; create schema seeds")
        for stream in STREAMS:
            for name, contract in objects(stream).items():
                columns = ", ".join(f"{column.name} {SQL_TYPES[column.type]}" for column in contract.columns.values())
                connection.execute(f"create table staging.stg_{stream}__{name} ({columns}, properties varchar)")
        connection.execute(f"create table seeds.identity_keys as from read_csv('{KEYS}')")
    return path


@pytest.fixture
def make_world(bare_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], World]:
    monkeypatch.setenv("PERSONA_HASH_KEY", "a key for the tests only")

    def make(name: str) -> World:
        settings = Settings(tmp_path / name, tmp_path / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)
        settings.warehouse_file.parent.mkdir(parents=True)
        shutil.copy(bare_world, settings.warehouse_file)
        return World(settings)

    return make


@pytest.fixture
def world(make_world: Callable[[str], World]) -> World:
    return make_world("home")
