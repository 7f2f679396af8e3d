"""Salesforce: companies, people, deals, what happens to them, tickets and campaigns from the REST API."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from persona_warehouse.errors import ConfigError
from persona_warehouse.landing.contract import contract, landing_schema
from persona_warehouse.landing.extract import Extract, Window
from persona_warehouse.settings import Settings
from persona_warehouse.sources.config import bad_option, nearest, number_of, require_known
from persona_warehouse.sources.plans import (
    PATIENCE_KEYS,
    Plan,
    base_url_of,
    connection_of,
    patience_of,
    read_plans,
    standard_mapping,
)
from persona_warehouse.sources.progress import Progress, Span, resume
from persona_warehouse.sources.records import Row, moment, typed
from persona_warehouse.sources.salesforce import parse
from persona_warehouse.sources.salesforce.client import (
    TIMES,
    Options,
    Query,
    SalesforceClient,
    Session,
    Unreadable,
    literal,
    time_literal,
)

log = logging.getLogger(__name__)

EXAMPLE_URL = "https://mydomain.my.salesforce.com"
ENTRY_KEYS = {
    "connector", "connection", "base_url", "api_version", "overlap_minutes", "page_size", "objects", *PATIENCE_KEYS,
}  # fmt: skip
# without these a load means nothing; what else a user may not read is passed over, unless the sources file names it
NEEDED = ("companies", "contacts", "deals")
OPPORTUNITY_HISTORY = "OpportunityHistory"
# field histories: the object, and the landing object whose stage they tell
HISTORIES = {"LeadHistory": "leads", "ContactHistory": "contacts"}
STAGE_COLUMNS = ("lead_status", "lifecycle_stage")


def extract(config: dict[str, Any], stream: str, settings: Settings, window: Window) -> Iterable[Extract]:
    """The landing objects of one org; nothing is fetched before their batches are taken.

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
    overlap = timedelta(minutes=number_of(config, options.source, "overlap_minutes", 60, 0, 100_000))
    plans = read_plans(config, stream, "salesforce", settings, may_take_all=True)
    session = Session()

    def of(plan: Plan) -> Extract:
        reached: list[Progress] = []

        def batches() -> Iterator[pa.Table]:
            with SalesforceClient(options, plan.name, session) as api:
                found = _readable(api, plan, plans, options.source)
                what = json.dumps([plan.text, *(_query(plan, plans, one, Span()).soql() for one in found)])
                progress, span = resume(settings, stream, f"salesforce/{plan.name}", what, window, overlap)
                reached.append(progress)
                for one in found:
                    query = _query(plan, plans, one, span)
                    pages = _rows(api, plan, query, _stamp(one), progress, options.source)
                    yield from typed(stream, plan.name, plan.mapping, one.name, pages)
                if not found:
                    yield landing_schema(stream, plan.name).empty_table()

        origin = ", ".join(_sources(plan))
        return Extract(plan.name, origin, batches, fingerprint=None, cursor=lambda: reached[-1].cursor())

    return [of(plan) for plan in plans.values()]


def _sources(plan: Plan) -> Mapping[str, Mapping[str, bool]]:
    """The objects that a landing object is read from, each with what its records must be."""
    sources: Mapping[str, Mapping[str, bool]] = standard_mapping("salesforce")[plan.name]["from"]
    return sources


def _readable(api: SalesforceClient, plan: Plan, plans: Mapping[str, Plan], source: str) -> list[parse.Description]:
    """The objects that this user may read, described.

    Raises:
        ConfigError: one that is needed or named in the sources file is none of them, or a field that is named there
            does not exist.
    """
    found = []
    for name in _sources(plan):
        if name in HISTORIES and not _tracked(plans[HISTORIES[name]]):
            continue
        try:
            found.append(api.described(name))
        except Unreadable:
            _pass_over(name, plan, source)
    known = {name: kind for one in found for name, kind in one.fields.items()}
    for name in sorted(plan.asked) if found else ():
        field = parse.field_behind(name)
        if field not in known and field != parse.KIND:
            raise ConfigError(
                "the sources file names a field that this user cannot read",
                source=source,
                object=plan.name,
                field=name,
                expected=f"a field of {' or '.join(one.name for one in found)}, by its API name",
                found=f"{name}{nearest(field, known)}",
                remedy="correct the name, or give the app's user read access to the field",
            )
    return found


def _tracked(plan: Plan) -> list[str]:
    """The fields that feed an object's stage: their history is read."""
    recipes = (plan.recipes[column] for column in STAGE_COLUMNS if column in plan.recipes)
    return sorted({name for recipe in recipes for name in recipe.fields})


def _fields(plan: Plan, described: parse.Description) -> set[str]:
    """What is asked for of each record."""
    own = {"Id", "IsDeleted", "IsPersonAccount", *TIMES} | plan.fields
    fields = described.readable(own)
    if plan.takes_all:
        withheld = set(standard_mapping("salesforce")[plan.name].get("withheld", ()))
        fields |= {
            name for name, kind in described.fields.items() if kind not in parse.COMPOUND and name not in withheld
        }
    return fields


def _stamp(described: parse.Description) -> str:
    """The field that tells when a record last changed; a history's rows are read anew with the deal they belong to."""
    if described.name == OPPORTUNITY_HISTORY:
        return "Opportunity.SystemModstamp"
    return next((name for name in TIMES if name in described.fields), "Id")


def _query(plan: Plan, plans: Mapping[str, Plan], described: parse.Description, span: Span) -> Query:
    stamp = _stamp(described)
    fields = _fields(plan, described)
    conditions = [
        f"{name} = {str(value).lower()}"
        for name, value in _sources(plan)[described.name].items()
        if name in described.fields
    ]
    if "is_deleted" not in contract("crm", plan.name).columns and "IsDeleted" in described.fields:
        # what cannot be said of a row is not read; archived activities are, which only queryAll gives
        conditions.append("IsDeleted = false")
    if described.name in HISTORIES:
        tracked = ",".join(literal(name, "Field") for name in _tracked(plans[HISTORIES[described.name]]))
        conditions.append(f"Field IN ({tracked})")
    bounds = ((">=", span.since), ("<", span.until)) if stamp != "Id" else ()
    conditions += [f"{stamp} {sign} {time_literal(at)}" for sign, at in bounds if at is not None]
    order = ("OpportunityId", "CreatedDate", "Id") if described.name == OPPORTUNITY_HISTORY else (stamp, "Id")
    asked = sorted(fields | ({stamp} if described.name == OPPORTUNITY_HISTORY else set()))
    return Query(described.name, tuple(asked), tuple(conditions), tuple(dict.fromkeys(order)))


def _rows(
    api: SalesforceClient, plan: Plan, query: Query, stamp: str, progress: Progress, source: str
) -> Iterator[list[Row]]:
    """The landing rows of a query, page by page; notes how far it went."""
    key = contract("crm", plan.name).key[0]
    keeps_rest = plan.takes_all or bool(plan.extra)

    def pages() -> Iterator[list[Row]]:
        for records in api.records(query):
            progress.note(_times(records, stamp))
            yield [parse.landing_row(record, key, plan.recipes, keeps_rest=keeps_rest) for record in records]

    try:
        yield from parse.stage_entries(pages()) if query.sobject == OPPORTUNITY_HISTORY else pages()
    except Unreadable:
        _pass_over(query.sobject, plan, source)
    progress.started = api.started


def _times(records: list[Any], stamp: str) -> list[datetime]:
    return [at for record in records if (at := moment(parse.field_of(record, stamp)))]


def _pass_over(name: str, plan: Plan, source: str) -> None:
    """Goes on without an object that this user may not read.

    Raises:
        ConfigError: it is needed, or the sources file names it.
    """
    if plan.name not in NEEDED and not plan.is_named:
        log.warning("%s: %s is not read, because this user may not read it or the org lacks it", plan.name, name)
        return
    raise ConfigError(
        f"the object {name} cannot be read",
        source=source,
        object=plan.name,
        expected=f"an object {name} that the app's user may read",
        found="NOT_FOUND or INVALID_TYPE",
        remedy="give the app's user read access to it; if no object can be read, check `api_version`",
    )


def _options(config: dict[str, Any], stream: str) -> Options:
    source = f"{stream}/salesforce"
    connection = connection_of(config, source, {"password": "the consumer secret, or a token that is in force"})
    if not connection.host and not config.get("base_url"):
        raise bad_option(source, "base_url", f"the org's own address, such as {EXAMPLE_URL}", "none")
    version = re.fullmatch(r"v?([1-9][0-9]{1,2})(?:\.0)?", str(config.get("api_version", "65.0")))
    if not version:
        raise bad_option(source, "api_version", "a version such as 65.0", repr(config.get("api_version")))
    return Options(
        source=source,
        base_url=base_url_of(config, source, connection, EXAMPLE_URL),
        client_id=connection.login or None,
        secret=(connection.password or "").strip(),
        version=f"{version[1]}.0",
        page_size=int(number_of(config, source, "page_size", 2000, 200, 2000, whole=True)),
        **patience_of(config, source),
    )
