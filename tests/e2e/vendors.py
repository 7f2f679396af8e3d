"""A sample world as its vendors would hold it: in a database, behind APIs, in exports, pushed to the receiver.

A function takes a World and gives the entries of a sources file that lead to it. What a vendor has no place for is kept
where its users would keep it: in a custom field.
"""

from __future__ import annotations

import json
import re
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import yaml

from persona_warehouse.landing.contract import contract, objects
from persona_warehouse.sources.snowplow import COLUMNS as SNOWPLOW
from persona_warehouse.sources.sql import ready_mapping
from persona_warehouse.warehouse import literal
from tests.standins.espocrm import EspoCrm
from tests.standins.hubspot import HubSpotStandin
from tests.standins.pushes import RunningReceiver, encrypted, xml
from tests.standins.wechat import WeChatStandin

Row = dict[str, Any]
Entry = dict[str, Any]

# whose id each column bears
REFERENCES = {
    "company_id": "companies", "parent_company_id": "companies", "contact_id": "contacts", "deal_id": "deals",
    "converted_contact_id": "contacts", "converted_deal_id": "deals", "referrer_company_id": "companies",
    "referrer_contact_id": "contacts", "referred_company_id": "companies",
}  # fmt: skip
BOTS = "regexp_matches(user_agent, '(?i)bot|spider')"


@dataclass
class World:
    """What staging made of a world's files: good rows alone, the newest version of each.

    Attributes:
        warehouse: the database that holds them.
        folder: where sources.yml will stand, and what it names.
        environment: variables of the night; connections go there.
        stack: closes what was started.
    """

    warehouse: Path
    folder: Path
    home: Path
    stack: ExitStack
    environment: dict[str, str] = field(default_factory=dict)

    def rows(self, stream: str, name: str) -> list[Row]:
        """An object in the columns of its contract, in the order of its key."""
        shape = contract(stream, name)
        query = f"select {', '.join(shape.columns)} from staging.stg_{stream}__{name} order by {', '.join(shape.key)}"
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            cursor = connection.execute(query)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def copy(self, query: str, file: str, how: str) -> None:
        """The answer to a query as a file."""
        target = self.folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            connection.execute(f"copy ({query}) to {literal(target)} ({how})")


def text(value: Any) -> str | None:
    """A value as an API or a text column writes it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return str(value)


# crm


def espocrm(world: World) -> list[Entry]:
    """EspoCRM's tables in PostgreSQL; what it has no entity for stands in tables of its own."""
    server = world.stack.enter_context(EspoCrm.running())
    world.environment["AIRFLOW_CONN_CRM_DB"] = server.connection_json("world")
    statements: list[str] = []
    entry: Entry = {"connector": "sql", "connection": "crm_db", "mapping": "espocrm", "objects": {}}
    ready = ready_mapping("espocrm")
    for name in objects("crm"):
        rows = world.rows("crm", name)
        if name in ready:
            spec, said = _espo_entity(name, ready[name], rows)
        elif rows:
            columns = list(contract("crm", name).columns)
            spec = [f"create table {name} ({', '.join(f'{column} text' for column in columns)})", _inserted(name, rows)]
            said = {"table": name, "columns": {column: column for column in columns}}
        else:
            continue
        statements += spec
        entry["objects"][name] = said
    server.create("world", ";\n".join([*statements, ""]))
    return [entry]


def _espo_entity(name: str, ready: Entry, rows: list[Row]) -> tuple[list[str], Entry]:
    """The statements that fill an entity of EspoCRM, and what the sources file says besides the ready mapping."""
    table = ready["table"]
    # it keeps the day of closing and whole percents only: a custom field keeps what they cut off
    own = {
        column: source
        for column, source in ready["columns"].items()
        if isinstance(source, str) and "." not in source and column not in ("closed_at", "probability")
    }
    linked = {"full_name", "email", "phone"} & set(ready["columns"])
    named = {*own, *linked, "updated_at", "is_deleted"}
    custom = {column: f"c_{column}" for column in contract("crm", name).columns if column not in named}
    if name == "deal_contacts":
        own, custom = dict(ready["columns"]), {"is_primary": "c_is_primary"}
    added = [f"alter table {table} add column {column} text" for column in custom.values()]
    places = {**own, **custom}
    filled = [{source: text(row[column]) for column, source in places.items()} for row in rows]
    for record, row in zip(filled, rows, strict=True):
        if "updated_at" in row:
            record["modified_at"] = text(row["updated_at"])
        if "is_deleted" in row:
            record["deleted"] = text(bool(row["is_deleted"]))
        if "full_name" in linked:
            record["last_name"] = row["full_name"]
    links = [one for kind in ("email", "phone") if kind in linked for one in _espo_links(kind, table, rows)]
    return [*added, _inserted(table, filled), *links], {"columns": custom} if custom else {}


def _espo_links(kind: str, table: str, rows: list[Row]) -> list[str]:
    values, links = (
        ("email_address", "entity_email_address") if kind == "email" else ("phone_number", "entity_phone_number")
    )
    key = f"{table}_id"
    filled = [row for row in rows if row[kind]]
    return [
        _inserted(values, [{"id": f"{kind[0]}{row[key]}", "name": row[kind]} for row in filled]),
        _inserted(
            links,
            [
                {"entity_id": row[key], f"{values}_id": f"{kind[0]}{row[key]}", "entity_type": table.title(),
                 "primary": True, "deleted": False}
                for row in filled
            ],
        ),
    ]  # fmt: skip


def _inserted(table: str, rows: list[Row]) -> str:
    """SQL that puts rows into a table; the server reads them as one JSON text."""
    if not rows:
        return "select"
    columns = ", ".join(f'"{column}"' for column in rows[0])
    document = json.dumps([{k: v if isinstance(v, bool) else text(v) for k, v in row.items()} for row in rows])
    source = f"json_populate_recordset(null::{table}, {literal(document)})"
    return f"insert into {table} ({columns}) select {columns} from {source}"


def hubspot(world: World) -> list[Entry]:
    """A HubSpot portal, and what a portal does not hold as exports beside it. Ids are the portal's own."""
    portal = world.stack.enter_context(HubSpotStandin())
    world.environment["AIRFLOW_CONN_HUBSPOT_MAIN"] = portal.connection_json()
    numbers: dict[str, dict[str, int]] = defaultdict(dict)
    keys = {"companies": "company_id", "contacts": "contact_id", "deals": "deal_id"}
    for kind, key in keys.items():
        numbers[kind] = {row[key]: number for number, row in enumerate(world.rows("crm", kind), 1001)}
    entry: Entry = {"connector": "hubspot", "connection": "hubspot_main", "objects": {}}
    mapping = files("persona_warehouse.sources.hubspot").joinpath("mapping.yml").read_text(encoding="utf-8")
    standards = yaml.safe_load(mapping)
    taken_up: dict[tuple[str, str], str] = {}
    history: dict[int, list[tuple[str, datetime]]] = defaultdict(list)
    for row in world.rows("crm", "deal_stage_history"):
        # a portal has no history of a deal that it does not have
        if row["deal_id"] in numbers["deals"]:
            history[numbers["deals"][row["deal_id"]]].insert(0, (row["stage"], row["entered_at"]))
    for kind, key in keys.items():
        standard = standards[kind]["columns"]
        places = {c: re.split(r" *[|+] *", source)[0] for c, source in standard.items() if c != "full_name"}
        silent = {key, "company_id", "full_name", "is_deleted", "merged_into_id"}
        custom = {c: f"own_{c}" for c in contract("crm", kind).columns if c not in {*places, *silent}}
        entry["objects"][kind] = {"columns": custom}
        records = _translated(world.rows("crm", kind), numbers)
        for row in records:
            _portal_record(portal, kind, int(row[key]), row, {**places, **custom})
            if kind == "deals":
                portal.records[kind][int(row[key])]["stages"] = history[int(row[key])]
        for row in records:
            if row.get("merged_into_id"):
                gone, survivor = int(row[key]), numbers[kind][row["merged_into_id"]]
                taken_up[kind, str(gone)] = str(survivor)
                portal.merge(kind, survivor, gone, portal.records[kind][survivor]["modified"])
    for row in _translated(world.rows("crm", "deal_contacts"), numbers):
        types = ["deal_to_contact_unlabeled", *([row["role"]] if row["role"] else [])]
        # who was taken up has left the associations to the one who remains
        contact = taken_up.get(("contacts", row["contact_id"]), row["contact_id"])
        if _has(portal, "deals", row["deal_id"]) and _has(portal, "contacts", contact):
            portal.associate("deals", int(row["deal_id"]), "contacts", int(contact), *types)
    rest: Entry = {"connector": "files", "path": "beside", "objects": {}}
    for name in objects("crm"):
        rows = [] if name in (*keys, "deal_stage_history", "deal_contacts") else world.rows("crm", name)
        if rows:
            lines = [json.dumps({k: text(v) for k, v in row.items()}) for row in _translated(rows, numbers)]
            (world.folder / "beside").mkdir(exist_ok=True)
            (world.folder / "beside" / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
            rest["objects"][name] = {"file": f"{name}.jsonl"}
    return [entry, rest]


def _translated(rows: Iterable[Row], numbers: Mapping[str, Mapping[str, int]]) -> list[Row]:
    """Rows with the ids of another system."""

    def of(kind: str, value: Any) -> Any:
        known = numbers.get(kind, {})
        return str(known[value]) if value in known else value

    def kinds(row: Row) -> dict[str, str]:
        # a stage's record is a lead or a company
        return REFERENCES | ({"record_id": "companies"} if row.get("record_type") == "company" else {})

    return [{column: of(kinds(row).get(column, ""), value) for column, value in row.items()} for row in rows]


def _has(portal: HubSpotStandin, kind: str, number: str | None) -> bool:
    """Whether there is that record; an id that was not translated is none of the portal's."""
    return str(number).isdigit() and int(str(number)) in portal.records[kind]


def _portal_record(portal: HubSpotStandin, kind: str, number: int, row: Row, places: Mapping[str, str]) -> None:
    properties = {place: value for column, place in places.items() if (value := text(row.get(column))) is not None}
    if row.get("full_name"):
        # a portal keeps two names: 张三 is given 三 and family 张
        given, family = row["full_name"][1:], row["full_name"][:1]
        if row["full_name"].isascii():
            given, _, family = row["full_name"].partition(" ")
        properties |= {name: part for name, part in (("firstname", given), ("lastname", family)) if part}
    at = row["updated_at"] or row["created_at"]
    portal.add(kind, number, at, **properties)
    portal.records[kind][number]["properties"]["createdate"] = text(row["created_at"] or at)
    if kind != "companies" and _has(portal, "companies", row["company_id"]):
        portal.associate(kind, number, "companies", int(row["company_id"]))
    if row["is_deleted"]:
        portal.archive(kind, number, at)


# website

SEGMENT = """
    select event_id as id, anonymous_id, user_id, {at} as timestamp, {received} as received_at, page_url as url,
        page_title as title, referrer_url as referrer, utm_source as context_campaign_source,
        utm_medium as context_campaign_medium, utm_campaign as context_campaign_name,
        utm_term as context_campaign_term, utm_content as context_campaign_content,
        user_agent as context_user_agent, ip_address as context_ip, email, phone, openid, http_status
        {event}
    from staging.stg_website__events where not {bots} and (event_name = 'page_view') = {is_page} order by event_id
"""
AT, RECEIVED = (f"strftime({name}, '%Y-%m-%dT%H:%M:%S.%gZ')" for name in ("occurred_at", "received_at"))
LOG = rf"""
    select concat(
        ip_address, ' - - [', strftime(occurred_at, '%d/%b/%Y:%H:%M:%S'), ' +0000] "GET ',
        regexp_replace(page_url, '^https?://[^/]*', ''), ' HTTP/1.1" ', coalesce(http_status, 200), ' 512 "',
        coalesce(referrer_url, '-'), '" "', user_agent, '"') as line
    from staging.stg_website__events where {BOTS} order by occurred_at, event_id
"""


def access_log(world: World) -> list[Entry]:
    """The visits of robots, who run no script, in the server's log."""
    world.copy(LOG, "logs/access.log", "format csv, header false, quote '', escape '', delimiter '\x01'")
    return [{"connector": "access_log", "path": "logs/access.log"}]


def segment(world: World) -> list[Entry]:
    """Segment's tables pages and tracks; what only the server saw in its log."""
    for table, is_page, event in (("pages", "true", ""), ("tracks", "false", ", event_name as event")):
        query = SEGMENT.format(at=AT, received=RECEIVED, event=event, bots=BOTS, is_page=is_page)
        world.copy(query, f"segment/{table}.csv", "format csv, header true")
    return [{"connector": "segment", "path": "segment/*.csv"}, *access_log(world)]


def snowplow(world: World) -> list[Entry]:
    """Snowplow's enriched events; forms are structured events, whose label and property hold what was typed."""
    carried = {
        "event": "case event_name when 'page_view' then 'page_view' else 'struct' end",
        "se_action": "case event_name when 'page_view' then null else event_name end",
        "event_id": "event_id", "domain_userid": "anonymous_id", "user_id": "user_id",
        "derived_tstamp": "strftime(occurred_at, '%Y-%m-%d %H:%M:%S.%g')",
        "collector_tstamp": "strftime(received_at, '%Y-%m-%d %H:%M:%S.%g')", "page_url": "page_url",
        "page_title": "page_title", "page_referrer": "referrer_url", "mkt_source": "utm_source",
        "mkt_medium": "utm_medium", "mkt_campaign": "utm_campaign", "mkt_term": "utm_term",
        "mkt_content": "utm_content", "useragent": "user_agent", "user_ipaddress": "ip_address",
        "se_label": "email", "se_property": "phone", "user_fingerprint": "openid",
    }  # fmt: skip
    columns = ", ".join(f"{carried.get(name, 'null')} as {name}" for name in SNOWPLOW)
    query = f"select {columns} from staging.stg_website__events where not {BOTS} order by event_id"
    world.copy(query, "snowplow/part-00000.tsv", "format csv, header false, delimiter '\t', quote '', escape ''")
    own = {"email": "se_label", "phone": "se_property", "openid": "user_fingerprint"}
    return [{"connector": "snowplow", "path": "snowplow/*.tsv", "columns": own}, *access_log(world)]


# wechat


class Account(WeChatStandin):
    """The Official Account API with a world's followers, tags and statistics."""

    def __init__(self, world: World) -> None:
        self._rows = world.rows("wechat", "followers")
        self._tags = world.rows("wechat", "tags")
        self._stats: dict[date, list[Row]] = defaultdict(list)
        for row in world.rows("wechat", "daily_follower_stats"):
            self._stats[row["ref_date"]].append(row)
        super().__init__(followers=len(self._rows), page_size=7)

    @cached_property
    def _indices(self) -> dict[str, int]:
        return {row["openid"]: index for index, row in enumerate(self._rows)}

    def info(self, index: int) -> Row:
        row = self._rows[index]
        known = {"openid": row["openid"], **({"unionid": row["unionid"]} if row["unionid"] else {})}
        if not row["is_subscribed"]:
            return {"subscribe": 0, **known}
        return {
            "subscribe": 1, **known, "subscribe_time": int(row["subscribed_at"].timestamp()),
            "remark": row["remark"] or "", "groupid": 0, "tagid_list": json.loads(row["tag_ids"] or "[]"),
            "subscribe_scene": row["subscribe_scene"] or "", "language": row["language"] or "",
            "qr_scene": int(row["qr_scene"] or 0), "qr_scene_str": row["qr_scene_str"] or "",
        }  # fmt: skip

    def summary(self, day: date) -> list[Row]:  # type: ignore[override]
        kept = ("user_source", "new_user", "cancel_user")
        return [{"ref_date": day.isoformat(), **{k: row[k] for k in kept}} for row in self._stats[day]]

    def cumulate(self, day: date) -> list[Row]:  # type: ignore[override]
        totals = [row["cumulate_user"] for row in self._stats[day] if row["user_source"] == 0]
        return [{"ref_date": day.isoformat(), "cumulate_user": total} for total in totals]

    def _tags_get(self, _: Mapping[str, str], __: Row) -> Row:
        return {"tags": [{"id": int(r["tag_id"]), "name": r["name"], "count": r["follower_count"]} for r in self._tags]}


def official_account(world: World) -> list[Entry]:
    """The account's API, and the receiver with everything that was pushed to it."""
    account = world.stack.enter_context(Account(world))
    spec = json.loads(account.connection_json())
    world.environment["AIRFLOW_CONN_WECHAT_MAIN"] = json.dumps(spec)
    receiver = RunningReceiver(world.home)
    with receiver.up():
        for row in world.rows("wechat", "follower_events"):
            _push(receiver.port, row)
    # the days of the world, and one more
    days: Entry = {"stats_days": 61, "backoff_seconds": 0.01}
    # the world has no articles
    days["objects"] = ["followers", "tags", "daily_follower_stats"]
    return [{"connector": "official_account", "connection": "wechat_main", **days}, {"connector": "received"}]


def _push(port: int, row: Row) -> None:
    kind = row["message_type"]
    names = {"Event": "event", "EventKey": "event_key", "Ticket": "ticket", "MenuId": "menu_id"}
    inner = {name: row[column] or "" for name, column in names.items()} if kind == "event" else {"MsgId": "1"}
    body, query = encrypted(xml(row["openid"], int(row["created_at"].timestamp()), kind, **inner))
    target = f"http://127.0.0.1:{port}/wechat?" + "&".join(f"{name}={value}" for name, value in query.items())
    # what was answered `success` is kept
    with urllib.request.urlopen(urllib.request.Request(target, body), timeout=10) as answer:
        assert answer.read() == b"success"


Source = Callable[[World], list[Entry]]
