"""HubSpot's records to raw landing rows: pure functions, no network, no clock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from persona_warehouse.sources.answers import UnexpectedShape
from persona_warehouse.sources.records import Recipe, Row, broken_row, dump, kind, latest, leftovers, moment, text_of

# asked for or sent along with every record, and told by other columns
SILENT = frozenset({"hs_object_id", "createdate", "lastmodifieddate", "hs_lastmodifieddate", "hs_merged_object_ids"})
MERGED_IDS = "hs_merged_object_ids"
# how HubSpot names the associations that bear no label of the user's
PLAIN_TYPE = re.compile("(contact|deal|company)_to_(contact|deal|company)(_unlabeled)?")


@dataclass(frozen=True)
class Association:
    """A record at the other end of an association, with every type under which it is associated."""

    id: str
    types: tuple[str, ...]

    @property
    def is_primary(self) -> bool:
        return any("unlabeled" not in type_ and PLAIN_TYPE.fullmatch(type_) for type_ in self.types)

    @property
    def label(self) -> str | None:
        """The user's own label, such as `decision_maker`."""
        return next((type_ for type_ in self.types if not PLAIN_TYPE.fullmatch(type_)), None)


def results_of(answer: Mapping[str, Any]) -> list[Any]:
    """The entries of a page.

    Raises:
        UnexpectedShape: there is no list of them.
    """
    found = answer.get("results")
    if not isinstance(found, list):
        raise UnexpectedShape("results", "a list", kind(found))
    return found


def next_after(answer: Mapping[str, Any]) -> str | None:
    """Where the next page begins; None on the last one.

    Raises:
        UnexpectedShape: there is a `paging` without it.
    """
    paging = answer.get("paging")
    following = paging.get("next") if isinstance(paging, Mapping) else paging
    if following is None:
        return None
    after = text_of(following.get("after")) if isinstance(following, Mapping) else None
    if after is None:
        raise UnexpectedShape("paging.next.after", "a text", kind(following))
    return after


def id_of(record: Any) -> str | None:
    """The record's id; None when it is no record with a whole number for an id."""
    found = text_of(record.get("id")) if isinstance(record, Mapping) else None
    return found if found and re.fullmatch("[0-9]{1,18}", found) else None


def property_of(record: Any, name: str) -> str | None:
    """A property of a record as text; None when it is empty or there is no such thing."""
    properties = record.get("properties") if isinstance(record, Mapping) else None
    return text_of(properties.get(name)) if isinstance(properties, Mapping) else None


def archived_at(record: Any) -> datetime | None:
    """When a record was archived, as far as it says."""
    return moment(text_of(record.get("archivedAt"))) if isinstance(record, Mapping) else None


def associations_of(entries: Iterable[Any]) -> list[Association]:
    """The associated records, in the order given, each once.

    Args:
        entries: {"id": …, "type": …}, once for each type of the same association.

    Raises:
        UnexpectedShape: an entry has no id.
    """
    types: dict[str, list[str]] = {}
    for entry in entries:
        found = text_of(entry.get("id")) if isinstance(entry, Mapping) else None
        if not found:
            raise UnexpectedShape("associations.id", "a text", kind(entry))
        types.setdefault(found, []).append(str(entry.get("type") or ""))
    return [Association(found, tuple(named)) for found, named in types.items()]


def main_company(associations: Sequence[Association]) -> str | None:
    """The primary company, else the first one."""
    return next((one.id for one in associations if one.is_primary), associations[0].id if associations else None)


def record_rows(
    record: Any, key: str, recipes: Mapping[str, Recipe], company_id: str | None, *, merges_into_column: bool
) -> Iterator[Row]:
    """A record as landing rows: its own, then one for each record that was merged into it.

    Args:
        record: an entry of a page.
        key: the landing column of its id.
        recipes: landing column -> where it comes from.
        company_id: the company it is associated with.
        merges_into_column: whether the object has a column `merged_into_id`; else that is told in `properties`.
    """
    if id_of(record) is None or not isinstance(record.get("properties"), Mapping):
        yield broken_row(record, key, "a record with an `id` of digits and `properties`")
        return
    properties = record["properties"]
    row: Row = {column: recipe.value(properties) for column, recipe in recipes.items()}
    row[key] = id_of(record)
    if company_id is not None:
        row["company_id"] = company_id
    # the record tells its own times even when these properties were not sent
    row["created_at"] = row.get("created_at") or text_of(record.get("createdAt"))
    row["updated_at"] = row.get("updated_at") or text_of(record.get("updatedAt"))
    is_archived = bool(record.get("archived"))
    if is_archived:
        # archiving need not touch the time of the last change, and the newest time wins
        row["updated_at"] = latest(row["updated_at"], text_of(record.get("archivedAt")))
    row["is_deleted"] = "true" if is_archived else "false"
    row["properties"] = leftovers(properties, recipes, SILENT)
    row["raw_row"] = dump(record)
    yield row
    for merged in merged_ids(properties):
        gone: Row = {key: merged, "is_deleted": "true", "updated_at": row["updated_at"], "raw_row": dump(record)}
        if "name" in row:
            gone["name"] = row["name"]
        if merges_into_column:
            gone["merged_into_id"] = row[key]
        else:
            gone["properties"] = dump({"merged_into_id": row[key]})
        yield gone


def merged_ids(properties: Mapping[str, Any]) -> list[str]:
    """The ids of the records that were merged into this one, each once."""
    found = (part.strip() for part in (text_of(properties.get(MERGED_IDS)) or "").split(";"))
    own = text_of(properties.get("hs_object_id"))
    return [part for part in dict.fromkeys(found) if part and part != own]


def stage_rows(record: Any) -> Iterator[Row]:
    """A deal's stages, the oldest first, from `propertiesWithHistory=dealstage`."""
    history = record.get("propertiesWithHistory") if isinstance(record, Mapping) else None
    entries = history.get("dealstage") if isinstance(history, Mapping) else None
    if id_of(record) is None or not isinstance(entries, list):
        yield broken_row(record, "deal_id", "a deal with an `id` of digits and the history of `dealstage`")
        return
    for entry in reversed(entries):
        known = entry if isinstance(entry, Mapping) else {}
        if known and text_of(known.get("value")) is None:
            # the stage was cleared: the deal is in none from then on
            continue
        yield {
            "deal_id": id_of(record),
            "stage": text_of(known.get("value")),
            "entered_at": text_of(known.get("timestamp")),
            "raw_row": dump({"deal_id": id_of(record), "entry": entry}),
        }


def deal_contact_rows(deal_id: str, associations: Iterable[Association]) -> Iterator[Row]:
    """A deal's contacts; the role is the user's label on the association."""
    for one in associations:
        raw = dump({"deal_id": deal_id, "contact_id": one.id, "types": list(one.types)})
        yield {"deal_id": deal_id, "contact_id": one.id, "role": one.label, "raw_row": raw}
