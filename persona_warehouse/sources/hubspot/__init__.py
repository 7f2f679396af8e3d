"""HubSpot: companies, contacts, deals, their stages and their contacts from the CRM API."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from itertools import chain
from typing import Any

import pyarrow as pa
import yaml

from persona_warehouse.connections import get_connection
from persona_warehouse.errors import ConfigError
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import contract, landing_schema
from persona_warehouse.landing.extract import Extract, Window
from persona_warehouse.landing.mapping import Mapping
from persona_warehouse.landing.mapping_checks import check_mapping
from persona_warehouse.landing.typing import typed_query
from persona_warehouse.settings import Settings
from persona_warehouse.sources.answers import is_url
from persona_warehouse.sources.config import bad_option, map_of, number_of, require_known, text_of
from persona_warehouse.sources.hubspot import parse
from persona_warehouse.sources.hubspot.client import DEFAULT_BASE_URL, MODIFIED, HubSpotClient, Options, Span, Wanted
from persona_warehouse.warehouse import identifier, scratch

ENTRY_KEYS = {
    "connector", "connection", "base_url", "overlap_minutes", "page_size", "timeout_seconds", "max_retries",
    "backoff_seconds", "objects",
}  # fmt: skip
OBJECT_KEYS = {"columns", "properties", "formats", "money", "values", "constants", "currency"}
KEYS = {"companies": "company_id", "contacts": "contact_id", "deals": "deal_id"}
# rows that are typed at once: the engine needs some milliseconds for its plan, whatever the number of rows
TYPED_ROWS = 5_000

Page = tuple[list[parse.Row], list[datetime]]


@dataclass(frozen=True)
class Plan:
    """What is read of one object of HubSpot, and how it becomes landing rows.

    Attributes:
        recipes: landing column -> where it comes from.
        extra: properties that are kept in `properties`.
        mapping: formats, values, constants and currency of the landing columns.
    """

    name: str
    recipes: dict[str, parse.Recipe]
    extra: tuple[str, ...]
    mapping: Mapping

    @property
    def wanted(self) -> Wanted:
        used = [name for recipe in self.recipes.values() for name in recipe.properties]
        own = [MODIFIED[self.name], "createdate", parse.MERGED_IDS]
        own += ["associatedcompanyid"] if self.name == "contacts" else []
        return Wanted(tuple(sorted({*used, *self.extra, *own})))


@dataclass
class Progress:
    """How far an object was read; `newest` is the last change met, `started` when reading began."""

    former: datetime | None
    settings: str
    newest: datetime | None = None
    started: datetime | None = None
    moves: bool = field(default=True)

    def note(self, times: Iterable[datetime]) -> None:
        self.newest = max(chain(times, [self.newest] if self.newest else []), default=None)

    def cursor(self) -> dict[str, Any]:
        """What the next load goes on from."""
        reached = self.newest
        if reached and self.started:
            # a record may have changed behind our back between the start and the newest change met
            reached = min(reached, self.started)
        if not self.moves or (self.former and (reached is None or reached < self.former)):
            reached = self.former
        return {"modified": reached.isoformat() if reached else None, "settings": self.settings}


def extract(config: dict[str, Any], stream: str, settings: Settings, window: Window) -> Iterable[Extract]:
    """The landing objects of one portal; nothing is fetched before their batches are taken.

    Args:
        config: an entry of the sources file (README.md of this folder).
        stream: the landing stream, `crm`.
        settings: where the cursors of former loads are.
        window: read alone when it ends before the cursor (a backfill); else all since the cursor is read.

    Raises:
        ConfigError: an option is unknown or cannot be read, or the connection is missing or incomplete.
    """
    require_known(config, ENTRY_KEYS, stream=stream)
    options = _options(config, stream)
    overlap = timedelta(minutes=number_of(config, f"{stream}/hubspot", "overlap_minutes", 60, 0, 100_000))
    plans = _plans(config, stream, settings)

    def of(name: str, base: str, mapping: Mapping, what: str, pages: Callable[..., Iterator[Page]]) -> Extract:
        origin = f"/crm/v3/objects/{base}"
        progress, span = _progress(settings, stream, name, what, window, overlap)

        def batches() -> Iterator[pa.Table]:
            with HubSpotClient(options, name) as api:
                yield from typed(stream, name, mapping, origin, _noted(api, pages(api, span), progress))

        return Extract(object=name, origin=origin, batches=batches, fingerprint=None, cursor=progress.cursor)

    found = []
    for plan in plans.values():
        what = json.dumps([plan.wanted.properties, repr(plan.mapping), repr(plan.recipes)])
        found.append(of(plan.name, plan.name, plan.mapping, what, lambda api, span, p=plan: _records(api, span, p)))
    plain = Mapping(columns={}, timezone="UTC")
    found.append(of("deal_stage_history", "deals", plain, "1", _stages))
    found.append(of("deal_contacts", "deals", plain, "1", _deal_contacts))
    return found


def typed(
    stream: str, name: str, mapping: Mapping, origin: str, pages: Iterable[list[parse.Row]]
) -> Iterator[pa.Table]:
    """Raw rows in the landing shape, some thousand at a time; what cannot be typed stands in `row_errors`."""
    shape, schema = contract(stream, name), landing_schema(stream, name)
    # names of their own: the contract's columns are made beside them
    names = [f"raw {column}" for column in (*shape.columns, "properties", "raw_row", "broken")]
    raw_schema = pa.schema([("source_row", pa.int64()), *((one, pa.string()) for one in names)])
    columns = {column: (identifier(f"raw {column}"), "VARCHAR") for column in shape.columns}
    query = typed_query(
        shape,
        "page",
        columns,
        mapping,
        origin=origin,
        properties=identifier("raw properties"),
        raw_row=identifier("raw raw_row"),
        broken=f"cast({identifier('raw broken')} as json)",
    )
    taken = 0
    with scratch() as connection:
        for rows in _chunks(pages, TYPED_ROWS):
            page = pa.Table.from_pylist(
                [
                    {"source_row": number, **{f"raw {key}": value for key, value in row.items()}}
                    for number, row in enumerate(rows, taken + 1)
                ],
                schema=raw_schema,
            )
            taken += len(rows)
            connection.register("page", page)
            yield connection.execute(query).to_arrow_table().cast(schema)
    if not taken:
        yield schema.empty_table()


def _records(api: HubSpotClient, span: Span, plan: Plan) -> Iterator[Page]:
    """Companies, contacts or deals, each with its company."""
    with_company = "company_id" in contract("crm", plan.name).columns and plan.name != "companies"

    def rows(records: list[Any], companies: dict[str, str | None]) -> Page:
        found: list[parse.Row] = []
        for record in records:
            company = companies.get(parse.id_of(record) or "")
            if company is None and plan.name == "contacts":
                company = parse.property_of(record, "associatedcompanyid")
            into_column = "merged_into_id" in contract("crm", plan.name).columns
            key = KEYS[plan.name]
            found += parse.record_rows(record, key, plan.recipes, company, merges_into_column=into_column)
        return found, _times(records, plan.name)

    for records, companies in _with_associations(api, span, plan.name, plan.wanted, "companies", with_company):
        yield rows(records, {one: parse.main_company(found) for one, found in companies.items()})
    associations = "companies" if with_company else None
    for records in api.listed(plan.name, plan.wanted, associations, archived=True):
        gone = [record for record in records if span.holds(parse.archived_at(record))]
        if gone:
            named = {parse.id_of(one) or "": api.associations_in(plan.name, "companies", one) for one in gone}
            page, _ = rows(gone, {one: parse.main_company(found) for one, found in named.items()})
            # the time of archiving is none of the times that the search goes by
            yield page, []


def _stages(api: HubSpotClient, span: Span) -> Iterator[Page]:
    wanted = Wanted(("dealstage", MODIFIED["deals"]), ("dealstage",))
    pages = api.listed("deals", wanted) if span == Span() else api.changed("deals", wanted, span)
    for records in pages:
        yield [row for record in records for row in parse.stage_rows(record)], _times(records, "deals")


def _deal_contacts(api: HubSpotClient, span: Span) -> Iterator[Page]:
    wanted = Wanted((MODIFIED["deals"],))
    for records, contacts in _with_associations(api, span, "deals", wanted, "contacts", True):
        found = (parse.deal_contact_rows(deal, named) for deal, named in contacts.items())
        yield list(chain.from_iterable(found)), _times(records, "deals")


def _with_associations(
    api: HubSpotClient, span: Span, name: str, wanted: Wanted, to: str, with_them: bool
) -> Iterator[tuple[list[Any], dict[str, list[parse.Association]]]]:
    """The live records of a span, page by page, and by id what each is associated with."""
    if span == Span():
        for records in api.listed(name, wanted, to if with_them else None):
            yield records, {one: api.associations_in(name, to, rec) for rec in records if (one := parse.id_of(rec))}
        return
    for records in api.changed(name, wanted, span):
        ids = [one for record in records if (one := parse.id_of(record))]
        yield records, api.associated(name, to, ids) if with_them else {}


def _times(records: list[Any], name: str) -> list[datetime]:
    read = (parse.moment(parse.property_of(record, MODIFIED[name])) for record in records)
    return [at for at in read if at]


def _noted(api: HubSpotClient, pages: Iterable[Page], progress: Progress) -> Iterator[list[parse.Row]]:
    for rows, times in pages:
        progress.note(times)
        yield rows
    progress.started = api.started


def _chunks(pages: Iterable[list[parse.Row]], size: int) -> Iterator[list[parse.Row]]:
    kept: list[parse.Row] = []
    for rows in pages:
        kept += rows
        if len(kept) >= size:
            yield kept
            kept = []
    if kept:
        yield kept


def _progress(
    settings: Settings, stream: str, name: str, what: str, window: Window, overlap: timedelta
) -> tuple[Progress, Span]:
    """Where the last load came to, and what this one reads."""
    digest = hashlib.sha256(what.encode()).hexdigest()[:16]
    kept = store.last_cursor(settings, stream, f"hubspot/{name}") or {}
    former = parse.moment(kept.get("modified"))
    if former is None or kept.get("settings") != digest:
        # rows that were landed under other settings lack what is asked for now
        return Progress(former, digest), Span()
    if window.end < former:
        return Progress(former, digest, moves=False), Span(window.start, window.end)
    return Progress(former, digest), Span(former - overlap)


@cache
def _standard() -> dict[str, Any]:
    text = files("persona_warehouse.sources.hubspot").joinpath("mapping.yml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def _plans(config: dict[str, Any], stream: str, settings: Settings) -> dict[str, Plan]:
    """Landing object -> its plan: the standard mapping, and what the sources file says besides."""
    named = map_of(config, "objects", stream=stream)
    require_known(named, set(KEYS), stream=stream)
    plans = {}
    for name in KEYS:
        spec = map_of(named, name, stream=stream)
        require_known(spec, OBJECT_KEYS, stream=stream, object=name)
        standard = _standard()[name]
        columns = {**standard["columns"], **map_of(spec, "columns", stream=stream, object=name)}
        recipes = {column: _recipe(recipe, stream, name) for column, recipe in columns.items() if recipe is not None}
        mapping = Mapping(
            columns=dict.fromkeys(columns, ""),
            formats=map_of(spec, "formats", stream=stream, object=name),
            money=map_of(spec, "money", stream=stream, object=name),
            values=map_of(spec, "values", stream=stream, object=name),
            constants={
                column: str(value) for column, value in map_of(spec, "constants", stream=stream, object=name).items()
            },
            currency=text_of(spec, "currency", "CNY", stream=stream, object=name) if spec.get("currency") else None,
            timezone=settings.timezone,
        )
        check_mapping(contract(stream, name), mapping)
        plans[name] = Plan(name, recipes, (*standard["properties"], *_extra(spec, stream, name)), mapping)
    return plans


def _recipe(text: Any, stream: str, name: str) -> parse.Recipe:
    try:
        return parse.Recipe.parse(str(text))
    except ValueError:
        expected = "a property, `a | b` or `a + b`"
        raise bad_option(f"{stream}/hubspot", "columns", expected, repr(text), name) from None


def _extra(spec: dict[str, Any], stream: str, name: str) -> list[str]:
    extra = spec.get("properties") or []
    if not isinstance(extra, list) or not all(isinstance(one, str) and one and "," not in one for one in extra):
        raise bad_option(f"{stream}/hubspot", "properties", "a list of internal property names", repr(extra), name)
    return extra


def _options(config: dict[str, Any], stream: str) -> Options:
    name = config.get("connection")
    if not isinstance(name, str) or not name:
        # what stands there instead of a name may well be a secret: it is not told
        raise bad_option(f"{stream}/hubspot", "connection", "the name of a connection, such as hubspot_main", "none")
    connection = get_connection(name)
    if not connection.password:
        raise ConfigError(
            f"the connection {name} has no password",
            source=f"{stream}/hubspot",
            field="password",
            expected="the access token of a private app",
            found="nothing",
            remedy="put the token into the connection's password",
        )
    base_url = config.get("base_url") or connection.url(DEFAULT_BASE_URL)
    if not is_url(base_url):
        raise bad_option(
            f"{stream}/hubspot",
            "base_url",
            f"an address such as {DEFAULT_BASE_URL}, without user, password or query",
            "none",
        )
    return Options(
        source=f"{stream}/hubspot",
        base_url=str(base_url).rstrip("/"),
        token=connection.password.strip(),
        page_size=int(number_of(config, f"{stream}/hubspot", "page_size", 100, 1, 100, whole=True)),
        timeout_seconds=number_of(config, f"{stream}/hubspot", "timeout_seconds", 30, 0.1, 600),
        max_retries=int(number_of(config, f"{stream}/hubspot", "max_retries", 5, 0, 20, whole=True)),
        backoff_seconds=number_of(config, f"{stream}/hubspot", "backoff_seconds", 1, 0, 60),
    )
