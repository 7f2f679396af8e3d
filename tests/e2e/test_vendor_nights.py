"""Nights of one sample world: from its own files, and as a database, APIs, a receiver and vendors' exports tell of it.

A new source is a line in VARIANTS and a function in vendors.py.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from tests.conftest import persona
from tests.e2e import vendors
from tests.e2e.vendors import Source, World

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1200)]

# in the past of every clock that tells the time rightly: the API has no statistics of days to come
DATE = "2025-10-31"
# hashes of the marts are comparable when the key is the same
KEY = "a-hash-key-of-the-tests-0123456789abcdef"

VARIANTS: dict[str, tuple[Source, Source, Source]] = {
    "espocrm, segment": (vendors.espocrm, vendors.segment, vendors.official_account),
    "hubspot, snowplow": (vendors.hubspot, vendors.snowplow, vendors.official_account),
}


def sources_of(world: World, variant: str) -> Path:
    crm, website, wechat = VARIANTS[variant]
    content = {"crm": crm(world), "website": website(world), "wechat": wechat(world)}
    path = world.folder / "sources.yml"
    path.write_text(yaml.safe_dump({"sources": content}, allow_unicode=True), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def files_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of the night from files; pushed events are a file of their own."""
    home = tmp_path_factory.mktemp("files") / "home"
    sample = home / "sample"
    written = persona("simulate", "--out", sample, "--companies", "25", "--days", "60", "--end", DATE, home=home)
    assert written.code == 0, written.err
    sources = yaml.safe_load((sample / "sources.yml").read_text(encoding="utf-8"))
    events = vendors.pushed_events((sample / "wechat" / "followers.jsonl").read_text(encoding="utf-8").splitlines())
    (sample / "wechat" / "pushed.jsonl").write_text("".join(json.dumps(one) + "\n" for one in events), encoding="utf-8")
    sources["sources"]["wechat"][0]["objects"]["follower_events"] = {"file": "pushed.jsonl"}
    (sample / "sources.yml").write_text(yaml.safe_dump(sources, allow_unicode=True), encoding="utf-8")
    answer = persona("nightly", "--date", DATE, home=home, PERSONA_HASH_KEY=KEY)
    assert answer.code == 0, answer.out + answer.err
    return home


@dataclass
class Both:
    """The marts of the two nights."""

    variant: str
    connection: duckdb.DuckDBPyConnection

    def rows(self, night: str, query: str) -> list[tuple[Any, ...]]:
        """The answer of one night; `{}` stands for its release."""
        return self.connection.execute(query.format(night)).fetchall()

    def same(self, query: str) -> list[tuple[Any, ...]]:
        """The answer, which is the same in both nights and not empty."""
        files, vendor = self.rows("files", query), self.rows("vendor", query)
        assert vendor == files
        assert files
        return files


@pytest.fixture(scope="module", params=VARIANTS)
def both(request: pytest.FixtureRequest, files_night: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    with vendor_night(request.param, files_night, tmp_path_factory.mktemp("vendor")) as found:
        yield found


@contextmanager
def vendor_night(variant: str, files_night: Path, folder: Path) -> Iterator[Both]:
    home, sources = folder / "home", folder / "sources"
    sources.mkdir()
    with ExitStack() as stack:
        world = World(files_night / "warehouse" / "persona.duckdb", sources, home, stack)
        path = sources_of(world, variant)
        answer = persona(
            "nightly", "--date", DATE, "--sources", path, home=home, PERSONA_HASH_KEY=KEY, **world.environment
        )
        assert answer.code == 0, answer.out + answer.err
    with duckdb.connect() as connection:
        for name, place in (("files", files_night), ("vendor", home)):
            connection.execute(f"attach '{place}/current/persona_marts.duckdb' as {name} (read_only)")
            connection.execute(f"attach '{place}/warehouse/persona.duckdb' as {name}_warehouse (read_only)")
        yield Both(variant, connection)


def test_the_streams_are_fresh_and_nothing_is_held_back(both: Both) -> None:
    assert both.rows("vendor", "select stream, status from {}.quality.source_freshness order by 1") == [
        ("crm", "fresh"), ("website", "fresh"), ("wechat", "fresh"),
    ]  # fmt: skip
    assert both.rows("vendor", "select * from {}.quality.quarantined_rows") == []


def test_accounts_are_the_same(both: Both) -> None:
    assert len(both.same("select * exclude (account_id, parent_account_id) from {}.marts.accounts order by all")) > 10


def test_contacts_are_the_same(both: Both) -> None:
    assert len(both.same("select * exclude (contact_id, account_id) from {}.marts.contacts order by all")) > 20


def test_the_same_records_are_one(both: Both) -> None:
    def groups(night: str, entity: str) -> list[tuple[str, ...]]:
        """For every contact or account the kinds of its records, whose ids are those of the system."""
        found: dict[str, list[str]] = defaultdict(list)
        for entity_id, name, kind, source_id in both.rows(
            night,
            f"select {entity}, source_object, identity_type,"
            " case when source_system <> 'crm' then source_id end from {}.marts.contact_identities",
        ):
            found[entity_id].append(f"{name} {kind} {source_id or ''}")
        return sorted(tuple(sorted(records)) for records in found.values())

    for entity in ("contact_id", "account_id"):
        assert groups("vendor", entity) == groups("files", entity)


def test_deals_are_the_same(both: Both) -> None:
    deals = both.same(
        """
        select
            name, product, amount, currency, pipeline, stage, round(probability, 6), created_at, closed_at, is_closed,
            is_won, closed_reason, competitor, owner_id
        from {}_warehouse.staging.stg_crm__deals order by all
        """
    )
    assert len(deals) > 5


def test_journeys_are_the_same(both: Both) -> None:
    both.same(
        "select * exclude (journey_stage_id, account_id) from {}.marts.journey_stages order by all",
    )
    both.same(
        "select * exclude (lead_stage_id, lead_id, contact_id, account_id, deal_id) from {}.marts.lead_stages"
        " order by all"
    )


def test_touches_and_sessions_of_people_are_the_same(both: Both) -> None:
    both.same("select * exclude (touchpoint_id, contact_id, account_id) from {}.marts.touchpoints order by all")
    both.same(
        "select * exclude (session_id, visitor_key, contact_id, account_id) from {}.marts.sessions"
        " where not is_bot order by all"
    )


def test_robots_are_the_same_but_for_their_sessions(both: Both) -> None:
    """A log knows no cookie: it takes the visits from one address with one agent for one visitor."""
    both.same("select bot_name, sum(event_count) from {}.marts.sessions where is_bot group by all order by all")


def test_followers_and_what_was_pushed_are_the_same(both: Both) -> None:
    followers = "openid, unionid, is_subscribed, subscribed_at, subscribe_scene, qr_scene_str, remark"
    for columns, table in (
        ("openid, created_at, event, event_key, message_type", "follower_events"),
        (f"{followers}, nullif(qr_scene, '0')", "followers"),
        ("ref_date, user_source, new_user, cancel_user, cumulate_user", "daily_follower_stats"),
    ):
        both.same(f"select {columns} from {{}}_warehouse.staging.stg_wechat__{table} order by all")
