"""Stands in for dbt's cross-database macros when sqlfluff renders a model."""

from __future__ import annotations


def dateadd(part: str, number: str, moment: str) -> str:
    return f"date_add({moment}, to_{part}s({number}))"


def date_trunc(part: str, moment: str) -> str:
    return f"date_trunc('{part}', {moment})"


def datediff(first: str, second: str, part: str) -> str:
    return f"date_diff('{part}', {first}, {second})"


def hash(field: str) -> str:
    return f"md5(cast({field} as varchar))"


def last_day(moment: str, part: str) -> str:
    return f"last_day({moment})"


def position(part: str, text: str) -> str:
    return f"position({part} in {text})"


def split_part(text: str, delimiter: str, number: int) -> str:
    return f"split_part({text}, {delimiter}, {number})"


def type_string() -> str:
    return "varchar"


def listagg(measure: str, delimiter: str, order_by: str) -> str:
    return f"string_agg({measure}, {delimiter} {order_by})"


def date_spine(part: str, first: str, end: str) -> str:
    return f"select unnest(generate_series({first}, {end}, interval 1 {part})) as date_{part}"
