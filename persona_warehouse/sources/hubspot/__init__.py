"""HubSpot: companies, contacts, deals, their stages and their contacts from the CRM API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from typing import Any

import pyarrow as pa

from persona_warehouse.landing.contract import contract
from persona_warehouse.landing.extract import Extract, Window
from persona_warehouse.landing.mapping import Mapping
from persona_warehouse.settings import Settings
from persona_warehouse.sources.config import number_of, require_known
from persona_warehouse.sources.hubspot import parse
from persona_warehouse.sources.hubspot.client import DEFAULT_BASE_URL, MODIFIED, HubSpotClient, Options, Wanted
from persona_warehouse.sources.plans import PATIENCE_KEYS, Plan, base_url_of, connection_of, patience_of, read_plans
from persona_warehouse.sources.progress import Progress, Span, resume
from persona_warehouse.sources.records import Row, moment, typed

ENTRY_KEYS = {"connector", "connection", "base_url", "overlap_minutes", "page_size", "objects", *PATIENCE_KEYS}
KEYS = {"companies": "company_id", "contacts": "contact_id", "deals": "deal_id"}
Page = tuple[list[Row], list[datetime]]


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
    plans = read_plans(config, stream, "hubspot", settings)

    def of(name: str, base: str, mapping: Mapping, what: str, pages: Callable[..., Iterator[Page]]) -> Extract:
        origin = f"/crm/v3/objects/{base}"
        progress, span = resume(settings, stream, f"hubspot/{name}", what, window, overlap)

        def batches() -> Iterator[pa.Table]:
            with HubSpotClient(options, name) as api:
                yield from typed(stream, name, mapping, origin, _noted(api, pages(api, span), progress))

        return Extract(object=name, origin=origin, batches=batches, fingerprint=None, cursor=progress.cursor)

    found = []
    for plan in plans.values():
        pages = partial(_records, plan=plan)
        found.append(of(plan.name, plan.name, plan.mapping, plan.text, pages))
    plain = Mapping(columns={}, timezone="UTC")
    found.append(of("deal_stage_history", "deals", plain, "1", _stages))
    found.append(of("deal_contacts", "deals", plain, "1", _deal_contacts))
    return found


def _wanted(plan: Plan) -> Wanted:
    own = {MODIFIED[plan.name], "createdate", parse.MERGED_IDS}
    own |= {"associatedcompanyid"} if plan.name == "contacts" else set()
    return Wanted(tuple(sorted(plan.fields | own)))


def _records(api: HubSpotClient, span: Span, plan: Plan) -> Iterator[Page]:
    """Companies, contacts or deals, each with its company."""
    api.require(plan.name, plan.asked)
    wanted = _wanted(plan)
    with_company = "company_id" in contract("crm", plan.name).columns and plan.name != "companies"

    def rows(records: list[Any], companies: dict[str, str | None]) -> Page:
        found: list[Row] = []
        for record in records:
            company = companies.get(parse.id_of(record) or "")
            if company is None and plan.name == "contacts":
                company = parse.property_of(record, "associatedcompanyid")
            into_column = "merged_into_id" in contract("crm", plan.name).columns
            key = KEYS[plan.name]
            found += parse.record_rows(record, key, plan.recipes, company, merges_into_column=into_column)
        return found, _times(records, plan.name)

    for records, companies in _with_associations(api, span, plan.name, wanted, "companies", with_company):
        yield rows(records, {one: parse.main_company(found) for one, found in companies.items()})
    associations = "companies" if with_company else None
    for records in api.listed(plan.name, wanted, associations, archived=True):
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
    read = (moment(parse.property_of(record, MODIFIED[name])) for record in records)
    return [at for at in read if at]


def _noted(api: HubSpotClient, pages: Iterable[Page], progress: Progress) -> Iterator[list[Row]]:
    for rows, times in pages:
        progress.note(times)
        yield rows
    progress.started = api.started


def _options(config: dict[str, Any], stream: str) -> Options:
    source = f"{stream}/hubspot"
    connection = connection_of(config, source, {"password": "the access token of a private app"})
    return Options(
        source=source,
        base_url=base_url_of(config, source, connection, DEFAULT_BASE_URL),
        token=(connection.password or "").strip(),
        page_size=int(number_of(config, source, "page_size", 100, 1, 100, whole=True)),
        **patience_of(config, source),
    )
