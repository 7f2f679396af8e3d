"""The landing contract: one shape per object, whatever the vendor (objects.yml)."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files

import pyarrow as pa
import yaml

from persona_warehouse.errors import ConfigError

STREAMS = ("crm", "website", "wechat")

ARROW_TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "decimal": pa.decimal128(38, 6),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "json": pa.string(),
}

# what landing adds to every row: leftovers, provenance, and what is wrong with the row
PROVENANCE: dict[str, pa.DataType] = {
    "properties": pa.string(),
    "source_file": pa.string(),
    "source_row": pa.int64(),
    "row_errors": pa.string(),
    "raw_row": pa.string(),
}


@dataclass(frozen=True)
class Column:
    """A column of a landing object: its type (a key of ARROW_TYPES) and whether it is personal data."""

    name: str
    type: str
    classification: str


@dataclass(frozen=True)
class ObjectContract:
    """The shape of one landing object.

    Attributes:
        key: the columns that identify a row.
        required: columns that may not be empty; a row without them is quarantined.
        money: decimal columns whose text may carry a currency.
        erased_rows: column -> what it holds of a person with whom the row is erased (`erasing.KINDS`).
        erased_values: column -> what it holds of a person whose erasure empties it.
    """

    stream: str
    name: str
    key: tuple[str, ...]
    required: tuple[str, ...]
    money: tuple[str, ...]
    columns: dict[str, Column]
    erased_rows: dict[str, str]
    erased_values: dict[str, str]


@cache
def _contracts() -> dict[str, dict[str, ObjectContract]]:
    text = files("persona_warehouse.landing").joinpath("objects.yml").read_text(encoding="utf-8")
    return {
        stream: {
            name: ObjectContract(
                stream=stream,
                name=name,
                key=tuple(spec["key"]),
                required=tuple(spec["required"]),
                money=tuple(spec.get("money", ())),
                columns={column: Column(column, *details) for column, details in spec["columns"].items()},
                erased_rows=dict(spec.get("erased", {}).get("rows", {})),
                erased_values=dict(spec.get("erased", {}).get("values", {})),
            )
            for name, spec in named.items()
        }
        for stream, named in yaml.safe_load(text).items()
    }


def objects(stream: str) -> dict[str, ObjectContract]:
    """The landing objects of a stream, by name."""
    return _contracts()[stream]


def contract(stream: str, name: str) -> ObjectContract:
    """One landing object.

    Raises:
        ConfigError: the stream has no such object.
    """
    try:
        return _contracts()[stream][name]
    except KeyError as error:
        known = sorted(_contracts().get(stream, {}))
        near = get_close_matches(name, known, n=1)
        raise ConfigError(
            "no such landing object",
            source=stream,
            object=name,
            expected=", ".join(known),
            found=name + (f" (nearest: {near[0]})" if near else ""),
            remedy="correct the object's name in the sources file",
        ) from error


def landing_schema(stream: str, name: str) -> pa.Schema:
    """The Arrow schema in which every connector yields an object."""
    columns = contract(stream, name).columns.values()
    return pa.schema(
        [pa.field(column.name, ARROW_TYPES[column.type]) for column in columns]
        + [pa.field(name, type_) for name, type_ in PROVENANCE.items()]
    )
