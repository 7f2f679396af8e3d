"""What is remembered beside the warehouse: whole or the former one, and the same when it is recalled."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import duckdb
import pytest

from persona_warehouse import memory
from persona_warehouse.errors import PersonaError
from persona_warehouse.identity.ledger import create_ledger
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import connect, scratch

DAY = date(2026, 11, 20)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(tmp_path / "home", tmp_path / "sources.yml", DAY, "Asia/Shanghai", 7)
    with connect(settings.warehouse_file) as connection:
        create_ledger(connection)
        connection.execute(f"insert into identity.assigned values ('contact', 'crm|contacts|1', 'c_1', date '{DAY}')")
        connection.execute(
            f"insert into identity.changes values ('x', 'contact', 'new', null, 'c', 'r', date '{DAY}', ['a', 'b'], 2)"
        )
        connection.execute("create table identity.people (identity_key varchar, full_name varchar)")
    return settings


def remember(settings: Settings) -> None:
    with connect(settings.warehouse_file, read_only=True) as connection:
        memory.remember(settings, connection)


def test_what_is_recalled_is_what_was_remembered_with_its_keys(settings: Settings) -> None:
    assert not memory.is_there(settings)
    remember(settings)
    assert memory.is_there(settings)
    with scratch() as connection:
        assert memory.recall(settings, connection) == 5
        assert connection.execute("from identity.assigned").fetchall() == [("contact", "crm|contacts|1", "c_1", DAY)]
        ((records,),) = connection.execute("select records from identity.changes").fetchall()
        assert records == ["a", "b"]
        with pytest.raises(duckdb.ConstraintException):
            connection.execute("insert into identity.assigned values ('contact', 'crm|contacts|1', 'c_2', null)")


def test_it_is_for_the_owner_alone_and_only_the_newest_stays(settings: Settings) -> None:
    remember(settings)
    first = (settings.memory / "current").readlink()
    remember(settings)
    assert [path.name for path in settings.memory.iterdir() if not path.is_symlink()] == [
        (settings.memory / "current").readlink().name
    ]
    assert (settings.memory / "current").readlink() != first
    for path in settings.memory.rglob("*.parquet"):
        assert path.stat().st_mode & 0o077 == 0
        assert path.parent.stat().st_mode & 0o077 == 0


def test_a_damaged_file_is_refused_and_nothing_is_recalled(settings: Settings) -> None:
    remember(settings)
    file = settings.memory / "current" / "identity.changes.parquet"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with scratch() as connection, pytest.raises(PersonaError, match="what was remembered of former nights is damaged"):
        memory.recall(settings, connection)


def test_a_memory_that_was_cut_off_leaves_the_former_one(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    remember(settings)
    before = (settings.memory / "current").readlink()

    def die(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(memory, "replace_link", die)
    with pytest.raises(OSError, match="No space left"):
        remember(settings)
    assert (settings.memory / "current").readlink() == before
    monkeypatch.undo()
    remember(settings)
    assert len([path for path in settings.memory.iterdir() if not path.is_symlink()]) == 1
