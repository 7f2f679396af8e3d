"""What the sources file says of a CRM's API: its connection, and for each object what is read and where it goes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from persona_warehouse.connections import Connection, get_connection
from persona_warehouse.errors import ConfigError
from persona_warehouse.landing.contract import contract
from persona_warehouse.landing.mapping import Mapping as Columns
from persona_warehouse.landing.mapping_checks import check_mapping
from persona_warehouse.settings import Settings
from persona_warehouse.sources.answers import is_url
from persona_warehouse.sources.config import bad_option, map_of, number_of, require_known, text_of
from persona_warehouse.sources.records import Recipe

OBJECT_KEYS = {"columns", "properties", "formats", "money", "values", "constants", "currency"}
# settings of every connector of an API, beside `connector` and `connection`
PATIENCE_KEYS = {"timeout_seconds", "max_retries", "backoff_seconds"}
ALL = "all"


@dataclass(frozen=True)
class Plan:
    """What is read of one landing object, and how it becomes landing rows.

    Attributes:
        name: the landing object.
        recipes: landing column -> where it comes from.
        extra: fields that are kept in `properties`.
        mapping: formats, values, constants and currency of the landing columns.
        asked: the fields that the sources file itself names.
        is_named: whether the object stands in the sources file at all.
        takes_all: whether every field that exists is kept in `properties`.
    """

    name: str
    recipes: dict[str, Recipe]
    extra: tuple[str, ...]
    mapping: Columns
    asked: frozenset[str] = frozenset()
    is_named: bool = False
    takes_all: bool = False

    @property
    def fields(self) -> set[str]:
        """Every field that is asked for by name."""
        return {name for recipe in self.recipes.values() for name in recipe.fields} | set(self.extra)

    @property
    def text(self) -> str:
        """All that decides how a record is read, as text: see `progress.resume`."""
        return json.dumps([sorted(self.fields), self.takes_all, repr(self.mapping), repr(self.recipes)])


@cache
def standard_mapping(connector: str) -> dict[str, Any]:
    """The connector's mapping.yml: landing object -> its `columns`, `properties` and the like."""
    text = files(f"persona_warehouse.sources.{connector}").joinpath("mapping.yml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def read_plans(
    config: dict[str, Any], stream: str, connector: str, settings: Settings, *, may_take_all: bool = False
) -> dict[str, Plan]:
    """Landing object -> its plan: the connector's mapping.yml, and what the sources file says besides.

    Args:
        config: an entry of the sources file; its `objects:` are read.
        may_take_all: whether `properties: all` has a meaning.

    Raises:
        ConfigError: an object, a key or a column is unknown, or a recipe cannot be read.
    """
    standard = standard_mapping(connector)
    named = map_of(config, "objects", stream=stream)
    require_known(named, set(standard), stream=stream)
    return {
        name: _plan(spec, name, named.get(name), stream, connector, settings, may_take_all, is_named=name in named)
        for name, spec in standard.items()
    }


def _plan(
    standard: Mapping[str, Any],
    name: str,
    own: Any,
    stream: str,
    connector: str,
    settings: Settings,
    may_take_all: bool,
    is_named: bool,
) -> Plan:
    source = f"{stream}/{connector}"
    spec = map_of({name: own}, name, stream=stream)
    require_known(spec, OBJECT_KEYS, stream=stream, object=name)
    own_columns = map_of(spec, "columns", stream=stream, object=name)
    columns = {**standard["columns"], **own_columns}
    recipes = {column: _recipe(recipe, source, name) for column, recipe in columns.items() if recipe is not None}
    merged = {
        key: {**standard.get(key, {}), **map_of(spec, key, stream=stream, object=name)}
        for key in ("formats", "money", "values", "constants")
    }
    mapping = Columns(
        columns=dict.fromkeys(columns, ""),
        formats=merged["formats"],
        money=merged["money"],
        values=merged["values"],
        constants={column: str(value) for column, value in merged["constants"].items()},
        currency=text_of(spec, "currency", "CNY", stream=stream, object=name) if spec.get("currency") else None,
        timezone=settings.timezone,
    )
    check_mapping(contract(stream, name), mapping)
    takes_all = may_take_all and spec.get("properties") == ALL
    extra = () if takes_all else _extra(spec, source, name, may_take_all)
    asked = {field for column in own_columns if column in recipes for field in recipes[column].fields} | set(extra)
    properties = (*standard.get("properties", ()), *extra)
    return Plan(name, recipes, properties, mapping, frozenset(asked), is_named, takes_all)


def _recipe(text: Any, source: str, name: str) -> Recipe:
    try:
        return Recipe.parse(str(text))
    except ValueError:
        raise bad_option(source, "columns", "a property, `a | b` or `a + b`", repr(text), name) from None


def _extra(spec: dict[str, Any], source: str, name: str, may_take_all: bool) -> tuple[str, ...]:
    extra = spec.get("properties") or []
    if not isinstance(extra, list) or not all(isinstance(one, str) and one and "," not in one for one in extra):
        expected = "a list of internal property names" + (f", or `{ALL}`" if may_take_all else "")
        raise bad_option(source, "properties", expected, repr(extra), name)
    return tuple(extra)


def connection_of(config: dict[str, Any], source: str, needed: Mapping[str, str]) -> Connection:
    """The connection that an entry names.

    Args:
        source: for messages, such as `crm/hubspot`.
        needed: the parts that it must have (`login`, `password`) -> what each holds.

    Raises:
        ConfigError: it is not named, does not exist or lacks a part.
    """
    name = config.get("connection")
    if not isinstance(name, str) or not name:
        # what stands there instead of a name may well be a secret: it is not told
        expected = f"the name of a connection, such as {source.partition('/')[2]}_main"
        raise bad_option(source, "connection", expected, "none")
    connection = get_connection(name)
    for part, meaning in needed.items():
        if not getattr(connection, part):
            raise ConfigError(
                f"the connection {name} has no {part}",
                source=source,
                field=part,
                expected=meaning,
                found="nothing",
                remedy=f"put {meaning} into the connection's {part}",
            )
    return connection


def base_url_of(config: dict[str, Any], source: str, connection: Connection, default: str) -> str:
    """Where the API is, without a slash at the end: `base_url`, else the connection's host, else `default`.

    Raises:
        ConfigError: it is no address.
    """
    base_url = config.get("base_url") or connection.url(default)
    if not is_url(base_url):
        expected = f"an address such as {default}, without user, password or query"
        raise bad_option(source, "base_url", expected, "none")
    return str(base_url).rstrip("/")


def patience_of(config: dict[str, Any], source: str) -> dict[str, Any]:
    """The settings `timeout_seconds`, `max_retries` and `backoff_seconds`, as arguments of a client's options.

    Raises:
        ConfigError: one of them is no number, or out of bounds.
    """
    return {
        "timeout_seconds": number_of(config, source, "timeout_seconds", 30, 0.1, 600),
        "max_retries": int(number_of(config, source, "max_retries", 5, 0, 20, whole=True)),
        "backoff_seconds": number_of(config, source, "backoff_seconds", 1, 0, 60),
    }
