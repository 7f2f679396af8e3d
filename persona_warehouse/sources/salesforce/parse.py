"""Salesforce's records to raw landing rows: pure functions, no network, no clock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from persona_warehouse.sources.answers import UnexpectedShape
from persona_warehouse.sources.records import Recipe, Row, broken_row, dump, kind, leftovers, text_of

# the first letters of an id say what it is the id of
KINDS = {
    "001": "Account", "003": "Contact", "006": "Opportunity", "00Q": "Lead", "01t": "Product2", "500": "Case",
    "701": "Campaign",
}  # fmt: skip
POLYMORPHIC = ("WhoId", "WhatId")
SECONDS, MINUTES = "CallDurationInSeconds", "CallDurationInMinutes"
KIND = "attributes.type"

# asked for with every record, and told by other columns or by nothing
SILENT = frozenset({"Id", "IsDeleted", "CreatedDate", "LastModifiedDate", "SystemModstamp", "IsPersonAccount", KIND})
# parts of a record whose own parts are fields too, and what cannot be read in a list
COMPOUND = frozenset({"address", "location", "base64", "complexvalue"})


@dataclass(frozen=True)
class Description:
    """An object as this user may see it: field -> its type."""

    name: str
    fields: Mapping[str, str]

    def readable(self, names: Iterable[str]) -> set[str]:
        """The fields, among those that recipes name, that can be asked for."""
        return {own for name in names if (own := field_behind(name)) in self.fields}


@dataclass(frozen=True)
class Page:
    """An answer to a query: its records, and where the next ones are."""

    records: list[Any]
    following: str | None


def description(answer: Mapping[str, Any]) -> Description:
    """What `describe` says.

    Raises:
        UnexpectedShape: it does not list fields.
    """
    fields = answer.get("fields")
    if not isinstance(fields, list):
        raise UnexpectedShape("fields", "a list", kind(fields))
    named = {str(one["name"]): str(one.get("type")) for one in fields if isinstance(one, Mapping) and one.get("name")}
    return Description(str(answer.get("name")), named)


def page_of(answer: Mapping[str, Any]) -> Page:
    """A page of a query's records.

    Raises:
        UnexpectedShape: there is no list of records, or it is not done and does not say how to go on.
    """
    records, following = answer.get("records"), answer.get("nextRecordsUrl")
    if not isinstance(records, list):
        raise UnexpectedShape("records", "a list", kind(records))
    if answer.get("done") is True:
        return Page(records, None)
    # the token goes wherever this leads: to the API's own host, and nowhere else
    if not isinstance(following, str) or not re.fullmatch(r"/services/data/[A-Za-z0-9./_\-]+", following):
        raise UnexpectedShape("nextRecordsUrl", "a path below /services/data/, or `done`", kind(following))
    return Page(records, following)


def id_of(record: Any) -> str | None:
    """The record's id; None when it is no record."""
    found = text_of(record.get("Id")) if isinstance(record, Mapping) else None
    return found if found and re.fullmatch("[A-Za-z0-9]{15,18}", found) else None


def field_of(record: Any, path: str) -> str | None:
    """A field of a record, or of the record that it belongs to (`Opportunity.SystemModstamp`)."""
    for name in path.split("."):
        record = record.get(name) if isinstance(record, Mapping) else None
    return text_of(record)


def field_behind(name: str) -> str:
    """The field that has to be asked for so that a recipe finds this name."""
    if name == MINUTES:
        return SECONDS
    base, _, _ = name.partition(".")
    return base if base in POLYMORPHIC else name


def landing_row(record: Any, key: str, recipes: Mapping[str, Recipe], *, keeps_rest: bool) -> Row:
    """A record as a landing row.

    Args:
        record: an entry of a page.
        key: the landing column to name when it is no record at all.
        recipes: landing column -> where it comes from.
        keeps_rest: whether fields that no recipe uses go to `properties`.
    """
    if id_of(record) is None:
        return broken_row(record, key, "a record with an `Id` of 15 to 18 letters and digits")
    fields = _fields(record)
    row: Row = {column: recipe.value(fields) for column, recipe in recipes.items()}
    row["properties"] = leftovers(fields, recipes, SILENT) if keeps_rest else None
    row["raw_row"] = dump(record)
    return row


def stage_entries(pages: Iterable[list[Row]]) -> Iterator[list[Row]]:
    """Of a deal's history, sorted by deal and time, the rows in which it enters a stage.

    OpportunityHistory has a row for every change of amount, date or probability too.
    """
    last: tuple[str | None, str | None] | None = None
    for rows in pages:
        kept = []
        for row in rows:
            now = (row.get("deal_id"), row.get("stage"))
            if now != last or "broken" in row:
                kept.append(row)
            last = now
        yield kept


def _fields(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record's fields under the names that recipes use."""
    fields = {name: value for name, value in record.items() if not isinstance(value, Mapping)}
    fields[KIND] = field_of(record, KIND)
    for name in POLYMORPHIC:
        pointed = text_of(fields.pop(name, None))
        if pointed:
            known = KINDS.get(pointed[:3])
            fields[f"{name}.{known}" if known else name] = pointed
    seconds = fields.get(SECONDS)
    if isinstance(seconds, int | float) and not isinstance(seconds, bool):
        fields[MINUTES] = round(fields.pop(SECONDS) / 60, 6)
    if fields.get("IsPersonAccount") is True:
        # the account is this person, no company
        fields["PersonAccountId"] = fields.pop("AccountId", None)
    return fields
