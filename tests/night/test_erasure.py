"""A person erased from a small home: everything of theirs, nothing of others', however often it is cut off."""

from __future__ import annotations

import csv
import fcntl
import json
import os
import shutil
import signal
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from persona_warehouse import memory, publish
from persona_warehouse.errors import ConfigError
from persona_warehouse.identity.ledger import create_ledger
from persona_warehouse.keyed_hash import keyed_hash
from persona_warehouse.landing import rewriting, store
from persona_warehouse.landing.store import Manifest
from persona_warehouse.night import warehouse_care as care
from persona_warehouse.night.erasure import find, landing, places, plan, releases, run
from persona_warehouse.night.runs import StepRun
from persona_warehouse.settings import Settings
from persona_warehouse.sources.load import load_stream
from persona_warehouse.warehouse import connect, scratch
from tests.landing.test_erasing import rows_of
from tests.traces import traces

DAY = date(2026, 11, 20)
MAIL, FORMER, PHONE, OPENID, UNIONID = (
    "ann@haihe.example", "annie@old.example", "13800001951", "oVCSl-uOdQAy8xgoyJPwlgq7YzqU", "u6_bd1a2b3c4d5e6f7081",
)  # fmt: skip
NAME, COMPANY, COOKIE = "王小安", "海河科技", "cookie-of-ann"
WORDS = [MAIL, FORMER, PHONE, OPENID, UNIONID, NAME, COOKIE]
FIRST, SECOND = "1795100000.1", "1795190000.1"
AT = datetime(2026, 11, 19, 4, tzinfo=UTC)

WORK = {"company_id": "c9"}
CALL = {"activity_type": "call", "occurred_at": AT}
OTHER_OPENID = "oOTHER-uOdQAy8xgoyJPwlgq7Yzq"
LOADS: list[tuple[str, str, str, list[dict[str, Any]]]] = [
    ("crm", FIRST, "contacts", [
        WORK | {"contact_id": "17", "full_name": NAME, "email": FORMER},
        WORK | {"contact_id": "18", "full_name": "Bob", "email": "bob@haihe.example", "phone": "02166668888"},
    ]),
    ("crm", SECOND, "contacts", [WORK | {"contact_id": "17", "full_name": NAME, "email": "Ann@Haihe.example"}]),
    ("crm", FIRST, "leads", [
        {"lead_id": "90", "full_name": NAME, "phone": "138-0000-1951", "company_name": COMPANY},
        {"lead_id": "91", "full_name": "Cem", "phone": "13900000000"},
    ]),
    ("crm", FIRST, "activities", [
        CALL | {"activity_id": "a", "contact_id": "17", "properties": f'{{"n":"{NAME}"}}'},
        CALL | {"activity_id": "b", "contact_id": "18", "properties": f'{{"cc":"{MAIL}"}}'},
        CALL | {"activity_id": "c", "contact_id": "18", "properties": '{"n":"Bob"}'},
    ]),
    ("website", FIRST, "events", [
        {"event_id": "1", "anonymous_id": COOKIE, "occurred_at": AT, "phone": PHONE},
        {"event_id": "2", "anonymous_id": COOKIE, "occurred_at": AT},
        {"event_id": "3", "anonymous_id": "other", "occurred_at": AT, "page_url": f"https://x.example/?o={OPENID}"},
        {"event_id": "4", "anonymous_id": "other", "occurred_at": AT, "page_url": "https://x.example/"},
    ]),
    ("wechat", FIRST, "followers", [
        {"openid": OPENID, "unionid": UNIONID, "remark": f"{COMPANY}{NAME}"}, {"openid": OTHER_OPENID},
    ]),
    ("wechat", SECOND, "follower_events", [{"openid": OPENID, "created_at": AT, "event": "subscribe"}]),
]  # fmt: skip


def build(settings: Settings, number: int) -> None:
    """Marts as a night would build them, from landing."""
    files = " union all by name ".join(
        f"select * from read_parquet('{settings.landing}/crm/{name}/**/*.parquet', union_by_name = true)"
        for name in ("contacts",)
    )
    with connect(settings.warehouse_file) as connection:
        connection.execute("create schema if not exists marts")
        connection.execute(f"""
        create or replace table marts.contacts as
        select distinct 'c_' || contact_id as contact_id, 'a_1' as account_id, {number} as night from ({files})""")
        connection.execute(f"""
        create or replace table marts.sessions as
        select 's' || i as session_id, v as visitor_key, c as contact_id
        from (values (1, '{keyed_hash(settings, COOKIE)}', 'c_17'), (2, 'someone', null)) as t(i, v, c)
        where c is null or c in (select contact_id from marts.contacts)""")
        connection.execute("""
        create or replace table marts.decision_chains as
        select 'd1' as deal_id, 'user' as role_slot, contact_id, 'interview' as known_by, true as is_recorded,
               0.9::double as confidence from marts.contacts where contact_id = 'c_17'""")
        connection.execute("create or replace table marts.accounts as select 'a_1' as account_id, 2 as contact_count")
    with publish.candidate(settings) as folder:
        publish.write_database(
            settings, folder, {}, {"contacts": {"": "who", "contact_id": "id"}},
            lambda c, source: c.execute("create table quality.checks as select 1 as n"),
        )  # fmt: skip
        publish.write_restricted(settings, folder)
        (folder / "report").mkdir()
        (folder / "report" / "index.html").write_text(f"<p>{number}</p>", encoding="utf-8")
        tables = publish.describe_tables(folder)
        publish.write_files(folder, tables, publish.current_release(settings))
        told = {"release_id": publish.new_release_id(tables), "tables": tables, "business_date": str(DAY)}
        with connect(settings.warehouse_file, read_only=True) as connection:
            memory.remember(settings, connection)
        publish.publish(settings, folder, told)


def rebuild(settings: Settings) -> list[StepRun]:
    """The DAG build_personas of this little home."""
    care.make_ready(settings)
    build(settings, 3)
    return [StepRun(str(DAY), "build_personas", "publish_release", "done", "", 0.0)]


def make_home(tmp_path: Path) -> Settings:
    """Two nights, the traces that a careless tool might leave, and sources that hold the person still."""
    sources = tmp_path / "sources.yml"
    (tmp_path / "leads.csv").write_text(f"id,mail\n90,{MAIL}\n92,x@y.example\n", encoding="utf-8")
    sources.write_text(
        "sources:\n  crm:\n    - connector: files\n      path: .\n      objects:\n        leads: {file: leads.csv,"
        " columns: {lead_id: id, email: mail}}\n    - {connector: hubspot, connection: hub}\n",
        encoding="utf-8",
    )
    settings = Settings(tmp_path / "home", sources, DAY, "Asia/Shanghai", 7)
    store.prepare(settings)
    for stream, load_id, name, rows in LOADS:
        folder = settings.landing / stream / name / "load_date=2026-11-20"
        folder.mkdir(parents=True, exist_ok=True)
        given = [{"source_file": "x.csv", "source_row": n} | row for n, row in enumerate(rows, 1)]
        pq.write_table(rows_of(stream, name, given), folder / f"{load_id}.{name}.parquet")
    for stream, load_id in {(stream, load_id) for stream, load_id, _, _ in LOADS}:
        files = store.describe_files(settings, stream, load_id)
        store.write_manifest(settings, Manifest(load_id, stream, str(DAY), ("", ""), "", files=files))
    _identity(settings)
    build(settings, 1)
    build(settings, 2)
    for place in ("logs/dbt/dbt.log", "audits/2026-11-20/quality/index.html", "airflow/logs/task.log"):
        (settings.home / place).parent.mkdir(parents=True, exist_ok=True)
        (settings.home / place).write_text(f"line\n{MAIL} {PHONE}\n{COMPANY} {NAME}\n", encoding="utf-8")
    with closing(sqlite3.connect(settings.airflow_home / "airflow.db")) as database:
        database.execute("create table xcom (id integer, value text)")
        database.executemany("insert into xcom values (?, ?)", [(1, f"saw {OPENID}"), (2, "saw nobody")])
        database.commit()
    (settings.home / "dlt").mkdir()
    (settings.home / "dlt" / "left.bin").write_bytes(MAIL.encode())
    received = settings.home / "received" / "wechat"
    received.mkdir(parents=True)
    lines = [json.dumps({"openid": one, "event": "CLICK"}) + "\n" for one in (OPENID, OTHER_OPENID)]
    (received / "events-1.jsonl").write_text("".join(lines))
    (settings.home / "identity_overrides.csv").write_text(
        "entity,left_id,right_id,rule,reason,author,since\n"
        f"contact,wechat|followers|{OPENID},crm|contacts|17,must_link,r,me,2026-11-01\n"
        "contact,crm|contacts|18,crm|leads|91,cannot_link,r,me,2026-11-01\n"
    )
    care.damage_on_opening(settings)
    (settings.warehouse_file.parent / "persona.duckdb.damaged-20261101T000000Z").write_text(MAIL)
    return settings


def _identity(settings: Settings) -> None:
    user = f"website|users|||{PHONE}|"
    people = [
        ("crm|contacts|17", "crm", "contacts", "17", "c_17", NAME, MAIL, None, None, None),
        ("crm|leads|90", "crm", "leads", "90", "c_17", NAME, None, f"+86{PHONE}", None, None),
        (f"wechat|followers|{OPENID}", "wechat", "followers", OPENID, "c_17", None, None, None, UNIONID, OPENID),
        (user, "website", "users", PHONE, "c_17", None, None, f"+86{PHONE}", None, None),
        ("crm|contacts|18", "crm", "contacts", "18", "c_18", "Bob", "bob@haihe.example", "+862166668888", None, None),
        ("crm|leads|91", "crm", "leads", "91", "c_91", "Cem", None, "+862166668888", None, None),
    ]
    with connect(settings.warehouse_file) as connection:
        create_ledger(connection)
        connection.execute(
            """create table identity.people (identity_key varchar, source_system varchar, source_object varchar,
               source_id varchar, contact_id varchar, full_name varchar, email varchar, phone varchar, unionid varchar,
               openid varchar)"""
        )
        connection.executemany(f"insert into identity.people values ({', '.join('?' * 10)})", people)
        connection.execute("alter table identity.people add column account_id varchar")
        for key, *_, contact_id in (row[:5] for row in people):
            connection.execute("insert into identity.assigned values ('contact', ?, ?, ?)", [key, contact_id, DAY])
            connection.execute("insert into identity.history values ('contact', ?, ?, ?, null)", [key, contact_id, DAY])
        connection.execute(
            "insert into identity.changes values"
            " ('m', 'contact', 'merge', 'c_90', 'c_17', 'r', ?, ['crm|leads|90'], 1),"
            " ('n', 'account', 'new', null, 'a_1', 'r', ?, ['crm|companies|c9', 'derived|lead_companies|90'], 2)",
            [DAY, DAY],
        )
        connection.execute("insert into identity.aliases values ('contact', 'c_90', 'c_17')")
        connection.execute("create schema intermediate")
        connection.execute(
            f"""create table intermediate.int_wechat__follow_episodes as
                select '{OPENID}' as openid, now() as unfollowed_at union all select '{OTHER_OPENID}', null"""
        )
        connection.execute(f"create table identity.emails as select 'Ann@Haihe.example' as raw, '{MAIL}' as email")
        connection.execute(f"create table identity.phones as select '138-0000-1951' as raw, '+86{PHONE}' as e164")
        connection.execute(f"create table identity.visitors as select '{COOKIE}' as anonymous_id, 'c_17' as contact_id")
        connection.execute(
            f"""create table identity.companies as select 'crm|companies|c9' as identity_key,
                'companies' as source_object, 'c9' as source_id, '{COMPANY}' as company_name"""
        )
        connection.execute(
            f"""create table identity.person_features as
                select 'crm|contacts|17' as node, '{NAME}' as name, '小安' as given, null::varchar as name_key,
                       'w' as family, 'ann' as email_local
                union all select 'crm|contacts|18', 'bob', 'bob', null, 'w', 'bob'"""
        )
        connection.execute(
            f"""create table identity.person_terms as
                select unnest(['name', 'name', 'family', 'given']) as column_name,
                       unnest(['{NAME}', 'bob', 'w', '小安']) as term, 1 as occurrences"""
        )


@pytest.fixture(scope="module", autouse=True)
def own_hubspot() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_HUB", "http://:secret@127.0.0.1:1")
        yield


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home that a test may change."""
    return make_home(tmp_path)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home before an erasure, to look at."""
    return make_home(tmp_path_factory.mktemp("untouched"))


@dataclass(frozen=True)
class Erased:
    """A home after an erasure, to look at, with its proof and how it was before."""

    settings: Settings
    proof: dict[str, Any]
    traces: list[str]
    others: dict[str, list[tuple[Any, ...]]]
    files: dict[str, set[str]]
    releases: list[str]


@pytest.fixture(scope="module")
def erased(tmp_path_factory: pytest.TempPathFactory) -> Erased:
    settings = make_home(tmp_path_factory.mktemp("erased"))
    found, known = traces(settings.home, WORDS), others(settings)
    files = {one.load_id: {file.sha256 for file in one.files} for one in store.manifests(settings, "crm")}
    kept = [one.release_id for one in publish.releases(settings)]
    return Erased(settings, erase(settings), found, known, files, kept)


def erase(settings: Settings) -> dict[str, Any]:
    proof, _ = run.erase(settings, unfinished_or_new(settings), lambda line: None, rebuild)
    return proof


def unfinished_or_new(settings: Settings) -> plan.Plan:
    left = plan.unfinished(settings)
    if left:
        return left[0]
    found = find.find(settings, MAIL)
    assert found is not None
    return found


def others(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """All landed rows in which nothing is of the person, by object."""
    mine = ("17", "90", COOKIE, OPENID)
    found: dict[str, list[tuple[Any, ...]]] = {}
    with scratch() as connection:
        for stream, _, name, _ in LOADS:
            rows = connection.execute(
                f"from read_parquet('{settings.landing}/{stream}/{name}/load_date=*/*.parquet') order by all"
            ).fetchall()
            found[name] = [row for row in rows if not any(str(cell) in mine or _names(cell) for cell in row)]
    return found


def _names(cell: object) -> bool:
    return any(word in str(cell) for word in (*WORDS, "[erased]", "Ann@Haihe.example", "138-0000-1951"))


def check(settings: Settings, before: dict[str, list[tuple[Any, ...]]]) -> None:
    """Nothing of the person anywhere, everything of others as it was."""
    assert traces(settings.home, WORDS) == []
    after = others(settings)
    assert {name: [row for row in after[name] if row not in rows] for name, rows in before.items()} == {
        # what was cut of their reference is others' row still
        name: [] for name in before
    }  # fmt: skip
    assert {name: [row for row in rows if row not in after[name]] for name, rows in before.items()} == {
        name: [] for name in before
    }
    for stream in ("crm", "website", "wechat"):
        assert store.damaged_files(settings, stream) == []
        assert store.sweep(settings, stream) == []
    kept = publish.releases(settings)
    assert len(kept) == 3
    assert all(publish.verify(one) == [] for one in kept)
    current = publish.current_release(settings)
    assert current is not None and current.release_id == kept[-1].release_id


def test_nothing_is_left_of_them_and_all_of_others(erased: Erased) -> None:
    assert len(erased.traces) > 40
    settings, proof = erased.settings, erased.proof
    check(settings, erased.others)
    assert set(proof["left_in_this_home"].values()) == {0}
    assert proof["left_in_sources"] == [
        "crm/files: leads.csv holds 1 rows of theirs", "crm/hubspot: was not asked; delete them in hub too",
    ]  # fmt: skip
    assert proof["done"] == {
        "landing crm.contacts: rows removed": 2, "landing crm.leads: rows removed": 1,
        "landing crm.activities: rows cleared": 2, "landing website.events: rows removed": 2,
        "landing website.events: rows cleared": 1, "landing wechat.followers: rows removed": 1,
        "landing wechat.follower_events: rows removed": 1, "releases rewritten": 2, "releases: rows removed": 14,
        "releases: rows cleared": 2, "received: events removed": 1, "decisions removed": 1,
        "damaged warehouses removed": 1, "audits: files cleared": 1, "logs: files cleared": 1,
        "airflow: files cleared": 2,
    }  # fmt: skip
    assert proof["identifiers"] == {
        "email": 2, "phone": 1, "openid": 1, "unionid": 1, "contact": 1, "lead": 1, "cookie": 1,
    }  # fmt: skip
    assert plan.unfinished(settings) == []


def test_the_proof_and_the_tombstone_hold_hashes_of_files_and_nothing_of_the_person(erased: Erased) -> None:
    settings, proof = erased.settings, erased.proof
    stone = json.loads(rewriting.tombstone(settings, proof["erasure_id"]).read_text())
    assert stone["files"] == proof["files_rewritten"]
    now = {file.sha256: file for load in store.manifests(settings, "crm") for file in load.files}
    for one in (one for one in stone["files"] if one["stream"] == "crm"):
        assert one["sha256_before"] in erased.files[one["load_id"]]
        assert now[one["sha256_after"]].rows == one["rows_after"] <= one["rows_before"]
    assert {load.erasures[-1] for load in store.manifests(settings, "crm")} == {proof["erasure_id"]}


def test_rows_cleared_keep_what_is_not_the_persons(erased: Erased) -> None:
    settings = erased.settings
    with scratch() as connection:
        rows = connection.execute(
            f"""select activity_id, contact_id, properties
                from read_parquet('{settings.landing}/crm/activities/load_date=*/*.parquet') order by 1"""
        ).fetchall()
    assert rows == [("a", None, '{"n":"[erased]"}'), ("b", "18", '{"cc":"[erased]"}'), ("c", "18", '{"n":"Bob"}')]
    received = (settings.home / "received" / "wechat" / "events-1.jsonl").read_text()
    assert [json.loads(line)["openid"] for line in received.splitlines()] == [OTHER_OPENID]
    with (settings.home / "identity_overrides.csv").open() as stream:
        assert [row["left_id"] for row in csv.DictReader(stream)] == ["crm|contacts|18"]
    with closing(sqlite3.connect(settings.airflow_home / "airflow.db")) as database:
        assert database.execute("select value from xcom order by id").fetchall() == [("saw [erased]",), ("saw nobody",)]


def test_kept_releases_lose_the_person_and_keep_their_counts(erased: Erased) -> None:
    settings = erased.settings
    moments = [one.rpartition("-")[0] for one in erased.releases]
    kept = publish.releases(settings)
    assert [one.release_id.rpartition("-")[0] for one in kept[:2]] == moments
    for number, one in enumerate(kept[:2], 1):
        with connect(one.path / publish.DATABASE, read_only=True) as connection:
            assert connection.execute("from marts.contacts").fetchall() == [("c_18", "a_1", number)]
            assert connection.execute("from marts.accounts").fetchall() == [("a_1", 2)]
            assert connection.execute("from marts.sessions").fetchall() == [("s2", "someone", None)]
            assert connection.execute("from marts.decision_chains").fetchall() == [
                ("d1", "user", None, None, None, None)
            ]
            said = connection.execute(
                "select comment from duckdb_columns() where table_name = 'contacts' and column_name = 'contact_id'"
            ).fetchall()
            assert said == [("id",)]
        assert pq.read_table(one.path / "marts" / "contacts.parquet").num_rows == 1
        # who may call people finds all others, and is still alone in reading it
        file = one.path / publish.RESTRICTED
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        with connect(file, read_only=True) as connection:
            ways = connection.execute(
                "select contact_id, kind, value, source_id from restricted.contact_ways"
            ).fetchall()
        assert sorted(ways) == [
            ("c_18", "email", "bob@haihe.example", "18"),
            ("c_18", "name", "Bob", "18"),
            ("c_18", "phone", "+862166668888", "18"),
            ("c_91", "name", "Cem", "91"),
            ("c_91", "phone", "+862166668888", "91"),
        ]
        assert publish.verify(one) == []
        assert one.manifest["erasures"]
    # back and forth among the clean ones
    now = kept[-1].release_id
    assert publish.rollback(settings, None).release_id == kept[1].release_id
    assert publish.rollback(settings, now).release_id == now


def test_the_memory_keeps_others_and_what_they_share(erased: Erased) -> None:
    settings = erased.settings
    with scratch() as connection:
        memory.recall(settings, connection)
        assert connection.execute("select identity_key from identity.people order by 1").fetchall() == [
            ("crm|contacts|18",), ("crm|leads|91",),
        ]  # fmt: skip
        assert connection.execute("select change_id, records from identity.changes").fetchall() == [
            ("n", ["crm|companies|c9"])
        ]
        assert connection.execute("select term from identity.person_terms order by 1").fetchall() == [("bob",), ("w",)]
        assert connection.execute("from identity.aliases").fetchall() == []


@pytest.mark.parametrize(
    "value", [MAIL, FORMER.upper(), "+86 138 0000 1951", OPENID, UNIONID, "17", "90", "c_17", "c_90"]
)
def test_any_of_their_identifiers_finds_all_of_them(untouched: Settings, value: str) -> None:
    found = find.find(untouched, value)
    assert found is not None
    expected = find.find(untouched, MAIL)
    assert expected is not None
    assert (found.people, found.contact_ids, found.nodes) == (expected.people, expected.contact_ids, expected.nodes)


def test_an_unknown_identifier_changes_nothing(untouched: Settings) -> None:
    assert find.find(untouched, "nobody@haihe.example") is None
    assert find.find(untouched, "a_1") is None
    assert not (untouched.secrets / "suppressed").exists()


def test_an_identifier_of_several_people_is_refused_and_one_that_is_shared_stays(untouched: Settings) -> None:
    with pytest.raises(ConfigError, match="several people bear this identifier") as raised:
        find.find(untouched, "021-6666 8888")
    assert raised.value.found == "2 contacts: c_18, c_91"
    found = find.find(untouched, "c_18")
    assert found is not None
    assert (found.shared, found.people.identifiers["phone"]) == (1, frozenset())


@pytest.mark.heavy
def test_a_segment_that_is_being_written_is_left_and_told(settings: Settings) -> None:
    path = settings.home / "received" / "wechat" / "events-1.jsonl"
    with path.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        proof = erase(settings)
        assert proof["left_in_this_home"]["segments that the receiver still writes"] == 1
    assert len(plan.unfinished(settings)) == 1
    assert set(erase(settings)["left_in_this_home"].values()) == {0}
    assert plan.unfinished(settings) == []


def test_the_next_load_does_not_bring_them_back(erased: Erased, tmp_path: Path) -> None:
    shutil.copytree(erased.settings.home, tmp_path / "home", symlinks=True)
    settings = replace(erased.settings, home=tmp_path / "home")
    sources = settings.sources_file.with_name("files.yml")
    sources.write_text(settings.sources_file.read_text().replace("    - {connector: hubspot, connection: hub}\n", ""))
    done = load_stream(replace(settings, sources_file=sources), "crm")
    assert (done.rows, done.suppressed) == (1, 1)
    assert str(done) == "1 rows, 1 suppressed"
    assert store.manifests(settings, "crm")[-1].suppressed == 1
    assert traces(settings.home, WORDS) == []


@pytest.mark.heavy
def test_who_left_the_account_is_known_to_the_crm_and_the_site_only(settings: Settings) -> None:
    gone = find.unfollowed(settings)
    assert gone is not None
    assert gone.people.identifiers == {"openid": {OPENID}, "unionid": {UNIONID}}
    proof, _ = run.erase(settings, gone, lambda line: None, rebuild)
    assert set(proof["left_in_this_home"].values()) == {0}
    assert traces(settings.home, [OPENID, UNIONID]) == []
    left = "\n".join(traces(settings.home, WORDS))
    assert "landing/crm/contacts" in left and "landing/website/events" in left
    assert "landing/wechat" not in left
    assert not (settings.secrets / "suppressed").exists()  # who follows again may be known again


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: Any, name: str) -> Callable[[], None]:
    return lambda: setattr(owner, name, die)


def after(owner: Any, name: str, times: int = 1) -> Callable[[], None]:
    """Killed when a function has done its work for so many times."""

    def patch() -> None:
        own, done = getattr(owner, name), []

        def then(*args: Any, **kwargs: Any) -> Any:
            found = own(*args, **kwargs)
            done.append(1)
            if len(done) == times:
                die()
            return found

        setattr(owner, name, then)

    return patch


STEPS: dict[str, Callable[[], None]] = {
    "before anything is done": after(run, "save"),
    "when they are suppressed": after(run, "suppress"),
    "when a file is written beside the old one": after(rewriting, "_rewrite"),
    "when the tombstone is written": after(rewriting, "_bury"),
    "when a load's manifest is replaced": after(store, "write_manifest"),
    "when the first stream is done": after(rewriting, "fsync_path", times=9),
    "when landing is done": after(landing, "erase"),
    "before the memory is replaced": before(memory, "replace_link"),
    "when the memory is replaced": after(memory, "remember"),
    "when the warehouse is dropped": after(care, "drop"),
    "in the middle of the build": before(publish, "write_database"),
    "when the build is published": after(publish, "publish"),
    "before a release is superseded": before(publish, "supersede"),
    "when the clean release stands beside it": before(publish, "point_current"),
    "when it took the place of the old one": after(publish, "supersede"),
    "when releases are done": after(releases, "erase"),
    "when everything else is done": after(places, "erase"),
    "before the plan is closed": before(run, "close"),
}


@pytest.mark.heavy
@pytest.mark.parametrize("step", STEPS)
def test_cut_off_anywhere_it_comes_to_its_end(settings: Settings, step: str) -> None:
    known = others(settings)
    child = os.fork()
    if child == 0:
        try:
            STEPS[step]()
            erase(settings)
        finally:
            os._exit(1)  # it was to be killed before
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert len(plan.unfinished(settings)) == 1
    current = publish.current_release(settings)
    assert current is not None and publish.verify(current) == []
    proof = erase(settings)
    assert set(proof["left_in_this_home"].values()) == {0}
    assert traces(settings.home, WORDS) == []
    after_it = others(settings)
    assert all(row in after_it[name] for name, rows in known.items() for row in rows)
    assert all(publish.verify(one) == [] for one in publish.releases(settings))
    assert plan.unfinished(settings) == []
