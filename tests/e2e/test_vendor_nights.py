"""Nights of one sample world: from its own files, and as a database, APIs, a receiver and vendors' exports tell of it.

A new source is a line in VARIANTS and a function in vendors.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class Variant:
    """Where the three streams come from.

    Attributes:
        lost: mart.column -> why that vendor's records cannot carry what it is made of.
    """

    crm: Source
    website: Source
    wechat: Source
    lost: Mapping[str, str] = field(default_factory=dict)


NO_KIND = "what kind of customer a company is stands in a column of the export's own, which the vendor's system has not"
KIND = {
    f"accounts.{name}": NO_KIND
    for name in ("company_relation", "deal_size_band", "sales_motion", "value_class", "value_class_evidence")
}
VARIANTS = {
    "espocrm, segment": Variant(vendors.espocrm, vendors.segment, vendors.official_account, lost=KIND),
    "hubspot, snowplow": Variant(
        vendors.hubspot,
        vendors.snowplow,
        vendors.official_account,
        lost={
            **KIND,
            "contacts.influence_score": "a portal knows no first contact of a deal",
            "contacts.has_phone": "of a contact that another one took up, a portal keeps the id alone",
            "contacts.role_confidence": "of a contact that another one took up, a portal keeps the id alone",
        },
    ),
}


def sources_of(world: World, variant: str) -> Path:
    chosen = VARIANTS[variant]
    content = {"crm": chosen.crm(world), "website": chosen.website(world), "wechat": chosen.wechat(world)}
    path = world.folder / "sources.yml"
    path.write_text(yaml.safe_dump({"sources": content}, allow_unicode=True), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def files_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of the night from the world's own files."""
    home = tmp_path_factory.mktemp("files") / "home"
    size = ("--companies", "25", "--days", "60", "--end", DATE)
    written = persona("simulate", "--out", home / "sample", *size, home=home)
    assert written.code == 0, written.err
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

    def columns(self, mart: str) -> dict[str, str]:
        """The columns of a mart, with the SQL to compare them by: a sum's last digit depends on the order."""
        described = self.rows("files", f"describe {{}}.marts.{mart}")
        return {name: f"round({name}, 9)" if kind == "DOUBLE" else name for name, kind, *_ in described}

    def same_mart(self, mart: str, but: set[str], condition: str = "true") -> list[tuple[Any, ...]]:
        """The rows of a mart without the columns in `but` and those that the vendor cannot carry."""
        lost = {name.partition(".")[2] for name in VARIANTS[self.variant].lost if name.startswith(f"{mart}.")}
        kept = [value for name, value in self.columns(mart).items() if name not in but | lost]
        return self.same(f"select {', '.join(kept)} from {{}}.marts.{mart} where {condition} order by all")


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
    assert len(both.same_mart("accounts", {"account_id", "parent_account_id"})) > 10


def test_contacts_are_the_same(both: Both) -> None:
    assert len(both.same_mart("contacts", {"contact_id", "account_id"})) > 20


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
    both.same_mart("journey_stages", {"journey_stage_id", "account_id"})
    both.same_mart("lead_stages", {"lead_stage_id", "lead_id", "contact_id", "account_id", "deal_id"})


def test_touches_and_sessions_of_people_are_the_same(both: Both) -> None:
    both.same_mart("touchpoints", {"touchpoint_id", "contact_id", "account_id"})
    both.same_mart("sessions", {"session_id", "visitor_key", "contact_id", "account_id"}, "not is_bot")


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


def test_what_is_said_to_be_lost_is(both: Both) -> None:
    for name in VARIANTS[both.variant].lost:
        mart, _, column = name.partition(".")
        query = f"select {both.columns(mart)[column]} from {{}}.marts.{mart} order by all"
        assert both.rows("vendor", query) != both.rows("files", query), f"{name} is carried: take it off the list"
