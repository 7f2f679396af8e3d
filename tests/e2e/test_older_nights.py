"""`persona nightly --date` for a night that is past, on sources that are read by windows: it disturbs nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from persona_warehouse.landing import store
from persona_warehouse.settings import load_settings
from tests.conftest import content_hashes, manifest, persona
from tests.standins.hubspot import HubSpotStandin
from tests.standins.wechat import WeChatStandin

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1200)]

# in the past of every clock that tells the time rightly
NIGHT, OLDER = "2025-11-20", "2025-11-17"


def contacts(home: Path) -> list[tuple[object, ...]]:
    """Staging's contacts, without the load that brought them."""
    with duckdb.connect(str(home / "warehouse" / "persona.duckdb"), read_only=True) as connection:
        return connection.execute(
            "select contact_id, full_name, email, updated_at from staging.stg_crm__contacts order by all"
        ).fetchall()


def test_an_older_night_and_the_newest_one_again(tmp_path: Path) -> None:
    home = tmp_path / "home"
    sources = tmp_path / "sources.yml"
    entries = {
        "crm": [{"connector": "hubspot", "connection": "hubspot_main", "backoff_seconds": 0.01}],
        "wechat": [{"connector": "official_account", "connection": "wechat_main", "backoff_seconds": 0.01}],
    }
    sources.write_text(json.dumps({"sources": entries}), encoding="utf-8")
    settings = load_settings(home, sources)
    with HubSpotStandin() as portal, WeChatStandin(followers=30) as account:
        for day in range(14, 21):
            at = datetime(2025, 11, day, 2, tzinfo=UTC)
            portal.add("companies", day, at, name=f"海河科技{day}", domain=f"c{day}.example")
            portal.add("contacts", day, at, email=f"p{day}@c{day}.example", firstname="三", lastname="张")
            portal.associate("contacts", day, "companies", day)
            portal.add("deals", day, at, dealname=f"项目{day}", amount=day * 100, dealstage="appointmentscheduled")
            portal.associate("deals", day, "companies", day)
        environment = {
            "AIRFLOW_CONN_HUBSPOT_MAIN": portal.connection_json(),
            "AIRFLOW_CONN_WECHAT_MAIN": account.connection_json(),
        }

        def night(date: str) -> None:
            answer = persona("nightly", "--date", date, "--sources", sources, home=home, **environment)
            assert answer.code == 0, answer.out + answer.err
            assert manifest(home)["business_date"] == date

        night(NIGHT)
        first, known = content_hashes(home), contacts(home)
        assert len(known) == 7
        cursor = store.last_cursor(settings, "crm", "hubspot/contacts")
        assert cursor and cursor["modified"] == "2025-11-20T02:00:00+00:00"
        # what a backfill alone can see: a value that was corrected without a new time
        portal.records["contacts"][17]["properties"]["email"] = "late@c17.example"
        night(OLDER)
        assert store.manifests(settings, "crm")[-1].window == ("2025-11-16T16:00:00+00:00", "2025-11-17T16:00:00+00:00")
        assert store.last_cursor(settings, "crm", "hubspot/contacts") == cursor
        late = [(key, name, "late@c17.example" if key == "17" else mail, at) for key, name, mail, at in known]
        assert contacts(home) == late
        portal.records["contacts"][17]["properties"]["email"] = "p17@c17.example"
        night(OLDER)
        assert contacts(home) == known
        night(NIGHT)
        assert contacts(home) == known
        # statistics of more days have landed meanwhile, which coverage counts; the other marts are those of the first
        marts = [name for name in first if name.startswith("marts.") and name != "marts.coverage"]
        again = content_hashes(home)
        assert {name: again[name] for name in marts} == {name: first[name] for name in marts}
        assert len(marts) >= 7
        assert {one["status"] for name, one in manifest(home)["streams"].items() if name != "website"} == {"fresh"}
