"""The sql connector against a real PostgreSQL, and the SQL that it composes for MySQL."""

from __future__ import annotations

import json
import traceback
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from persona_warehouse.connections import Connection
from persona_warehouse.errors import ConfigError, PersonaError, SourceFault
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import contract, landing_schema
from persona_warehouse.landing.extract import Window
from persona_warehouse.landing.mapping import Mapping
from persona_warehouse.settings import Settings
from persona_warehouse.sources import load as loading
from persona_warehouse.sources.load import LoadResult, load_stream
from persona_warehouse.sources.sql import extract
from persona_warehouse.sources.sql.database import MySQL, Target, conninfo
from persona_warehouse.sources.sql.statement import (
    Catalogue,
    Join,
    ObjectSpec,
    Statements,
    catalogue_query,
    why_no_expression,
)
from tests.standins.espocrm import PASSWORD, EspoCrm

COMPANIES_ALONE = dict.fromkeys(("contacts", "leads", "deals", "deal_contacts"), False)
START = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_NIGHT, SECOND_NIGHT, THIRD_NIGHT = date(2026, 11, 18), date(2026, 11, 19), date(2026, 11, 20)

# business days end at 16:00 UTC
ROWS = """
insert into account (id, name, website, industry, billing_address_city, created_at, modified_at, c_headcount) values
    ('a1', '上海星河智能科技有限公司', 'xinghe.example', 'Technology', '上海', '2026-01-05 02:00', '2026-11-10 08:00',
     120.50),
    ('a2', 'Bluewater Ltd', null, null, null, '2026-02-01 02:00', '2026-11-18 15:30', null);
insert into contact (id, first_name, last_name, account_id, c_wechat_remark, created_at, modified_at) values
    ('c1', '三', '张', 'a1', '张三-星河-采购', '2026-01-06 02:00', '2026-11-11 08:00'),
    ('c2', 'Ann', 'Lee', 'a2', null, '2026-02-02 02:00', '2026-11-12 08:00');
insert into account_contact values ('a1', 'c1', '采购总监', false), ('a1', 'c1', 'old role', true);
insert into email_address values ('e1', 'zhang@xinghe.example'), ('e2', 'second@xinghe.example');
insert into entity_email_address values
    ('c1', 'e1', 'Contact', true, false), ('c1', 'e2', 'Contact', false, false), ('c1', 'e2', 'Lead', true, false);
insert into phone_number values ('p1', '+8613800000000');
insert into entity_phone_number values ('c1', 'p1', 'Contact', true, false);
insert into lead (id, first_name, last_name, title, status, source, account_name, created_at, modified_at) values
    ('l1', 'Bo', 'Wu', 'CEO', 'New', 'Web Site', 'Star', '2026-03-01 00:00', '2026-11-01 00:00');
insert into opportunity (id, name, amount, amount_currency, stage, probability, close_date, account_id, modified_at)
    values ('o1', 'Pilot', 350000.5, 'CNY', 'Closed Won', 100, '2026-10-01', 'a1', '2026-10-01 00:00');
insert into contact_opportunity (opportunity_id, contact_id, role, deleted) values
    ('o1', 'c1', 'Decision Maker', false), ('o1', 'c2', null, true);
"""


@pytest.fixture(scope="module")
def server() -> Iterator[EspoCrm]:
    """A PostgreSQL with the rows above, in a database to copy and in one that stays as it is."""
    with EspoCrm.running() as crm:
        crm.create("espocrm", ROWS)
        crm.create("unchanged", ROWS)
        yield crm


@dataclass
class Crm:
    """A database with the schema of EspoCRM, and a home that it is loaded into."""

    server: EspoCrm
    name: str
    home: Path
    config: dict[str, Any]

    def sql(self, text: str) -> None:
        self.server.sql(self.name, text)

    def connection(self, **changed: Any) -> str:
        return self.server.connection_json(self.name, **changed)

    def settings(self, night: date = FIRST_NIGHT) -> Settings:
        return Settings(self.home, self.home / "sources.yml", night, "Asia/Shanghai", 7)

    def load(self, night: date = FIRST_NIGHT, *, whole: bool = False, **options: Any) -> LoadResult:
        """One night; of companies alone unless `whole`."""
        self.home.mkdir(exist_ok=True)
        objects = {**({} if whole else COMPANIES_ALONE), **options.pop("objects", {})}
        entry = {**self.config, "objects": objects, **options}
        (self.home / "sources.yml").write_text(yaml.safe_dump({"sources": {"crm": [entry]}}, allow_unicode=True))
        return load_stream(self.settings(night), "crm")

    def landed(self, name: str) -> list[dict[str, Any]]:
        """All landed rows of an object, load by load."""
        rows: list[dict[str, Any]] = []
        for load in store.manifests(self.settings(), "crm"):
            for file in load.files:
                if file.object == name:
                    rows += pq.read_table(self.home / "landing" / "crm" / file.path).to_pylist()
        return rows

    def latest(self, name: str) -> dict[str, dict[str, Any]]:
        """As staging sees it: the newest version of each key, of equal ones the one of the last load."""
        found: dict[str, dict[str, Any]] = {}
        for row in self.landed(name):
            key = str(row[contract("crm", name).key[0]])
            if key not in found or (row["updated_at"] or START) >= (found[key]["updated_at"] or START):
                found[key] = row
        return found


@pytest.fixture
def crm(server: EspoCrm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Crm:
    """A database to change."""
    name = f"crm_{uuid.uuid4().hex}"
    server.copy("espocrm", name)
    return made(server, name, tmp_path, monkeypatch)


@pytest.fixture
def unchanged(server: EspoCrm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Crm:
    """A database that is only read."""
    return made(server, "unchanged", tmp_path, monkeypatch)


def made(server: EspoCrm, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Crm:
    config = {"connector": "sql", "connection": "crm_db", "mapping": "espocrm"}
    found = Crm(server, name, tmp_path / "home", config)
    monkeypatch.setenv("AIRFLOW_CONN_CRM_DB", found.connection())
    return found


def failure_of(run: Callable[[], Any], kind: type[PersonaError]) -> PersonaError:
    """The error that a run ends with; the password stands nowhere in it."""
    with pytest.raises(kind) as caught:
        run()
    assert PASSWORD not in "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    return caught.value


def test_a_first_load_brings_everything(unchanged: Crm) -> None:
    result = unchanged.load(whole=True)
    assert (result.status, result.rows, result.rows_in_error) == ("loaded", 7, 0)
    one, two = unchanged.landed("companies")
    assert (one["company_id"], one["name"], one["city"]) == ("a1", "上海星河智能科技有限公司", "上海")
    assert one["created_at"] == datetime(2026, 1, 5, 2, tzinfo=UTC)
    assert one["updated_at"] == datetime(2026, 11, 10, 8, tzinfo=UTC)
    assert (one["is_deleted"], one["source_file"], one["source_row"]) == (False, "crm_db.account", 1)
    # a custom field, every digit of it; what is empty is left out
    assert json.loads(one["properties"]) == {"c_headcount": "120.50"}
    assert two["properties"] is None
    person = unchanged.landed("contacts")[0]
    assert (person["full_name"], person["email"], person["phone"], person["job_title"]) == (
        "张 三", "zhang@xinghe.example", "+8613800000000", "采购总监",
    )  # fmt: skip
    deal = unchanged.landed("deals")[0]
    assert (float(deal["amount"]), deal["currency"], deal["closed_at"]) == (
        350000.5, "CNY", datetime(2026, 10, 1, tzinfo=UTC),
    )  # fmt: skip
    assert [(row["contact_id"], row["role"]) for row in unchanged.landed("deal_contacts")] == [("c1", "Decision Maker")]
    assert unchanged.landed("leads")[0]["lead_status"] == "New"
    cursors = store.manifests(unchanged.settings(), "crm")[-1].cursors
    assert cursors["sql/companies"]["updated_at"] == "2026-11-18T15:30:00+00:00"
    assert cursors["sql/deal_contacts"]["updated_at"] is None


def test_later_loads_bring_what_changed_and_an_overlap(crm: Crm) -> None:
    crm.load()
    crm.sql("""
        insert into account (id, name, modified_at) values
            ('a3', 'new', '2026-11-19 03:00'), ('a4', 'late', '2026-11-18 14:45'),
            ('a5', 'too late', '2026-11-18 14:00'), ('a6', 'tomorrow', '2026-11-19 16:00'), ('a7', 'timeless', null);
        update account set name = 'corrected', modified_at = '2026-11-19 04:00' where id = 'a1'""")
    before = len(crm.landed("companies"))
    crm.load(SECOND_NIGHT)
    came = [row["company_id"] for row in crm.landed("companies")[before:]]
    assert sorted(came) == ["a1", "a2", "a3", "a4", "a7"]
    assert crm.latest("companies")["a1"]["name"] == "corrected"
    names = {key: row["name"] for key, row in crm.latest("companies").items()}
    crm.load(SECOND_NIGHT)
    assert {key: row["name"] for key, row in crm.latest("companies").items()} == names
    # a backfill of the first night brings what was too late for it, and does not set the reading back
    crm.load(FIRST_NIGHT)
    assert {key: row["name"] for key, row in crm.latest("companies").items()} == {**names, "a5": "too late"}
    last = store.last_cursor(crm.settings(), "crm", "sql/companies")
    assert last and last["updated_at"] == "2026-11-19T04:00:00+00:00"
    crm.load(THIRD_NIGHT)
    assert "a6" in crm.latest("companies")


def test_a_clock_ahead_hides_nothing(crm: Crm) -> None:
    crm.sql("update account set modified_at = '2099-01-01' where id = 'a1'")
    crm.load()
    crm.sql("insert into account (id, name, modified_at) values ('a3', 'new', '2026-11-19 03:00')")
    crm.load(SECOND_NIGHT)
    assert "a3" in crm.latest("companies")


def test_force_reads_the_whole_table_whatever_was_read_before(crm: Crm) -> None:
    crm.load()
    crm.load(SECOND_NIGHT)
    before = len(crm.landed("companies"))
    load_stream(crm.settings(SECOND_NIGHT), "crm", force=True)
    assert [row["company_id"] for row in crm.landed("companies")[before:]] == ["a1", "a2"]
    last = store.last_cursor(crm.settings(), "crm", "sql/companies")
    assert last and last["updated_at"] == "2026-11-18T15:30:00+00:00"


def test_changed_settings_read_everything_again(crm: Crm) -> None:
    crm.load()
    crm.load(SECOND_NIGHT, objects={"companies": {"columns": {"employee_count": "c_headcount"}}})
    rows = crm.landed("companies")
    assert len(rows) == 4
    # 120.50 people: a whole number was expected
    bad = next(row for row in rows if row["row_errors"])
    assert json.loads(bad["row_errors"])[0]["rule"] == "not_integer"
    assert json.loads(bad["raw_row"])["c_headcount"] == "120.50"


def test_deleted_rows_are_told_by_their_flag(crm: Crm) -> None:
    crm.load()
    crm.sql("update account set deleted = true, modified_at = '2026-11-19 05:00' where id = 'a2'")
    crm.load(SECOND_NIGHT)
    assert {key: row["is_deleted"] for key, row in crm.latest("companies").items()} == {"a1": False, "a2": True}


def test_vanished_rows_are_told_by_their_keys(crm: Crm) -> None:
    crm.load(deletions="compare")
    crm.sql("delete from account where id = 'a2'")
    crm.load(SECOND_NIGHT, deletions="compare")
    gone = crm.latest("companies")["a2"]
    assert (gone["is_deleted"], gone["name"], gone["website"]) == (True, "Bluewater Ltd", None)
    assert gone["updated_at"] == datetime(2026, 11, 18, 15, 30, tzinfo=UTC)
    assert not crm.latest("companies")["a1"]["is_deleted"]
    # told once, not every night
    before = len(crm.landed("companies"))
    crm.load(THIRD_NIGHT, deletions="compare")
    assert [row["company_id"] for row in crm.landed("companies")[before:]] == []


def test_a_table_that_is_suddenly_empty_is_not_believed(crm: Crm) -> None:
    crm.sql(
        "insert into account (id, name, modified_at) select 'x' || g, 'n', '2026-11-01' from generate_series(1, 30) g"
    )
    crm.load(deletions="compare")
    crm.sql("delete from account")
    error = failure_of(lambda: crm.load(SECOND_NIGHT, deletions="compare"), SourceFault)
    assert (error.object, error.found) == ("companies", "32 gone")
    assert len(store.manifests(crm.settings(), "crm")) == 1


def test_a_column_that_vanished_is_told_with_its_nearest_names(crm: Crm) -> None:
    crm.sql("alter table account rename column industry to industry_name")
    error = failure_of(lambda: crm.load(SECOND_NIGHT), ConfigError)
    assert (error.object, error.field) == ("companies", "industry")
    assert "(nearest: industry_name" in str(error.found)
    error = failure_of(lambda: crm.load(objects={"companies": {"table": "acount"}}), ConfigError)
    assert "(nearest: account" in str(error.found)


def test_names_are_looked_up_and_never_run(crm: Crm) -> None:
    evil = 'id" from account; drop table lead; --'
    error = failure_of(lambda: crm.load(objects={"companies": {"columns": {"city": evil}}}), ConfigError)
    assert error.field == evil
    crm.sql('alter table account add column "odd "" name" text default \'kept\'')
    crm.load(objects={"companies": {"columns": {"city": 'odd " name'}}})
    assert {row["city"] for row in crm.landed("companies")} == {"kept"}


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"objects": {"companies": {"where": "true; drop table lead"}}}, "where"),
        ({"objects": {"companies": {"where": "true) or (true"}}}, "where"),
        ({"objects": {"companies": {"where": "true) or true"}}}, "where"),
        ({"objects": {"companies": {"where": "true -- x"}}}, "where"),
        ({"objects": {"companies": {"where": "nmae = 'x'"}}}, None),
        ({"objects": {"companies": {"tabel": "account"}}}, "tabel"),
        ({"objects": {"companies": {"updated_at": "name"}}}, "name"),
        ({"objects": {"companies": {"deleted": {"column": "deleted", "value": "maybe"}}}}, "deleted"),
        ({"objects": {"companies": {"columns": {"company_id": None}}}}, "company_id"),
        ({"objects": {"deal_contacts": {"deletions": "compare"}}}, "deletions"),
        ({"objects": {"companies": {"joins": {"x": {"table": "lead"}}}}}, "joins.x"),
        ({"mapping": "espo"}, "mapping"),
        ({"dialect": "oracle"}, "dialect"),
        ({"overlap_minutes": "an hour"}, "overlap_minutes"),
    ],
    ids=str,
)
def test_wrong_settings_are_told(unchanged: Crm, said: dict[str, Any], field: str | None) -> None:
    assert failure_of(lambda: unchanged.load(**said), ConfigError).field == field


def test_an_expression_stays_in_its_brackets() -> None:
    assert why_no_expression("a = 'x' and (b > 1 or c like '%(%')", "postgresql") is None
    assert why_no_expression("true) or (true", "postgresql") == "brackets that do not match"
    for text in ("", "a = 'x", "(a", "a # b", "a /* b", "a; b", 'a = "b'):
        assert why_no_expression(text, "mysql"), text


def test_where_chooses_rows(unchanged: Crm) -> None:
    unchanged.load(objects={"companies": {"where": "t.name like '%Ltd'"}})
    assert [row["company_id"] for row in unchanged.landed("companies")] == ["a2"]


def test_the_database_refuses(crm: Crm, monkeypatch: pytest.MonkeyPatch) -> None:
    for changed, words in (
        ({"password": "wrong"}, "authentication failed"),
        ({"schema": "nowhere"}, "does not exist"),
    ):
        monkeypatch.setenv("AIRFLOW_CONN_CRM_DB", crm.connection(**changed))
        assert words in str(failure_of(crm.load, ConfigError).found)
    monkeypatch.setenv("AIRFLOW_CONN_CRM_DB", crm.connection(host=str(crm.home)))
    assert failure_of(crm.load, SourceFault).source == "crm/sql"
    monkeypatch.setenv("AIRFLOW_CONN_CRM_DB", crm.connection())
    crm.sql("revoke select on lead from reader")
    assert failure_of(lambda: crm.load(whole=True), ConfigError).field == "lead"


def test_a_server_that_dies_while_reading(crm: Crm) -> None:
    crm.sql("insert into account (id, name) select 'x' || g, repeat('n', 200) from generate_series(1, 150000) g")
    entry = {**crm.config, "objects": COMPANIES_ALONE}
    night = Window(datetime(2026, 11, 17, 16, tzinfo=UTC), datetime(2026, 11, 18, 16, tzinfo=UTC))
    store.prepare(crm.settings())
    (only,) = extract(entry, "crm", crm.settings(), night)
    batches = iter(only.batches())
    assert next(batches).schema == landing_schema("crm", "companies")
    crm.sql("select pg_terminate_backend(pid) from pg_stat_activity where query like 'COPY%'")
    failure_of(lambda: list(batches), SourceFault)
    assert only.cursor and only.cursor() == {}


def test_after_a_load_that_was_cut_the_same_lands(crm: Crm, monkeypatch: pytest.MonkeyPatch) -> None:
    crm.sql("insert into account (id, name) select 'x' || g, repeat('n', 200) from generate_series(1, 150000) g")
    rows_of = loading._rows

    def cut(*args: Any) -> Iterator[Any]:
        for table in rows_of(*args):
            yield table
            if table.num_rows:
                crm.sql("select pg_terminate_backend(pid) from pg_stat_activity where query like 'COPY%'")

    with monkeypatch.context() as patch:
        patch.setattr(loading, "_rows", cut)
        failure_of(crm.load, SourceFault)
    assert store.manifests(crm.settings(), "crm") == []
    assert crm.load().rows == 150_002
    ids = [row["company_id"] for row in crm.landed("companies")]
    assert len(ids) == len(set(ids)) == 150_002


def test_all_objects_tell_of_one_moment(crm: Crm) -> None:
    night = Window(datetime(2026, 11, 17, 16, tzinfo=UTC), datetime(2026, 11, 18, 16, tzinfo=UTC))
    store.prepare(crm.settings())
    first, second, *_ = list(extract(crm.config, "crm", crm.settings(), night))
    assert sum(batch.num_rows for batch in first.batches()) == 2
    crm.sql("insert into contact (id, last_name, account_id) values ('c9', 'New', 'a9')")
    assert sum(batch.num_rows for batch in second.batches()) == 2


# the ready mappings, and mysql


@pytest.mark.parametrize("mapping", ["espocrm", "suitecrm", "odoo"])
def test_ready_mappings_fit_the_contract(mapping: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CRM_DB", '{"conn_type": "mysql"}')
    settings = Settings(tmp_path, tmp_path / "sources.yml", FIRST_NIGHT, "Asia/Shanghai", 7)
    night = Window(datetime(2026, 11, 17, 16, tzinfo=UTC), datetime(2026, 11, 18, 16, tzinfo=UTC))
    found = list(extract({"connector": "sql", "connection": "crm_db", "mapping": mapping}, "crm", settings, night))
    assert [one.object for one in found] == ["companies", "contacts", "leads", "deals", "deal_contacts"]


TABLES: Catalogue = {
    "contacts": {"id": "char", "last_name": "varchar", "deleted": "tinyint", "photo": "blob",
                 "date_modified": "datetime", "seen": "timestamp", "extra": "json"},
    "accounts_contacts": {"contact_id": "char", "account_id": "char", "deleted": "tinyint"},
}  # fmt: skip


def mysql_statements(**changed: Any) -> Statements:
    spec: dict[str, Any] = {
        "contract": contract("crm", "contacts"),
        "table": "contacts",
        "columns": {"contact_id": "id", "company_id": "company.account_id", "job_title": "extra->title"},
        "mapping": Mapping({}, timezone="Asia/Shanghai"),
        "updated_at": "date_modified",
        "deleted": ("deleted", 1),
        "joins": {"company": Join("accounts_contacts", {"contact_id": "id"}, {"deleted": False})},
    }
    return Statements(ObjectSpec(**{**spec, **changed}), TABLES, "mysql", None)


def test_the_sql_for_mysql() -> None:
    since, until = datetime(2026, 11, 18, 15, tzinfo=UTC), datetime(2026, 11, 19, 16, tzinfo=UTC)
    selection = mysql_statements().rows(since, until)
    assert selection.sql == (
        "select `t`.`id` as c1, `company`.`account_id` as c2,"
        """ json_unquote(json_extract(`t`.`extra`, '$."title"')) as c3,"""
        " coalesce(`t`.`deleted` = 1, false) as c4, `t`.`last_name` as c5, `t`.`date_modified` as c6, `t`.`seen` as c7"
        " from `contacts` as t left join `accounts_contacts` as `company`"
        " on `company`.`contact_id` = `t`.`id` and `company`.`deleted` = 0"
        " where 1 = 1 and ((`t`.`date_modified` >= timestamp '2026-11-18 23:00:00.000000'"
        " and `t`.`date_modified` < timestamp '2026-11-20 00:00:00.000000') or `t`.`date_modified` is null)"
    )
    # the session's time zone is utc, and so are the literals that are compared with a `timestamp`
    assert ">= timestamp '2026-11-18 15:00:00.000000'" in mysql_statements(updated_at="seen").newest(since, until)
    assert mysql_statements().keys().startswith("select `t`.`id` as k1 from `contacts` as t left join")
    assert catalogue_query("mysql", "it's\\").endswith(r"where table_schema = 'it''s\\'")


class Cursor:
    """What pymysql's cursor answers, as far as it is asked."""

    description = (("c1", 254), ("c2", 254))

    def __init__(self, said: list[str]) -> None:
        self.said = said
        self.pages = [(("1", "张"), ("2", None)), (("3", "x"),)]

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_: object) -> None: ...

    def execute(self, sql: str) -> None:
        self.said.append(sql)

    def fetchmany(self, _: int) -> Any:
        return self.pages.pop(0) if self.pages else ()


def test_rows_of_mysql_come_as_text_in_batches() -> None:
    said: list[str] = []

    class Session:
        def cursor(self) -> Cursor:
            return Cursor(said)

        def close(self) -> None: ...

    asked: dict[str, Any] = {}

    def connect(**options: Any) -> Session:
        asked.update(options)
        return Session()

    database = MySQL(Connection("db", "reader", PASSWORD, {"ssl_ca": "ca.pem"}, "mysql", "crm", 3307), connect)
    assert database.stream("select 1").read_all().to_pylist() == [
        {"c1": "1", "c2": "张"}, {"c1": "2", "c2": None}, {"c1": "3", "c2": "x"},
    ]  # fmt: skip
    assert said[-2] == "start transaction with consistent snapshot, read only"
    assert (asked["database"], asked["port"], asked["ssl_ca"], asked["conv"]) == ("crm", 3307, "ca.pem", {})


def test_errors_of_mysql_are_told_apart() -> None:
    import pymysql

    target = Target(Connection("db", "reader", PASSWORD, conn_type="mysql"), "mysql", "crm/sql", "crm_db")

    def failing(error: Exception) -> Callable[[], None]:
        def run() -> None:
            with target.faults("contacts"):
                raise error

        return run

    failure_of(failing(pymysql.OperationalError(1045, f"Access denied, {PASSWORD}")), ConfigError)
    failure_of(failing(pymysql.OperationalError(2003, "Can't connect")), SourceFault)


def test_what_libpq_is_told_is_escaped() -> None:
    told = conninfo(Connection("db", "o'neil", PASSWORD, {"sslmode": "require", "unknown": 1}, "postgres", "crm"))
    assert r"user='o\'neil'" in told and r"password='s3cret\'\\ word'" in told
    assert "sslmode='require'" in told and "unknown" not in told
