"""The truth about the website: which events are one session, what it was for, and when a company was on a topic."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from persona_warehouse.simulate import site
from persona_warehouse.simulate.episodes import Episode
from persona_warehouse.simulate.visits import HUMAN, KINDS, SECOND, Ints, Visits
from persona_warehouse.simulate.web_ids import anonymous_id
from persona_warehouse.simulate.website import GAP, PAGE_VIEW, Events
from persona_warehouse.simulate.words import PRODUCTS
from persona_warehouse.simulate.world import World

TOPICS = tuple(product.slug for product in PRODUCTS)


def sessions(world: World, visits: Visits, found: Events) -> pa.Table:
    """One row per session of a cookie: what the readable events show that lie at most half an hour apart.

    `driver` and the columns after it are those of the visit that the session begins with; `visit_count` is more than
    one where colleagues shared a computer.
    """
    readable = np.flatnonzero(found.flaw == 0)
    # an event that stands there twice is one
    once = readable[np.unique(found.number[readable], return_index=True)[1]]
    rows = found.take(once[np.lexsort((found.number[once], found.occurred[once], found.visitor[once]))])
    starts = np.ones(len(rows), dtype=bool)
    starts[1:] = (rows.visitor[1:] != rows.visitor[:-1]) | (rows.occurred[1:] - rows.occurred[:-1] > GAP)
    first = np.flatnonzero(starts)
    last = np.append(first[1:], len(rows)) - 1
    number = np.cumsum(starts) - 1
    pairs = np.unique(number * (1 << 32) + rows.visit + 1) >> 32
    visit = rows.visit[first]
    seen = rows.take(first)
    person = seen.kind == HUMAN
    known = visit >= 0
    at = np.where(known, visit, 0)
    purpose = np.where(known & person, visits.purpose[at], site.PASSING)
    topic = np.where(known & person, visits.topic[at], -1)
    episode = np.where(known & person, visits.episode[at], -1)
    firm = np.where(known & person, visits.firm[at], -1)
    cookies, cookie = np.unique(seen.visitor, return_inverse=True)
    names = pa.array([anonymous_id(world.seed, code) for code in cookies.tolist()])
    return pa.table(
        {
            "anonymous_id": names.take(pa.array(cookie)),
            "started_at": _moments(world, rows.occurred[first]),
            "ended_at": _moments(world, rows.occurred[last]),
            "event_count": last - first + 1,
            "page_view_count": np.bincount(number, rows.name == PAGE_VIEW, len(first)).astype(np.int64),
            "visit_count": np.bincount(pairs, minlength=len(first)),
            "kind": pa.array(KINDS).take(pa.array(seen.kind)),
            "person_id": _ids([p.person_id for p in world.people], np.where(person, seen.who, -1)),
            "company_id": _ids([c.company_id for c in world.companies], firm),
            "driver": _ids([p.driver for p in site.PURPOSES], np.where(purpose == site.PASSING, -1, purpose)),
            "sub_driver": _ids([p.sub_driver for p in site.PURPOSES], np.where(purpose == site.PASSING, -1, purpose)),
            "topic": _ids(list(TOPICS), topic),
            "episode_id": _ids([episode_id(n) for n in range(int(episode.max(initial=-1)) + 1)], episode),
        }
    )


def episode_table(world: World, episodes: list[Episode], table: pa.Table) -> pa.Table:
    """One row per topic episode, with the sessions that it left. Days are those planned; moments those seen."""
    counted = table.filter(pa.compute.is_valid(table["episode_id"])).group_by("episode_id", use_threads=False)
    seen = counted.aggregate([("started_at", "min"), ("ended_at", "max"), ("started_at", "count")]).to_pylist()
    by_id = {row["episode_id"]: row for row in seen}
    rows = []
    for number, episode in enumerate(episodes):
        row = by_id.get(episode_id(number))
        if row is None:
            continue
        rows.append(
            {
                "episode_id": episode_id(number),
                "company_id": world.companies[episode.company].company_id,
                "topic": TOPICS[episode.topic],
                "pattern": episode.pattern,
                "driver": episode.driver,
                "planned_from": world.window.office_time(episode.since).date(),
                "planned_until": world.window.office_time(min(episode.until, world.window.days - 0.001)).date(),
                "started_at": row["started_at_min"],
                "ended_at": row["ended_at_max"],
                "session_count": row["started_at_count"],
            }
        )
    moment = pa.timestamp("us")
    return pa.Table.from_pylist(
        rows,
        pa.schema(
            [
                *((name, pa.string()) for name in ("episode_id", "company_id", "topic", "pattern", "driver")),
                ("planned_from", pa.date32()),
                ("planned_until", pa.date32()),
                ("started_at", moment),
                ("ended_at", moment),
                ("session_count", pa.int64()),
            ]
        ),
    )


def pages() -> pa.Table:
    """One row per page: what kind of content it is, and its topic."""
    return pa.table(
        {
            "path": [page.path for page in site.PAGES],
            "content_type": [page.category for page in site.PAGES],
            "topic": [TOPICS[page.product] if page.product >= 0 else None for page in site.PAGES],
        }
    )


def episode_id(number: int) -> str:
    return f"E{number + 1:06d}"


def _moments(world: World, microseconds: Ints) -> pa.Array:
    start = int(world.window.start_utc.timestamp()) * SECOND
    return pa.array(microseconds + start, pa.timestamp("us"))


def _ids(names: list[str], codes: Ints) -> pa.Array:
    return pa.array(names or [""], pa.string()).take(pa.array(codes, mask=codes < 0))
