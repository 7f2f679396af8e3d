"""Releases: what readers see while they change, after a kill, and after a rollback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from persona_warehouse import files, publish
from persona_warehouse.errors import ConfigError, PersonaError
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import connect, scratch

# a night as a process of its own: the first argument is the home, the second the number that its tables bear
NIGHT = """
import sys
from datetime import date
from pathlib import Path
import duckdb
from persona_warehouse import files, publish
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import connect

def build(settings, number, rows=3):
    with connect(settings.warehouse_file) as connection:
        connection.execute("create schema if not exists marts")
        for table in ("accounts", "contacts"):
            connection.execute(
                f"create or replace table marts.{table} as select {number} as night, i as place, 'row ' || i as name,"
                f" timestamptz '2026-11-20 08:00:00+00' as seen_at from range({rows}) as numbers(i)"
            )

def add_quality(connection, source):
    connection.execute(f"create table quality.checks as select count(*) as n from {source}.marts.accounts")

def publish_night(settings, number, rows=3):
    build(settings, number, rows)
    with publish.candidate(settings) as folder:
        publish.write_database(settings, folder, {"accounts": "place desc"}, {}, add_quality)
        tables = publish.describe_tables(folder)
        publish.write_files(folder, tables, publish.current_release(settings))
        manifest = {"release_id": publish.new_release_id(tables), "number": number, "tables": tables}
        return publish.publish(settings, folder, manifest)
"""
night: dict[str, Any] = {}
exec(NIGHT, night)  # noqa: S102 - the same words run here and in the processes that are killed
publish_night: Callable[..., publish.Release] = night["publish_night"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "home", tmp_path / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 20)


def process(code: str, settings: Settings, **more: Any) -> subprocess.Popen[str]:
    """A process that has the night's words and `settings`."""
    start = (
        f"settings = Settings(Path({str(settings.home)!r}), Path('none'), date(2026, 11, 20), 'Asia/Shanghai', 20)\n"
    )
    return subprocess.Popen([sys.executable, "-c", NIGHT + start + code], text=True, **more)


def numbers_read(path: Path) -> list[int]:
    """The night that each table of a release says it is of."""
    with connect(path / publish.DATABASE, read_only=True) as connection:
        rows = connection.execute(
            "select night from marts.accounts union all select night from marts.contacts"
        ).fetchall()
    return [row[0] for row in rows]


def leftovers(settings: Settings) -> list[str]:
    return [path.name for path in (*settings.releases.glob(".c*"), *settings.home.glob(".c*"))]


def make_writable(release: publish.Release, name: str) -> Path:
    path = release.path / name
    path.chmod(0o644)
    return path


# --- the candidate


def test_a_candidate_is_removed_on_an_error(settings: Settings) -> None:
    with pytest.raises(ValueError, match="broken"), publish.candidate(settings) as folder:
        (folder / "half").write_text("x")
        raise ValueError("broken")
    assert leftovers(settings) == []
    assert publish.releases(settings) == []
    assert not settings.current.exists()


def test_what_is_left_of_earlier_runs_is_removed(settings: Settings) -> None:
    settings.releases.mkdir(parents=True)
    left = settings.releases / f"{publish.CANDIDATE}1"
    (left / "marts").mkdir(parents=True)
    (left / "marts" / "accounts.parquet").write_text("x")
    (left / "marts" / "accounts.parquet").chmod(0o444)
    (settings.home / f"{publish.POINTER}1").symlink_to("releases/none")
    with publish.candidate(settings) as folder:
        assert [path.name for path in settings.releases.glob(".c*")] == [folder.name]
        assert list(settings.home.glob(".c*")) == []


def test_another_process_that_publishes_keeps_everything_else_out(settings: Settings) -> None:
    first = publish_night(settings, 1)
    publish_night(settings, 2)
    other = process(
        "with publish.candidate(settings):\n    print('inside', flush=True)\n    input()",
        settings,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "inside\n"
    for attempt in (
        lambda: publish.candidate(settings).__enter__(),
        lambda: publish.rollback(settings, first.release_id),
        lambda: publish.prune(settings, 1),
    ):
        with pytest.raises(PersonaError, match="another publication is under way") as caught:
            attempt()
        assert caught.value.remedy is not None
    assert len(list(settings.releases.glob(f"{publish.CANDIDATE}*"))) == 1  # the other's, untouched
    other.communicate("\n", timeout=20)
    assert publish.rollback(settings, None).release_id == first.release_id


def test_a_release_that_cannot_be_pointed_at_is_no_release(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = publish_night(settings, 1)

    def refuse(*_: object) -> None:
        raise OSError("no room")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="no room"):
        patch.setattr(publish, "point_current", refuse)
        publish_night(settings, 2)
    assert [release.release_id for release in publish.releases(settings)] == [before.release_id]
    assert leftovers(settings) == []


def test_a_folder_in_the_place_of_the_pointer_is_refused_before_the_work(settings: Settings) -> None:
    settings.current.mkdir(parents=True)
    with pytest.raises(PersonaError, match="is no link") as caught:
        publish_night(settings, 1)
    assert caught.value.found == "a folder"
    assert publish.releases(settings) == []


def test_a_missing_or_damaged_working_database_is_named(settings: Settings) -> None:
    with publish.candidate(settings) as folder, pytest.raises(PersonaError, match="cannot open persona"):
        publish.write_database(settings, folder, {}, {}, night["add_quality"])
    settings.warehouse_file.parent.mkdir(parents=True, exist_ok=True)
    settings.warehouse_file.write_bytes(b"<html>" * 3000)
    with publish.candidate(settings) as folder, pytest.raises(PersonaError, match="cannot open") as caught:
        publish.write_database(settings, folder, {}, {}, night["add_quality"])
    assert caught.value.file == str(settings.warehouse_file)


# --- the content hash


def hash_of(query: str) -> tuple[int, str]:
    with scratch() as connection:
        connection.execute(f"create table t as {query}")
        return publish.table_hash(connection, "t")


def test_the_hash_does_not_depend_on_the_order_of_rows() -> None:
    rows = "select i, 'name ' || i as name, if(i % 3 = 0, null, i * 1.5) as share from range(5000) as r(i)"
    assert hash_of(rows) == hash_of(f"{rows} order by hash(i)")
    assert hash_of(rows)[0] == 5000


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("select 1 as a", "select 2 as a", id="value"),
        pytest.param("select 1::int as a", "select 1::bigint as a", id="type"),
        pytest.param("select 1 as a", "select 1 as b", id="column name"),
        pytest.param("select 1 as a, 2 as b", "select 2 as b, 1 as a", id="order of columns"),
        pytest.param("select 1 as a", "select 1 as a union all select 1", id="duplicate"),
        pytest.param("select 1 as a where false", "select 1 as a", id="no row"),
        pytest.param("select null::varchar as a", "select '' as a", id="null and empty"),
        pytest.param("select null::varchar as a", "select chr(1) as a", id="null and a control sign"),
        pytest.param("select null::varchar as a", "select 'null' as a", id="null and the word"),
        pytest.param(
            "select 'x' || chr(31) || 'y' as a, 'z' as b", "select 'x' as a, 'y' || chr(31) || 'z' as b", id="x1f"
        ),
        pytest.param("select 'x\",\"y' as a, 'z' as b", "select 'x' as a, 'y\",\"z' as b", id="JSON signs"),
        pytest.param("select null::int as a, 1 as b", "select 1 as a, null::int as b", id="null elsewhere"),
        pytest.param(
            "select * from (values (1, 'x'), (2, 'y')) as t(a, b)",
            "select * from (values (1, 'y'), (2, 'x')) as t(a, b)",
            id="values swapped between rows",
        ),
    ],
)
def test_the_hash_depends_on(one: str, other: str) -> None:
    assert hash_of(one)[1] != hash_of(other)[1]


def test_the_hash_counts_times_in_utc() -> None:
    at = "select timestamptz '2026-11-20 08:00:00+00' as at"
    with scratch() as connection:
        connection.execute(f"create table t as {at}")
        utc = publish.table_hash(connection, "t")
        connection.execute("set timezone = 'UTC'")
        assert publish.table_hash(connection, "t") == utc == hash_of(at.replace("08:00:00+00", "16:00:00+08"))


# --- a release


def test_the_first_release(settings: Settings) -> None:
    release = publish_night(settings, 1)
    assert str(settings.current.readlink()) == f"releases/{release.release_id}"
    assert publish.current_release(settings) == publish.find_release(settings, None) == release
    assert publish.verify(release) == []
    assert not list(release.path.rglob("*.wal"))
    assert str(release) == f"{release.release_id}: 3 tables, 7 rows"
    assert leftovers(settings) == []
    assert sorted(release.manifest["files"]) == ["marts/accounts.parquet", "marts/contacts.parquet", publish.DATABASE]
    modes = {path.stat().st_mode & 0o777 for path in release.path.rglob("*") if path.is_file()}
    assert modes == {0o444}


def test_parquet_files_equal_the_tables(settings: Settings) -> None:
    release = publish_night(settings, 1, rows=500)
    with connect(release.path / publish.DATABASE, read_only=True) as connection:
        for name in ("accounts", "contacts"):
            described = release.manifest["tables"][f"marts.{name}"]
            connection.execute(f"create temp view file as from read_parquet('{release.path}/marts/{name}.parquet')")
            assert publish.table_hash(connection, "file") == (500, described["sha256"])
            connection.execute("drop view file")
            assert publish.table_hash(connection, f"marts.{name}") == (500, described["sha256"])
        assert connection.execute("select place from marts.accounts limit 1").fetchone() == (499,)  # ordered as asked


def test_a_type_that_parquet_does_not_keep_is_refused(settings: Settings) -> None:
    with connect(settings.warehouse_file) as connection:
        connection.execute("create schema marts; create table marts.sums as select 9007199254740993::hugeint as total")
    with publish.candidate(settings) as folder, pytest.raises(PersonaError) as caught:
        publish.write_database(settings, folder, {}, {}, lambda *_: None)
        publish.write_files(folder, publish.describe_tables(folder), None)
    assert (caught.value.object, caught.value.field) == ("sums", "total")
    assert (caught.value.expected, caught.value.found) == ("HUGEINT", "DOUBLE")


def test_what_did_not_change_is_one_file_of_both_releases(settings: Settings) -> None:
    first = publish_night(settings, 1)
    with connect(settings.warehouse_file) as connection:
        connection.execute("update marts.contacts set name = 'changed' where place = 2")
    night["build"], build = (lambda *_: None), night["build"]
    try:
        second = publish_night(settings, 1)
    finally:
        night["build"] = build
    same, other = (
        [one.path / "marts" / f"{table}.parquet" for one in (first, second)] for table in ("accounts", "contacts")
    )
    assert same[0].samefile(same[1])
    assert not other[0].samefile(other[1])
    assert [publish.verify(one) for one in (first, second)] == [[], []]
    # readers of the one keep what the other loses
    publish.prune(settings, 1)
    assert publish.verify(second) == []


def test_a_file_that_is_not_as_it_was_published_is_not_taken_over(settings: Settings) -> None:
    first = publish_night(settings, 1)
    file = first.path / "marts" / "accounts.parquet"
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    second = publish_night(settings, 1)
    assert not file.samefile(second.path / "marts" / "accounts.parquet")
    assert publish.verify(second) == []


def test_views_of_the_working_database_are_published_as_tables(settings: Settings) -> None:
    with connect(settings.warehouse_file) as connection:
        connection.execute("create schema marts; create view marts.seen as select 7 as n")
    with publish.candidate(settings) as folder:
        publish.write_database(settings, folder, {}, {}, lambda *_: None)
        assert publish.describe_tables(folder)["marts.seen"]["rows"] == 1


def test_comments_and_odd_names_reach_the_release(settings: Settings) -> None:
    with connect(settings.warehouse_file) as connection:
        connection.execute("""create schema marts; create table marts."odd ""name" as select 1 as "a b" """)
    with publish.candidate(settings) as folder:
        comments = {'odd "name': {"": "It's a table.", "a b": "One's column."}}
        publish.write_database(settings, folder, {}, comments, lambda *_: None)
        assert publish.describe_tables(folder)['marts.odd "name']["rows"] == 1
        with connect(folder / publish.DATABASE, read_only=True) as connection:
            said = connection.execute(
                "select comment from duckdb_tables() union all select comment from duckdb_columns() where comment <> ''"
            ).fetchall()
    assert said == [("It's a table.",), ("One's column.",)]


def test_release_ids_sort_within_a_second_and_tell_the_content(settings: Settings) -> None:
    made = [publish_night(settings, number) for number in (1, 1, 2)]
    ids = [release.release_id for release in made]
    assert ids == sorted(ids)
    assert [release.release_id for release in publish.releases(settings)] == ids
    ends = [one.rpartition("-")[2] for one in ids]
    assert ends[0] == ends[1] != ends[2]
    tables = {"marts.a": {"sha256": "1", "is_of_the_run": False}, "quality.pipeline_runs": {"sha256": "2"}}
    tables["quality.pipeline_runs"]["is_of_the_run"] = True
    quick = []
    for run in range(5):
        tables["quality.pipeline_runs"]["sha256"] = str(run)  # what tells of the run does not count
        quick.append(publish.new_release_id(tables))
        time.sleep(0.001)
    assert quick == sorted(set(quick))
    assert len({one.rpartition("-")[2] for one in quick}) == 1


def test_content_folder_and_pointer_reach_the_disk_in_this_order(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[tuple[str, str]] = []
    synced, renamed, placed, removed = publish.fsync_path, Path.rename, Path.replace, publish.remove

    def note(kind: str, path: Path) -> None:
        known = path.is_relative_to(settings.home)
        events.append((kind, str(path.relative_to(settings.home)) if known else str(path)))

    def sync(path: Path) -> None:
        note("sync", path)
        synced(path)

    def rename(path: Path, target: Path) -> Path:
        note("rename", Path(target))
        return renamed(path, target)

    def put(path: Path, target: Path) -> Path:
        note("replace", Path(target))
        return placed(path, target)

    def remove(path: Path) -> None:
        note("remove", path)
        removed(path)

    old = publish_night(settings, 0)
    for name, patched in (("rename", rename), ("replace", put)):
        monkeypatch.setattr(Path, name, patched)
    monkeypatch.setattr(publish, "fsync_path", sync)
    monkeypatch.setattr(files, "fsync_path", sync)
    monkeypatch.setattr(publish, "remove", remove)
    release = publish_night(replace(settings, keep_releases=1), 1)

    place = {event: number for number, event in enumerate(events)}
    named = place["rename", f"releases/{release.release_id}"]
    folder = f"releases/{publish.CANDIDATE}{os.getpid()}"
    content = {event[1] for event in events[:named] if event[0] == "sync"}
    assert content >= {f"{folder}/{name}" for name in (*release.manifest["files"], "marts", publish.MANIFEST)} | {
        folder
    }
    pointed = place["replace", "current"]
    assert ("sync", "releases") in events[named:pointed]
    gone = f"releases/{publish.CANDIDATE}removed-{old.release_id}"
    hidden, emptied = place["rename", gone], place["remove", gone]
    assert ("sync", ".") in events[pointed:hidden]  # old releases go only when the new pointer will last
    assert ("sync", "releases") in events[hidden:emptied]


# --- verify, find, roll back, prune


def test_verify_finds_what_changed(settings: Settings) -> None:
    release = publish_night(settings, 1)
    file = make_writable(release, "marts/accounts.parquet")
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    (release.path / f"{publish.DATABASE}.wal").write_text("x")
    (release.path / "marts" / "contacts.parquet").unlink()
    assert publish.verify(release) == [
        "marts/accounts.parquet: changed since it was published",
        "marts/contacts.parquet: missing",
        f"{publish.DATABASE}.wal: was not published",
    ]


def test_verify_finds_a_manifest_of_another_release(settings: Settings) -> None:
    first, second = publish_night(settings, 1), publish_night(settings, 2)
    manifest = {**second.manifest, "release_id": first.release_id}
    make_writable(second, publish.MANIFEST).write_text(json.dumps(manifest))
    assert publish.verify(publish.read_release(second.path)) == ["manifest.json: is of another release"]


def test_find_release(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="nothing has been published yet"):
        publish.find_release(settings, None)
    with pytest.raises(ConfigError, match="no such release") as caught:
        publish.find_release(settings, "2026")
    assert caught.value.expected == "one of: none is published"
    first, second = publish_night(settings, 1), publish_night(settings, 2)
    assert publish.find_release(settings, first.release_id[:-3]).release_id == first.release_id
    with pytest.raises(ConfigError, match="several releases begin so") as caught:
        publish.find_release(settings, "2")
    assert second.release_id in str(caught.value.expected)


def test_rollback_to_the_one_before_by_beginning_and_forward_again(settings: Settings) -> None:
    first, second, third = (publish_night(settings, number) for number in (1, 2, 3))
    assert publish.rollback(settings, None).release_id == second.release_id
    assert set(numbers_read(settings.current)) == {2}
    assert publish.rollback(settings, None).release_id == first.release_id
    with pytest.raises(ConfigError, match="no release before the current one"):
        publish.rollback(settings, None)
    assert publish.rollback(settings, third.release_id[:-4]).release_id == third.release_id
    assert set(numbers_read(settings.current)) == {3}
    assert str(settings.current.readlink()) == f"releases/{third.release_id}"
    publish.rollback(settings, first.release_id)
    fourth = publish_night(settings, 4)  # the night after a rollback publishes as ever
    assert publish.current_release(settings) == fourth
    assert len(publish.releases(settings)) == 4


def test_rollback_with_nothing_published(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="nothing has been published yet"):
        publish.rollback(settings, None)
    assert not settings.home.exists()


def test_rollback_refuses_a_damaged_release(settings: Settings) -> None:
    first, second = publish_night(settings, 1), publish_night(settings, 2)
    make_writable(first, publish.DATABASE).write_bytes(b"")
    with pytest.raises(PersonaError, match="not as it was published") as caught:
        publish.rollback(settings, None)
    assert publish.DATABASE in str(caught.value.found)
    assert publish.current_release(settings) == second


@pytest.mark.parametrize("damage", ["manifest cut", "manifest gone", "folder gone"])
def test_a_damaged_current_release_can_be_left(settings: Settings, damage: str) -> None:
    first, second = publish_night(settings, 1), publish_night(settings, 2)
    manifest = make_writable(second, publish.MANIFEST)
    if damage == "manifest cut":
        manifest.write_text(manifest.read_text()[:100])
    elif damage == "manifest gone":
        manifest.unlink()
    else:
        publish.remove(second.path)
    assert publish.current_release(settings) is None
    assert [release.release_id for release in publish.releases(settings)] == [first.release_id]
    with pytest.raises(PersonaError, match="has no manifest that can be read") as caught:
        publish.find_release(settings, None)
    assert caught.value.remedy is not None
    assert publish.rollback(settings, None).release_id == first.release_id
    publish_night(settings, 3)
    assert set(numbers_read(settings.current)) == {3}


def test_prune_keeps_the_newest_and_the_current(settings: Settings) -> None:
    ids = [publish_night(settings, number).release_id for number in range(5)]
    publish.rollback(settings, ids[1])
    assert publish.prune(settings, 2) == [ids[0], ids[2]]
    assert [release.release_id for release in publish.releases(settings)] == [ids[1], ids[3], ids[4]]
    assert publish.prune(settings, 2) == []
    assert leftovers(settings) == []
    assert publish.verify(publish.find_release(settings, None)) == []
    for keep in (0, -1):
        with pytest.raises(ConfigError, match="at least one release"):
            publish.prune(settings, keep)


def test_publishing_keeps_as_many_as_the_settings_say(settings: Settings) -> None:
    settings = replace(settings, keep_releases=2)
    ids = [publish_night(settings, number).release_id for number in range(4)]
    assert [release.release_id for release in publish.releases(settings)] == ids[2:]


# --- readers

READER = """
import json, sys, time
from pathlib import Path
import duckdb
home, out = Path(sys.argv[1]), Path(sys.argv[2])
path, seen, mixed, errors = home / "current" / "persona_marts.duckdb", [], [], []
print("ready", flush=True)
last = False
while not last:
    last = (home / "stop").exists()
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            first = connection.execute("select min(night), max(night), count(*) from marts.accounts").fetchone()
            time.sleep(0.002)
            second = connection.execute("select min(night), max(night), count(*) from marts.contacts").fetchone()
        seen.append(first[0])
        if first != second or first[0] != first[1]:
            mixed.append([first, second])
    except Exception as error:
        errors.append(repr(error))
out.write_text(json.dumps({"seen": seen, "mixed": mixed, "errors": errors}))
"""


def test_a_reader_never_sees_an_error_or_a_mixture(settings: Settings, tmp_path: Path) -> None:
    first = publish_night(settings, 0, rows=2000)
    early = duckdb.connect(str(settings.current / publish.DATABASE), read_only=True)
    out = tmp_path / "seen.json"
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(settings.home), str(out)], stdout=subprocess.PIPE, text=True
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == "ready\n"
    for number in range(1, 11):
        publish_night(settings, number, rows=2000 + number)
        time.sleep(0.02)
        if number % 3 == 0:
            publish.rollback(settings, None if number != 6 else first.release_id)
            time.sleep(0.02)
    (settings.home / "stop").touch()
    reader.communicate(timeout=20)
    found = json.loads(out.read_text())
    assert found["errors"] == []
    assert found["mixed"] == []
    assert len(set(found["seen"])) >= 5
    assert found["seen"][-1] == 10
    # what was open stays on its release, even when that is removed; what opens now, in this process too, sees the new
    publish.prune(settings, 1)
    assert early.execute("select distinct night from marts.accounts").fetchall() == [(0,)]
    assert early.execute("select count(*) from marts.contacts").fetchall() == [(2000,)]
    assert set(numbers_read(settings.current)) == {10}
    early.close()


# --- a kill at every point

KILLS = {
    "while the database is written": "publish._compare_types = die",
    "after the database": "publish.describe_tables = die",
    "before the files": "publish.write_files = die",
    "before the manifest": "publish.write_json = die",
    "while files are forced to the disk": "publish.fsync_path = die",
    "before the rename": "Path.rename = die",
    "between rename and pointer": "publish.point_current = die",
    "with the new pointer beside the old": "Path.replace = die_at_pointer",
    "after the pointer": "publish._prune = die",
    "while an old release is removed": "publish.remove = die",
}


# forks a process for every moment, which is faster than starting one
KILLING = """
import os, signal
import pandas  # the engine's client imports it sooner or later, here once for all
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
replace = Path.replace
def die_at_pointer(path, target):
    return die() if path.name.startswith(publish.POINTER) else replace(path, target)
for number, moment in enumerate(KILLS):
    child = os.fork()
    if child == 0:
        home = settings.home / str(number)
        publish_night(Settings(home, Path("none"), date(2026, 11, 20), "Asia/Shanghai", 20), 1)
        exec(moment)
        publish_night(Settings(home, Path("none"), date(2026, 11, 20), "Asia/Shanghai", 1), 2)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Settings]:
    """Homes with one release, whose second publication was killed at the moment."""
    root = Settings(tmp_path_factory.mktemp("killed"), Path("none"), date(2026, 11, 20), "Asia/Shanghai", 20)
    other = process(f"KILLS = {list(KILLS.values())!r}\n{KILLING}", root, stdout=subprocess.PIPE)
    codes, _ = other.communicate(timeout=60)
    assert codes.split() == [str(-signal.SIGKILL)] * len(KILLS)
    return {moment: replace(root, home=root.home / str(number)) for number, moment in enumerate(KILLS)}


@pytest.mark.parametrize("moment", KILLS)
def test_after_a_kill_current_is_whole_and_the_next_night_heals(killed: dict[str, Settings], moment: str) -> None:
    settings = killed[moment]
    assert publish.verify(publish.find_release(settings, None)) == []
    expected = 2 if moment in ("after the pointer", "while an old release is removed") else 1
    assert set(numbers_read(settings.current)) == {expected}
    assert all(publish.verify(release) == [] for release in publish.releases(settings))

    healed = publish_night(settings, 3)
    assert publish.current_release(settings) == healed
    assert set(numbers_read(settings.current)) == {3}
    assert leftovers(settings) == []
    assert all(publish.verify(release) == [] for release in publish.releases(settings))


@pytest.mark.heavy
def test_ten_readers_at_fifty_queries_a_second_across_twenty_publications_and_five_rollbacks(
    settings: Settings,
) -> None:
    """Fifty queries a second: no error, no mixture; it prints how long they take, beside a file that nobody changes."""
    publish_night(settings, 0, rows=20_000)
    quiet = settings.home / "quiet"
    shutil.copytree(settings.current.resolve(), quiet)

    def read(folder: Path, until: Callable[[], bool], took: list[float], wrong: list[str], rest: float) -> None:
        due = time.monotonic()
        while not until():
            begun = time.monotonic()
            try:
                numbers = set(numbers_read(folder))
                if len(numbers) != 1:
                    wrong.append(f"a mixture of {sorted(numbers)}")
            except Exception as error:
                wrong.append(f"{type(error).__name__}: {error}")
            took.append(time.monotonic() - begun)
            due = max(due + rest, time.monotonic())
            time.sleep(due - time.monotonic() if due > time.monotonic() else 0)

    def readers(folder: Path, body: Callable[[], None]) -> list[float]:
        took: list[float] = []
        wrong: list[str] = []
        done = threading.Event()
        # ten readers that begin five queries a second each
        threads = [threading.Thread(target=read, args=(folder, done.is_set, took, wrong, 0.2)) for _ in range(10)]
        for thread in threads:
            thread.start()
        try:
            body()
        finally:
            done.set()
            for thread in threads:
                thread.join()
        assert wrong == []
        return sorted(took)

    def busy() -> None:
        for number in range(1, 21):
            publish_night(settings, number, rows=20_000)
            if number % 4 == 0:
                publish.rollback(settings, None)
            time.sleep(0.2)

    meanwhile = readers(settings.current, busy)
    alone = readers(quiet, lambda: time.sleep(10))
    assert len(publish.releases(settings)) == 20
    assert min(len(meanwhile), len(alone)) > 100

    def p99(took: list[float]) -> float:
        return 1000 * took[int(0.99 * (len(took) - 1))]

    for told, took in (("meanwhile", meanwhile), ("alone", alone)):
        print(f"\n{told}: {len(took)} queries, p99 {p99(took):.0f} ms")
