"""Answers of 纷享销客 to raw landing rows: pure functions, no network, no clock.

Every value is text here; landing's own typing makes numbers, booleans and times of it and says what it cannot read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from persona_warehouse.sources.answers import UnexpectedShape
from persona_warehouse.sources.records import Recipe, Row, broken_row, dump, kind, text_of

MODIFIED = "last_modified_time"
LABEL = "__r"
RELATED = "related_object_data"
# what the vendor derives from a field: names of what it refers to, labels, places of a number
DERIVED = re.compile("__(r|l|p|e|v|relation_ids)$")
# of the vendor's own bookkeeping, or told by other columns
SILENT = frozenset({
    "_id", MODIFIED, "create_time", "is_deleted", "tenant_id", "object_describe_api_name", "object_describe_id",
    "dataObjectApiName", "extend_obj_data_id", "package", "version", "total_num", RELATED,
})  # fmt: skip
# fields whose label comes with the record: their options are too many for the description
PLACES = frozenset({"country", "province", "city", "district", "town"})
INVALID = "invalid"


@dataclass(frozen=True)
class Description:
    """What the CRM says of an object.

    Attributes:
        types: field -> its type, such as `select_one`.
        labels: field -> option -> its label.
    """

    types: dict[str, str]
    labels: dict[str, dict[str, str]] = field(default_factory=dict)

    def knows(self, name: str) -> bool:
        """Whether there is such a field, or one that this is derived from."""
        return DERIVED.sub("", name).partition(".")[0] in {*self.types, "_id", RELATED}


@dataclass(frozen=True)
class Reading:
    """How records of an object become rows of a landing object.

    Attributes:
        key: the column of the record's own id, for rows that have none.
        recipes: landing column -> where it comes from.
        texts: the columns that take the label of an option.
        choices: boolean column -> option or label -> what it means.
        defaults: column -> what stands there when nothing is filled.
        tells_deletion: whether rows have a column `is_deleted`; else records that were made invalid are left out.
    """

    key: str
    recipes: dict[str, Recipe]
    texts: frozenset[str]
    choices: dict[str, dict[str, str | None]] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    tells_deletion: bool = True


def objects_in(answer: Mapping[str, Any]) -> frozenset[str]:
    """The names of the tenant's objects that are in use.

    Raises:
        UnexpectedShape: there is no list of them.
    """
    data = answer.get("data")
    found = data.get("objects") if isinstance(data, Mapping) else None
    if not isinstance(found, list):
        raise UnexpectedShape("data.objects", "a list", kind(found))
    named = [one for one in found if isinstance(one, Mapping) and one.get("isActive") is not False]
    return frozenset(name for one in named if (name := text_of(one.get("describeApiName"))))


def description_in(answer: Mapping[str, Any]) -> Description:
    """The fields of an object and the labels of their options.

    Raises:
        UnexpectedShape: there are no fields.
    """
    data = answer.get("data")
    described = data.get("describe") if isinstance(data, Mapping) else None
    fields = described.get("fields") if isinstance(described, Mapping) else None
    if not isinstance(fields, Mapping) or not fields:
        raise UnexpectedShape("data.describe.fields", "an object with fields", kind(fields))
    known = {str(name): one for name, one in fields.items() if isinstance(one, Mapping)}
    types = {name: str(one.get("type") or "") for name, one in known.items()}
    labels = {name: _labels_of(one.get("options")) for name, one in known.items()}
    return Description(types, {name: found for name, found in labels.items() if found})


def _labels_of(options: Any) -> dict[str, str]:
    entries = [one for one in options if isinstance(one, Mapping)] if isinstance(options, list) else []
    pairs = [(text_of(one.get("value")), text_of(one.get("label"))) for one in entries]
    return {value: label for value, label in pairs if value and label}


def page_in(answer: Mapping[str, Any]) -> tuple[list[Any], int | None]:
    """The records of a page, and how many a full one would have had.

    Raises:
        UnexpectedShape: there is no list of them.
    """
    data = answer.get("data")
    if not isinstance(data, Mapping):
        raise UnexpectedShape("data", "an object", kind(data))
    limit = data.get("limit")
    # empty fields are left out of answers; a page without records still says its limit
    found = data.get("dataList", [] if limit is not None else None)
    if not isinstance(found, list):
        raise UnexpectedShape("data.dataList", "a list", kind(found))
    return found, limit if isinstance(limit, int) and limit > 0 else None


def id_of(record: Any) -> str | None:
    """The record's id; None when it is no record with one."""
    found = record.get("_id") if isinstance(record, Mapping) else None
    return found.strip() or None if isinstance(found, str) else None


def modified_at(record: Any) -> datetime | None:
    """When a record was last changed, as far as it says."""
    return moment(text_of(record.get(MODIFIED))) if isinstance(record, Mapping) else None


def moment(text: str | None) -> datetime | None:
    """A time as the API writes it, milliseconds since 1970; None when it is none."""
    try:
        return datetime.fromtimestamp(int(text or "") / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def milliseconds(at: datetime) -> int:
    """The way back."""
    return round(at.timestamp() * 1000)


def is_invalid(record: Any) -> bool:
    """Whether a record was made invalid (作废), the CRM's way to delete it."""
    if not isinstance(record, Mapping):
        return False
    return text_of(record.get("life_status")) == INVALID or text_of(record.get("is_deleted")) in ("true", "1")


def record_row(record: Any, reading: Reading, description: Description) -> Row | None:
    """A record as a landing row; None when it was made invalid and the landing object cannot tell.

    Args:
        record: an entry of `dataList`.
        reading: how it becomes a row.
        description: for the labels of options.
    """
    if id_of(record) is None:
        return broken_row(record, reading.key, "a record with an `_id`")
    if is_invalid(record) and not reading.tells_deletion:
        return None
    values = flat(record)
    labels = {name: label for name, value in values.items() if (label := _label(record, name, value, description))}
    shown = {**values, **labels}
    row: Row = {
        column: recipe.value(shown if column in reading.texts else values) for column, recipe in reading.recipes.items()
    }
    for column, meanings in reading.choices.items():
        recipe = reading.recipes.get(column)
        if recipe:
            row[column] = meanings.get(recipe.value(values) or "") or meanings.get(recipe.value(shown) or "")
    row |= {column: default for column, default in reading.defaults.items() if row.get(column) is None}
    if reading.tells_deletion:
        row["is_deleted"] = "true" if is_invalid(record) else "false"
    row["properties"] = _properties(record, values, labels, reading)
    row["raw_row"] = dump(record)
    return row


def flat(record: Mapping[str, Any]) -> dict[str, str]:
    """The filled fields of a record as text, several values one behind the other; activities name what they hang on."""
    found: dict[str, str] = {}
    for name, value in record.items():
        text = ";".join(_parts(value)) if isinstance(value, list) else text_of(value)
        if text:
            found[str(name)] = text
    related = record.get(RELATED)
    for one in related if isinstance(related, list) else []:
        known = one if isinstance(one, Mapping) else {}
        kind_of, other = text_of(known.get("describe_api_name")), text_of(known.get("id"))
        if kind_of and other:
            found.setdefault(f"{RELATED}.{kind_of}", other)
    return found


def _parts(values: list[Any]) -> list[str]:
    return [text for one in values if (text := text_of(one))]


def _label(record: Mapping[str, Any], name: str, text: str, description: Description) -> str | None:
    """What a reader sees instead of a field's value; None when that is the value itself."""
    options = description.labels.get(name)
    if options:
        value = record[name]
        return ";".join(options.get(one, one) for one in (_parts(value) if isinstance(value, list) else [text]))
    if description.types.get(name) in PLACES:
        label = record.get(name + LABEL)
        return label.strip() or None if isinstance(label, str) else None
    return None


def _properties(
    record: Mapping[str, Any], values: Mapping[str, str], labels: Mapping[str, str], reading: Reading
) -> str | None:
    """What no column holds: other fields with the labels of their options, and the values behind the labels."""
    # field -> whether a column shows its label
    taken: dict[str, bool] = {}
    for column, recipe in reading.recipes.items():
        filled = [name for name in recipe.fields if name in values]
        for name in filled if recipe.is_name else filled[:1]:
            taken[name] = taken.get(name, False) or column in reading.texts
    kept: dict[str, Any] = {}
    for name, text in values.items():
        label = labels.get(name)
        if name in SILENT or DERIVED.search(name) or (name in taken and label in (None, text)):
            continue
        kept[name] = record.get(name, text)
        if label and not taken.get(name):
            kept[name + LABEL] = label
    return dump(kept) if kept else None
