"""What can be said against a mapping before any file is opened."""

from __future__ import annotations

import difflib
import json
from zoneinfo import ZoneInfo

import duckdb

from persona_warehouse.errors import ConfigError
from persona_warehouse.landing.contract import ObjectContract
from persona_warehouse.landing.mapping import Mapping, currency_code
from persona_warehouse.landing.typing import UNIX_FORMATS, typed_query
from persona_warehouse.warehouse import literal, scratch

TYPES = {"formats": ("date", "timestamp"), "money": ("decimal", "integer")}


def check_mapping(contract: ObjectContract, mapping: Mapping) -> None:
    """Refuses a mapping that could never work.

    Raises:
        ConfigError: a landing column that does not exist or is of another type, a format, pattern, constant, currency
            or time zone that cannot be read.
    """
    for key in ("columns", "formats", "money", "values", "constants"):
        for name in getattr(mapping, key):
            _check_column(contract, key, name)
    for name, spec in mapping.money.items():
        try:
            mapping.money_of(name)
        except ValueError as error:
            raise _wrong(contract, name, "a money pattern cannot be read", str(error), repr(spec), "money") from error
    try:
        currency_code(mapping.currency or "CNY")
    except ValueError as error:
        problem = "the currency cannot be read"
        raise _wrong(contract, None, problem, str(error), repr(mapping.currency), "currency") from error
    try:
        ZoneInfo(mapping.timezone)
    except (KeyError, ValueError, OSError) as error:
        expected = "an IANA name such as Asia/Shanghai"
        raise _wrong(contract, None, "no such time zone", expected, repr(mapping.timezone), "timezone") from error
    with scratch() as connection:
        for name in mapping.formats:
            for form in mapping.formats_of(name):
                _check_format(connection, contract, name, str(form))
        _check_constants(connection, contract, mapping)


def _check_column(contract: ObjectContract, key: str, name: str) -> None:
    if name not in contract.columns:
        near = difflib.get_close_matches(name, list(contract.columns), n=3)
        found = name + (f" (nearest: {', '.join(near)})" if near else "")
        problem = f"`{key}:` names a landing column that does not exist"
        raise _wrong(contract, name, problem, f"one of: {', '.join(contract.columns)}", found, key)
    kind = contract.columns[name].type
    if kind not in TYPES.get(key, (kind,)):
        problem = f"`{key}:` names a column of another type"
        raise _wrong(contract, name, problem, f"a column of type {' or '.join(TYPES[key])}", kind, key)


def _check_format(connection: duckdb.DuckDBPyConnection, contract: ObjectContract, name: str, form: str) -> None:
    problem = "" if form in UNIX_FORMATS or "%" in form else "no % in it"
    try:
        if not problem:
            connection.execute(f"select try_strptime('', {literal(form)})")
    except duckdb.Error as error:
        problem = str(error).splitlines()[0].rpartition(": ")[2]
    if problem:
        expected = "a strptime format such as %d/%m/%Y %H:%M, or unix, unix_ms, unix_us"
        raise _wrong(contract, name, "a time format cannot be read", expected, f"{form!r}: {problem}", "formats")


def _check_constants(connection: duckdb.DuckDBPyConnection, contract: ObjectContract, mapping: Mapping) -> None:
    # a row of nothing but the constants: what is wrong with it is wrong with them
    query = typed_query(contract, "(select 1 as source_row)", {}, mapping, origin="")
    row = connection.execute(f"select row_errors from ({query})").fetchall()[0]
    for error in json.loads(row[0] or "[]"):
        if error["rule"] != "required":
            problem = "a constant is not of its column's type"
            raise _wrong(contract, error["field"], problem, error["expected"], error["found"], "constants")


def _wrong(
    contract: ObjectContract, name: str | None, problem: str, expected: str, found: str, key: str
) -> ConfigError:
    return ConfigError(
        problem,
        source=contract.stream,
        object=contract.name,
        field=name,
        expected=expected,
        found=found,
        remedy=f"correct `{key}:` of this object in the sources file",
    )
