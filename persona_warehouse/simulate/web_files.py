"""The events of the website as files, and the truth about them."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from persona_warehouse.simulate import site
from persona_warehouse.simulate.records import Identity, Spoiled
from persona_warehouse.simulate.story import Window
from persona_warehouse.simulate.website import AGENTS, DAY, EVENT_NAMES, HUMAN, KINDS, REFERRERS, SECOND, Events, Ints
from persona_warehouse.simulate.world import World
from persona_warehouse.warehouse import scratch


def anonymous_id(seed: int, visitor: int) -> str:
    """The cookie's value."""
    return hashlib.blake2b(f"{seed}:visitor:{visitor}".encode(), digest_size=12).hexdigest()


def user_id(person: int) -> str:
    """The login name's number on the vendor's site."""
    return f"u{100_000 + person}"


def event_id(seed: int, number: int) -> str:
    """The name of an event: a UUID of its number. DuckDB makes the same one in `lines`."""
    return str(uuid.UUID(hashlib.md5(f"{seed}:{number}".encode(), usedforsecurity=False).hexdigest()))


def identities(world: World, found: Events) -> list[Identity]:
    """Whose cookie each one is, and whose login. A cookie that several people share has several rows."""
    trio = np.unique(np.stack([found.visitor, found.kind, found.who]), axis=1)
    rows = []
    for visitor, kind, who in trio.T.tolist():
        cookie = anonymous_id(world.seed, visitor)
        person, company = _truth_ids(world, who) if kind == HUMAN else (None, None)
        rows.append(Identity("website", "events", cookie, "anonymous_id", KINDS[kind], person, company))
    for who in np.unique(found.user[found.user >= 0]).tolist():
        rows.append(Identity("website", "events", user_id(who), "user_id", "person", *_truth_ids(world, who)))
    return rows


def _truth_ids(world: World, who: int) -> tuple[str, str | None]:
    person = world.people[who]
    return person.person_id, None if person.company is None else world.companies[person.company].company_id


def _coded(codes: Ints, values: Sequence[str | None]) -> pa.DictionaryArray:
    """Text as codes into a list; -1 is null."""
    empty = (codes < 0) | np.array([value is None for value in values] or [True])[codes.clip(0)]
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=empty), pa.array(values, pa.string()))


def _table(world: World, found: Events) -> pa.Table:
    visitors, visitor = np.unique(found.visitor, return_inverse=True)
    utc = int(world.window.start_utc.timestamp()) * SECOND
    channels = site.CHANNELS

    def moment(microseconds: Ints) -> pa.Array:
        return pa.array(microseconds + utc, pa.timestamp("us"))

    def own(codes: Ints, value: list[str]) -> pa.DictionaryArray:
        used, code = np.unique(codes, return_inverse=True)
        texts = [value[at] if at >= 0 else None for at in used.tolist()]
        return _coded(code.astype(np.int64), texts)

    people = world.people
    return pa.table(
        {
            "position": pa.array(np.arange(len(found))),
            "number": pa.array(found.number),
            "anonymous_id": _coded(visitor.astype(np.int64), [anonymous_id(world.seed, v) for v in visitors.tolist()]),
            "user_id": own(found.user, [user_id(at) for at in range(len(people))]),
            "occurred_at": moment(found.occurred),
            "received_at": moment(found.received),
            "event_name": _coded(found.name, EVENT_NAMES),
            "path": _coded(found.page, [site.HOST + page.path for page in site.PAGES]),
            "page_title": _coded(found.page, [page.title for page in site.PAGES]),
            "referrer_url": _coded(found.referrer, REFERRERS),
            "utm_source": _coded(found.channel, [c.source for c in channels]),
            "utm_medium": _coded(found.channel, [c.medium for c in channels]),
            "utm_campaign": _coded(found.channel, [c.campaign for c in channels]),
            "utm_term": _coded(found.channel, [c.term for c in channels]),
            "utm_content": _coded(found.channel, [c.content for c in channels]),
            "user_agent": _coded(found.agent, AGENTS),
            "ip": pa.array(found.ip),
            "email": own(found.email, [p.email for p in people]),
            "phone": own(found.phone, [p.mobile for p in people]),
            "openid": own(found.openid, [p.openid for p in people]),
            "http_status": pa.array(found.status),
            "flaw": pa.array(found.flaw),
        }
    )


_LINES = r"""
with numbered as (select * from events order by position),
written as (
    select position, flaw, to_json({
        event_id: md5($seed || ':' || number)::uuid::varchar,
        anonymous_id: anonymous_id::varchar,
        user_id: user_id::varchar,
        occurred_at: case flaw when 2 then 'yesterday' else strftime(occurred_at, '%Y-%m-%dT%H:%M:%S.%gZ') end,
        received_at: strftime(received_at, '%Y-%m-%dT%H:%M:%S.%gZ'),
        event_name: event_name::varchar,
        page_url: path::varchar || case when utm_source is null then '' else
            '?utm_source=' || utm_source::varchar || '&utm_medium=' || utm_medium::varchar
            || '&utm_campaign=' || utm_campaign::varchar end,
        page_title: page_title::varchar,
        referrer_url: referrer_url::varchar,
        utm_source: utm_source::varchar,
        utm_medium: utm_medium::varchar,
        utm_campaign: utm_campaign::varchar,
        utm_term: utm_term::varchar,
        utm_content: utm_content::varchar,
        user_agent: user_agent::varchar,
        ip_address: concat_ws('.', ip >> 24, (ip >> 16) & 255, (ip >> 8) & 255, ip & 255),
        email: email::varchar,
        phone: phone::varchar,
        openid: openid::varchar,
        http_status: http_status
    })::varchar as line
    from numbered
)
select case flaw when 1 then left(line, length(line) // 2) else line end || chr(10) as line
from written order by position
"""


def lines(world: World, found: Events) -> bytes:
    """The rows as JSON lines, in the order given."""
    with scratch() as connection:
        connection.register("events", _table(world, found))
        table = connection.execute(_LINES, {"seed": str(world.seed)}).to_arrow_table()
    parts = []
    for chunk in table.column("line").chunks:
        offsets, data = chunk.buffers()[1:]
        width = np.dtype(np.int64) if pa.types.is_large_string(chunk.type) else np.dtype(np.int32)
        edges = np.frombuffer(offsets, dtype=width)[chunk.offset : chunk.offset + len(chunk) + 1]
        parts.append(bytes(data.slice(int(edges[0]), int(edges[-1] - edges[0]))))
    return b"".join(parts)


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
            cut = found.flaw[at] == 1
            name = event_id(seed, int(found.number[at]))
            written = "half of the line" if cut else "yesterday"
            flaw, column = ("cut_line", None) if cut else ("bad_date", "occurred_at")
            rows.append(Spoiled(file, at + 1, name, column, flaw, written))
    return rows
