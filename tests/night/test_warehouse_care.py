"""A working database that is damaged, lost or half rebuilt, and what the next night makes of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from persona_warehouse import files, memory
from persona_warehouse.errors import PersonaError
from persona_warehouse.identity.ledger import create_ledger
from persona_warehouse.night import warehouse_care as care
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import connect

# a process that is killed with its last changes in the log alone
CUT = """
import os, sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("create table late as select range as i from range(5000)")
os._exit(0)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(tmp_path / "home", tmp_path / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)
    with connect(settings.warehouse_file) as connection:
        create_ledger(connection)
        connection.execute("insert into identity.aliases values ('contact', 'c_0', 'c_1')")
        connection.execute("create table events as select range as i, md5(range::varchar) as word from range(200000)")
    with connect(settings.warehouse_file, read_only=True) as connection:
        memory.remember(settings, connection)
    return settings


def tables(settings: Settings) -> set[str]:
    with connect(settings.warehouse_file, read_only=True) as connection:
        return {row[0] for row in connection.execute("select table_name from duckdb_tables()").fetchall()}


def overwrite(path: Path, offset: int, length: int = 512) -> None:
    with path.open("r+b") as stream:
        stream.seek(offset)
        stream.write(b"\xa5" * length)


def cut_log(settings: Settings) -> Path:
    subprocess.run([sys.executable, "-c", CUT, settings.warehouse_file], check=True)
    log = settings.warehouse_file.with_name("persona.duckdb.wal")
    assert log.stat().st_size > 100
    return log


def without_its_name(path: Path) -> None:
    overwrite(path, 0)


def without_its_headers(path: Path) -> None:
    overwrite(path, 4096)
    overwrite(path, 8192)


def cut_in_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("damage", [without_its_name, without_its_headers, cut_in_half])
def test_a_damaged_file_is_set_aside_and_what_is_remembered_comes_back(
    settings: Settings, damage: Callable[[Path], None]
) -> None:
    damage(settings.warehouse_file)
    said = care.make_ready(settings)
    (aside,) = care.damaged_files(settings)
    assert said == (
        f"the warehouse was damaged and is set aside as {aside.name}; "
        "ids and history were restored from memory, everything else comes from landing"
    )
    assert tables(settings) == {"assigned", "changes", "history", "aliases"}
    with connect(settings.warehouse_file, read_only=True) as connection:
        assert connection.execute("from identity.aliases").fetchall() == [("contact", "c_0", "c_1")]
    assert care.make_ready(settings) == ""


def test_a_damaged_log_is_set_aside_with_its_file(settings: Settings) -> None:
    overwrite(cut_log(settings), 60, 30)
    assert "is set aside" in care.make_ready(settings)
    assert [path.suffix for path in care.damaged_files(settings)][1:] == [".wal"]
    assert "late" not in tables(settings)


def test_a_whole_log_is_taken_into_its_file(settings: Settings) -> None:
    cut_log(settings)
    assert care.make_ready(settings) == ""
    assert "late" in tables(settings)


def test_damage_in_the_middle_is_found_by_the_step_that_reads_there(settings: Settings) -> None:
    size = settings.warehouse_file.stat().st_size
    for offset in range(size // 4, size - 4096, 1 << 17):
        overwrite(settings.warehouse_file, offset)
    assert care.make_ready(settings) == ""  # opening does not read all
    done: list[str] = []

    def body() -> str:
        with connect(settings.warehouse_file) as connection:
            connection.execute("create or replace table copied as select sum(hash(word)) from events").fetchall()
        return "copied"

    def before() -> None:
        done.append("before")
        with connect(settings.warehouse_file) as connection:
            connection.execute("create table events as select 'w' as word")

    said = care.healing(settings, body, before)
    assert said.startswith("the warehouse was damaged and is set aside as persona.duckdb.damaged-")
    assert said.endswith("; copied")
    assert done == ["before"]
    assert tables(settings) == {"assigned", "changes", "history", "aliases", "events", "copied"}


@pytest.mark.parametrize("words", ["the audit failed", "Corrupt Parquet file"])
def test_other_errors_of_a_step_leave_a_sound_warehouse_alone(settings: Settings, words: str) -> None:
    def body() -> None:
        raise PersonaError(words)

    with pytest.raises(PersonaError, match=words):
        care.healing(settings, body, lambda: pytest.fail("nothing was to be built again"))
    assert care.damaged_files(settings) == []
    assert "events" in tables(settings)


def test_a_lost_warehouse_begins_with_what_is_remembered(settings: Settings) -> None:
    care.drop(settings)
    assert "restored from memory" in care.make_ready(settings)
    assert tables(settings) == {"assigned", "changes", "history", "aliases"}


def test_nothing_is_done_to_a_home_that_never_had_a_night(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "new", tmp_path / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)
    assert care.make_ready(settings) == ""
    assert not settings.warehouse_file.exists()


def begin_rebuild(settings: Settings) -> None:
    care.set_aside(settings, care.BEFORE_REBUILD)
    with connect(settings.warehouse_file) as connection:
        connection.execute("create table half_built (i integer)")


def half(settings: Settings) -> None:
    """Killed before the new file was begun."""
    care.set_aside(settings, care.BEFORE_REBUILD)


@pytest.mark.parametrize("state", [begin_rebuild, half])
def test_after_a_rebuild_that_was_cut_off_the_warehouse_before_it_is_back(
    settings: Settings, state: Callable[[Settings], None]
) -> None:
    state(settings)
    assert care.make_ready(settings) == "a rebuild was cut off: the warehouse before it is back"
    assert "events" in tables(settings)
    assert not care.is_before_rebuild(settings)


def test_a_rebuild_that_is_under_way_is_left_alone(settings: Settings) -> None:
    begin_rebuild(settings)
    with files.alone(settings.lock("rebuild"), "", ""):
        assert care.make_ready(settings) == ""
    assert tables(settings) == {"half_built"}


def test_another_process_that_holds_the_file_is_no_damage(settings: Settings) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()",
         settings.warehouse_file],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert holder.stdout and holder.stdout.readline()
    try:
        with pytest.raises(PersonaError, match=r"cannot open persona\.duckdb"):
            care.make_ready(settings)
    finally:
        holder.communicate(b"\n")
    assert care.damaged_files(settings) == []


def test_a_copy_of_the_memory_in_another_home_is_worth_the_same(settings: Settings, tmp_path: Path) -> None:
    other = Settings(tmp_path / "other", settings.sources_file, settings.business_date, "Asia/Shanghai", 7)
    shutil.copytree(settings.memory, other.memory, symlinks=True)
    care.make_ready(other)
    assert tables(other) == {"assigned", "changes", "history", "aliases"}
