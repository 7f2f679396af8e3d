"""The events of the website as files, and whose browsers they came from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from persona_warehouse.simulate import site, words
from persona_warehouse.simulate.records import Identity, Spoiled, joined, json_rows, json_text
from persona_warehouse.simulate.story import Window
from persona_warehouse.simulate.visits import DAY, HUMAN, KINDS
from persona_warehouse.simulate.web_ids import anonymous_id, event_ids, user_id
from persona_warehouse.simulate.website import AGENTS, EVENT_NAMES, REFERRERS, Events, Ints
from persona_warehouse.simulate.world import World

# rows that are turned into text at a time
BLOCK = 200_000
CUT, BAD_DATE = 1, 2
UTM = ("source", "medium", "campaign", "term", "content")


def received_by(window: Window, found: Events, until: datetime) -> Events:
    """The events that had arrived at a moment (local time)."""
    since = np.datetime64(until, "us") - np.datetime64(window.first.isoformat(), "us")
    last = int(since.astype(np.int64))
    shown = found.received <= last
    return found if shown.all() else found.take(shown)


def identities(world: World, found: Events) -> list[Identity]:
    """Whose cookie each one is, and whose login. A cookie that several people share has several rows."""
    # packed into one number, which sorts ten times faster than three columns
    packed = np.unique((found.visitor * 4 + found.kind) * (1 << 21) + found.who)
    rows = []
    for code in packed.tolist():
        rest, who = divmod(code, 1 << 21)
        visitor, kind = divmod(rest, 4)
        cookie = anonymous_id(world.seed, visitor)
        person, company = _truth_ids(world, who) if kind == HUMAN else (None, None)
        rows.append(Identity("website", "events", cookie, "anonymous_id", KINDS[kind], person, company))
    for who in np.unique(found.user[found.user >= 0]).tolist():
        rows.append(Identity("website", "events", user_id(who), "user_id", "person", *_truth_ids(world, who)))
    return rows


def _truth_ids(world: World, who: int) -> tuple[str, str | None]:
    person = world.people[who]
    return person.person_id, None if person.company is None else world.companies[person.company].company_id


class Writer:
    """Turns events into lines of JSON. What repeats is encoded once: pages, channels, browsers, people."""

    def __init__(self, world: World) -> None:
        self._seed = world.seed
        self._start = int(world.window.start_utc.timestamp())
        queries = [
            "" if c.source is None else f"?utm_source={c.source}&utm_medium={c.medium}&utm_campaign={c.campaign}"
            for c in site.CHANNELS
        ]
        self._urls = _encoded([site.HOST + page.path + query for page in site.PAGES for query in queries])
        self._titles = _encoded([page.title for page in site.PAGES])
        self._names, self._referrers, self._agents = _encoded(EVENT_NAMES), _encoded(REFERRERS), _encoded(AGENTS)
        self._utms = pa.array([_fields({f"utm_{name}": getattr(c, name) for name in UTM}) for c in site.CHANNELS])
        self._emails = _encoded([*(p.email for p in world.people), *words.STAFF_EMAILS])
        self._phones = _encoded([p.mobile for p in world.people])
        self._openids = _encoded([p.openid for p in world.people])
        self._users = _encoded([user_id(index) for index in range(len(world.people))])
        days = np.datetime64(world.window.start_utc.date().isoformat()) + np.arange(-2, world.window.days + 800)
        self._days = pa.array([f'"{day}T' for day in np.datetime_as_string(days).tolist()])
        self._day_zero = int(days[0].astype("datetime64[s]").astype(np.int64))
        self._seconds = pa.array([f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}." for s in range(86_400)])
        self._millis = pa.array([f'{ms:03d}Z"' for ms in range(1000)])

    def lines(self, found: Events) -> Iterator[bytes]:
        """The rows in the order given, block by block."""
        for first in range(0, len(found), BLOCK):
            yield self._block(found.take(np.arange(first, min(first + BLOCK, len(found)))))

    def _block(self, found: Events) -> bytes:
        visitors, visitor = np.unique(found.visitor, return_inverse=True)
        cookies = _encoded([anonymous_id(self._seed, code) for code in visitors.tolist()])
        octets = [pa.array((found.ip >> shift) & 255).cast(pa.string()) for shift in (24, 16, 8, 0)]
        occurred = self._moments(found.occurred)
        if (found.flaw == BAD_DATE).any():
            occurred = pc.if_else(pa.array(found.flaw == BAD_DATE), '"yesterday"', occurred)
        lines = json_rows(
            {
                "event_id": json_text(event_ids(self._seed, found.number)),
                "anonymous_id": cookies.take(pa.array(visitor)),
                "user_id": _at(self._users, found.user),
                "occurred_at": occurred,
                "received_at": self._moments(found.received),
                "event_name": _at(self._names, found.name),
                "page_url": _at(self._urls, found.page * len(site.CHANNELS) + found.channel),
                "page_title": _at(self._titles, found.page),
                "referrer_url": _at(self._referrers, found.referrer),
                "": self._utms.take(pa.array(found.channel)),
                "user_agent": _at(self._agents, found.agent),
                "ip_address": pc.binary_join_element_wise('"', *_between(octets, "."), '"', ""),
                "email": _at(self._emails, found.email),
                "phone": _at(self._phones, found.phone),
                "openid": _at(self._openids, found.openid),
                "http_status": pa.array(found.status).cast(pa.string()),
            }
        )
        cut = np.flatnonzero(found.flaw == CUT).tolist()
        if cut:
            texts = lines.to_pylist()
            for at in cut:
                texts[at] = texts[at][: len(texts[at]) // 2] + "\n"
            lines = pa.array(texts, pa.string())
        return joined(lines)

    def _moments(self, microseconds: Ints) -> pa.Array:
        """Moments in UTC as JSON text, with milliseconds."""
        millis = microseconds // 1000 + (self._start - self._day_zero) * 1000
        seconds, milli = np.divmod(millis, 1000)
        day, second = np.divmod(seconds, 86_400)
        parts = (
            self._days.take(pa.array(day)),
            self._seconds.take(pa.array(second)),
            self._millis.take(pa.array(milli)),
        )
        return pc.binary_join_element_wise(*parts, "")


def _encoded(values: Sequence[str]) -> pa.Array:
    return pa.array([json.dumps(value, ensure_ascii=False) for value in values], pa.string())


def _fields(values: dict[str, str | None]) -> str:
    """Some fields of a JSON object, without its braces."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))[1:-1]


def _between(parts: list[pa.Array], mark: str) -> list[pa.Array | str]:
    """The parts with a mark between each two."""
    return [piece for part in parts for piece in (mark, part)][1:]


def _at(texts: pa.Array, codes: Ints) -> pa.Array:
    """The text of each code; -1 is null."""
    return pc.fill_null(texts.take(pa.array(codes, mask=codes < 0)), "null")


def by_month(window: Window, found: Events) -> dict[str, Events]:
    """The events of each file: `web/events-YYYY-MM.jsonl.gz`, by the month of receipt in the business zone."""
    first = np.datetime64(window.first.isoformat())
    months = (first + (found.received // DAY).astype("timedelta64[D]")).astype("datetime64[M]")
    return {f"web/events-{month}.jsonl.gz": found.take(months == month) for month in np.unique(months)}


def spoiled(seed: int, files: dict[str, Events]) -> list[Spoiled]:
    """The rows that `with_flaws` made unreadable, with their place in the files."""
    rows = []
    for file, found in files.items():
        for at in np.flatnonzero(found.flaw).tolist():
            cut = found.flaw[at] == CUT
            name = event_ids(seed, found.number[at : at + 1])[0].as_py()
            written = "half of the line" if cut else "yesterday"
            flaw, column = ("cut_line", None) if cut else ("bad_date", "occurred_at")
            rows.append(Spoiled(file, at + 1, name, column, flaw, written))
    return rows
