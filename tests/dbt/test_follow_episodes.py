"""Lists of followers night after night: the episodes are the same however they were built; late events mend them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from persona_warehouse import transform
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import landing_schema
from persona_warehouse.landing.store import Manifest, Origin
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import connect
from tests.made_once import environment_kept

FIRST = datetime(2026, 11, 1, 1, tzinfo=UTC)
FOLLOWED = FIRST - timedelta(days=30)
EPISODES = """
select openid, episode_number, followed_at, unfollowed_after, unfollowed_at, follow_known_by, unfollow_known_by,
    is_exact
from intermediate.int_wechat__follow_episodes order by openid, episode_number"""


def at(day: float) -> datetime:
    return FIRST + timedelta(days=day)


def land(settings: Settings, night: int, objects: dict[str, list[dict[str, Any]]]) -> None:
    """Commits the load of a night, as the sources do: the list from the API, events from the receiver."""
    load_id = f"{at(night).timestamp():.1f}"
    for name, rows in objects.items():
        schema = landing_schema("wechat", name)
        given = [{"source_file": name, "source_row": number} | row for number, row in enumerate(rows, 1)]
        folder = settings.landing / "wechat" / name / "load_date=2026-11-01"
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(given, schema), folder / f"{load_id}.{name}.parquet")
    connectors = {"followers": "official_account", "follower_events": "received"}
    origins = [Origin(connectors[name], name, name, None, True) for name in objects]
    finished = (at(night) + timedelta(minutes=30)).isoformat(timespec="seconds")
    files = store.describe_files(settings, "wechat", load_id)
    store.write_manifest(settings, Manifest(load_id, "wechat", "2026-11-01", ("", ""), finished, origins, files))


def listed(*followers: tuple[str, datetime]) -> list[dict[str, Any]]:
    return [{"openid": openid, "is_subscribed": True, "subscribed_at": since} for openid, since in followers]


def event(openid: str, name: str, day: float) -> dict[str, Any]:
    return {"openid": openid, "created_at": at(day), "event": name, "message_type": "event"}


def build(settings: Settings) -> list[tuple[Any, ...]]:
    """Runs what the episodes need, as a night does; returns them."""
    models = "stg_wechat__follower_events int_wechat__follower_states int_wechat__follow_episodes"
    with environment_kept():
        results = transform._invoke(settings, ["run", "--select", models])
    assert {str(result.status) for result in results} == {"success"}
    with connect(settings.warehouse_file, read_only=True) as connection:
        return connection.execute(EPISODES).fetchall()


def test_nights_one_by_one_and_all_at_once_give_the_same_episodes(world_home: Settings, tmp_path: Path) -> None:
    untouched = tmp_path / "untouched"
    shutil.copytree(world_home.home, untouched)
    land(world_home, 0, {"followers": listed(("stays", FOLLOWED), ("leaves", FOLLOWED), ("returns", FOLLOWED))})
    land(world_home, 1, {"followers": listed(("stays", FOLLOWED), ("returns", FOLLOWED), ("leaves", FOLLOWED))})
    land(world_home, 2, {"followers": listed(("stays", FOLLOWED))})
    end = at(2) + timedelta(minutes=30)
    third = build(world_home)
    assert third == [
        ("leaves", 1, FOLLOWED, at(1), end, "snapshots", "snapshots", False),
        ("returns", 1, FOLLOWED, at(1), end, "snapshots", "snapshots", False),
        ("stays", 1, FOLLOWED, None, None, "snapshots", None, True),
    ]
    # the next night lists the returned one anew, and brings the events of nights before, out of order
    land(
        world_home,
        3,
        {
            "followers": listed(("stays", FOLLOWED), ("returns", at(2.5))),
            "follower_events": [event("returns", "subscribe", 2.5), event("leaves", "unsubscribe", 1.25)],
        },
    )
    # a load that brings events alone is no list: nobody is missing from it
    land(world_home, 4, {"follower_events": [event("stays", "scan", 4)]})
    fifth = build(world_home)
    assert fifth == [
        ("leaves", 1, FOLLOWED, at(1.25), at(1.25), "snapshots", "events", True),
        ("returns", 1, FOLLOWED, at(1), end, "snapshots", "snapshots", False),
        ("returns", 2, at(2.5), None, None, "events", None, True),
        ("stays", 1, FOLLOWED, None, None, "snapshots", None, True),
    ]
    anew = replace(world_home, home=untouched)
    shutil.rmtree(anew.landing)
    shutil.copytree(world_home.landing, anew.landing)
    assert build(anew) == fifth
