"""A rebuild that ends, one that fails, and one that may not begin; the building itself is a stand-in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from persona_warehouse import files, memory
from persona_warehouse.errors import ConfigError, PersonaError
from persona_warehouse.identity.ledger import create_ledger
from persona_warehouse.landing import store
from persona_warehouse.landing.store import Manifest
from persona_warehouse.night import rebuild as rebuilding
from persona_warehouse.night import warehouse_care as care
from persona_warehouse.night.runs import StepRun
from persona_warehouse.publish import Release
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import connect
from tests.landing.test_erasing import rows_of


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home with a load, the remains of another, and a warehouse that knows an id."""
    settings = Settings(tmp_path / "home", tmp_path / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)
    store.prepare(settings)
    store.write_manifest(settings, Manifest("1795100000.1", "crm", "2026-11-20", ("", ""), ""))
    left = settings.landing / "crm" / "deals" / "load_date=2026-11-20" / "1795200000.1.x.parquet"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    with connect(settings.warehouse_file) as connection:
        create_ledger(connection)
        connection.execute("insert into identity.aliases values ('contact', 'c_0', 'c_1')")
        connection.execute("create table of_former_nights as select 1 as i")
    return settings


def building(status: str) -> Callable[[Settings], list[StepRun]]:
    def run(settings: Settings) -> list[StepRun]:
        assert care.make_ready(settings).startswith("ids and history were restored")
        assert tables(settings) == {"assigned", "changes", "history", "aliases"}
        with connect(settings.warehouse_file) as connection:
            connection.execute("create table built as select 1 as i")
        return [StepRun("2026-11-20", "build_personas", "publish_release", status, "", 0.0)]

    return run


def tables(settings: Settings) -> set[str]:
    with connect(settings.warehouse_file, read_only=True) as connection:
        return {row[0] for row in connection.execute("select table_name from duckdb_tables()").fetchall()}


def test_what_was_built_stays_and_what_was_before_goes(settings: Settings) -> None:
    said: list[str] = []
    rebuilding.rebuild(settings, said.append, building("done"))
    assert said == ["1 files of loads that never ended are swept away"]
    assert tables(settings) == {"assigned", "changes", "history", "aliases", "built"}
    assert [path.name for path in settings.warehouse_file.parent.iterdir()] == ["persona.duckdb"]


def test_where_nothing_is_published_the_warehouse_is_as_it_was(settings: Settings) -> None:
    rebuilding.rebuild(settings, lambda line: None, building("failed"))
    assert "of_former_nights" in tables(settings) and "built" not in tables(settings)
    assert [path.name for path in settings.warehouse_file.parent.iterdir()] == ["persona.duckdb"]


def test_so_it_is_after_a_fault_or_when_it_is_stopped(settings: Settings) -> None:
    def stopped(_: Settings) -> list[StepRun]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuilding.rebuild(settings, lambda line: None, stopped)
    assert "of_former_nights" in tables(settings)


def test_a_damaged_warehouse_is_built_from_what_the_last_release_remembered(settings: Settings) -> None:
    with connect(settings.warehouse_file, read_only=True) as connection:
        memory.remember(settings, connection)
    settings.warehouse_file.write_bytes(b"not a database, not any more" * 400)
    said: list[str] = []
    rebuilding.rebuild(settings, said.append, building("done"))
    assert said[1:] == ["the warehouse is damaged: ids and history are those of the last release"]
    with connect(settings.warehouse_file, read_only=True) as connection:
        assert connection.execute("from identity.aliases").fetchall() == [("contact", "c_0", "c_1")]


def test_there_must_be_something_to_build_from(tmp_path: Path) -> None:
    empty = Settings(tmp_path / "empty", tmp_path / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)
    with pytest.raises(ConfigError, match="there is nothing to build from"):
        rebuilding.rebuild(empty, lambda line: None, building("done"))


def test_a_load_that_is_under_way_is_not_swept_away(settings: Settings) -> None:
    with (
        store.alone(settings, "crm"),
        pytest.raises(PersonaError, match="the landing zone of crm is in use by another process"),
    ):
        rebuilding.rebuild(settings, lambda line: None, building("done"))
    assert list(settings.landing.glob("crm/deals/load_date=*/*.parquet"))
    assert "of_former_nights" in tables(settings)


def test_the_second_night_refuses_and_says_who_holds_the_home(settings: Settings) -> None:
    with (
        rebuilding.night_alone(settings),
        pytest.raises(PersonaError, match="another night, rebuild or erasure of this home is under way") as raised,
        rebuilding.night_alone(settings),
    ):
        pytest.fail("there were two")
    assert str(raised.value.found).startswith("process ") and "since" in str(raised.value.found)
    with rebuilding.night_alone(settings):
        assert files.is_held(settings.lock("night"))
    assert not files.is_held(settings.lock("night"))


def test_tables_are_compared_by_their_content(tmp_path: Path) -> None:
    def release(**tables: Any) -> Release:
        return Release("r", tmp_path, {"tables": tables})

    def table(sha256: str, rows: int, is_of_the_run: bool = False) -> dict[str, Any]:
        return {"sha256": sha256, "rows": rows, "is_of_the_run": is_of_the_run}

    before = release(a=table("1", 1), b=table("1", 1), gone=table("1", 4), runs=table("1", 1, True))
    now = release(a=table("1", 1), b=table("2", 2), new=table("1", 3), runs=table("9", 9, True))
    assert rebuilding.compare(before, now) == [
        rebuilding.Compared("a", "same", 1, 1),
        rebuilding.Compared("b", "differs", 1, 2),
        rebuilding.Compared("gone", "gone", 4, None),
        rebuilding.Compared("new", "new", None, 3),
    ]
    assert {one.word for one in rebuilding.compare(None, now)} == {"new"}


def test_a_damaged_landing_file_is_found_by_its_hash_before_the_warehouse_is_dropped(settings: Settings) -> None:
    path = settings.landing / "crm" / "deals" / "load_date=2026-11-20" / "1795100001.1.x.parquet"
    pq.write_table(rows_of("crm", "deals", [{"deal_id": "d"}]), path)
    files_ = store.describe_files(settings, "crm", "1795100001.1")
    store.write_manifest(settings, Manifest("1795100001.1", "crm", "2026-11-20", ("", ""), "", files=files_))
    path.write_bytes(path.read_bytes()[:-9] + b"\0" * 9)
    with pytest.raises(PersonaError, match="the landing zone is damaged; the warehouse was left alone") as raised:
        rebuilding.rebuild(settings, lambda line: None, building("done"))
    assert "1795100001.1.x.parquet" in str(raised.value.found)
    assert "of_former_nights" in tables(settings)
