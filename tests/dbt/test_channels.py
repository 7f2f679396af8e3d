"""Channels of sites that the house's rules were not written from: a public list of sources by what they are."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import connect

MODEL = "dbt_target/compiled/persona_warehouse/models/intermediate/website/int_website__sessions_channelled.sql"
CHANNELS = {"SOURCE_CATEGORY_SEARCH": "organic_search", "SOURCE_CATEGORY_SOCIAL": "social"}


def test_search_engines_and_social_sites_are_told_apart(real_data: Path, empty_world: Settings, tmp_path: Path) -> None:
    with (real_data / "web_channel_grouping" / "ga4_source_categories.csv").open(encoding="utf-8-sig") as file:
        listed = [
            (row["source"], CHANNELS[row["source_category"]])
            for row in csv.DictReader(file)
            if row["source_category"] in CHANNELS and "." in row["source"]
        ]
    assert len(listed) > 400
    # compiled SQL names the database, which DuckDB calls after its file
    shutil.copy(empty_world.warehouse_file, tmp_path / empty_world.warehouse_file.name)
    with connect(tmp_path / empty_world.warehouse_file.name) as connection:
        connection.executemany(
            "insert into intermediate.int_website__events_sessionized (session_key, referrer_domain) values ($1, $1)",
            [[source] for source, _ in listed],
        )
        model = (empty_world.home / MODEL).read_text(encoding="utf-8")
        found = dict(connection.execute(f"select session_key, channel from ({model})").fetchall())
    told = {kind: [found[source] for source, said in listed if said == kind] for kind in CHANNELS.values()}
    assert told["social"].count("organic_search") == 0
    assert told["organic_search"].count("social") == 0
    # mailboxes of portals, which the list counts as search
    assert {s for s, said in listed if said == "organic_search" and found[s] == "email"} == {
        "email.seznam.cz", "mail.rambler.ru", "mail.yandex.ru"
    }  # fmt: skip
    assert told["organic_search"].count("organic_search") > 0.8 * len(told["organic_search"])
    assert {found[s] for s in ("weibo.com", "douban.com", "qzone.qq.com", "m.facebook.com", "lnkd.in")} == {"social"}
    assert found["wechat.com"] == "wechat"
