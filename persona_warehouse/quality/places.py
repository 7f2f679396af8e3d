"""Where the rows are that break an expectation: a file and a row number, or an id of ours. Never a value of a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from persona_warehouse.warehouse import identifier

if TYPE_CHECKING:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

SHOWN = 5
Query = Callable[[str], list[tuple[Any, ...]]]


def places(
    asked: ExpectationConfiguration, schema: str, table: str, columns: Mapping[str, str], query: Query
) -> list[str]:
    """The first rows that break an expectation, in the order of their place.

    Args:
        columns: of the audited table.
        query: runs SQL on the connection of the audit.

    Returns:
        as `deals.csv:7`, or an id cut to twelve signs; empty where the expectation is about no rows of this table.
    """
    at = f"{identifier(schema)}.{identifier(table)}"
    if "unexpected_rows_query" in asked.kwargs:
        broken = str(asked.kwargs["unexpected_rows_query"]).format(batch=at)
        # only a query over whole rows of this table, or over places themselves, leads to a place
        if not broken.startswith((f"select * from {at} ", "select distinct source_file, source_row from quarantine.")):
            return []
    elif "column" in asked.kwargs and {"min_value", "max_value"} & set(asked.kwargs):
        column = identifier(asked.kwargs["column"])
        low, high = asked.kwargs.get("min_value"), asked.kwargs.get("max_value")
        sides = [f"{column} {sign} {bound}" for sign, bound in (("<", low), (">", high)) if bound is not None]
        broken = f"select * from {at} where {' or '.join(sides)}"
    else:
        return []
    if {"source_file", "source_row"} <= set(columns):
        place, order = "source_file || ':' || source_row", "source_file, source_row"
    else:
        own = next((name for name in columns if name.endswith("_id")), "source_id")
        if own == "source_id":
            return []
        place = order = f"'{own} ' || left(cast({identifier(own)} as varchar), 12)"
    rows = query(f"select {place} from ({broken}) where {place} is not null order by {order} limit {SHOWN}")
    return [str(place) for (place,) in rows]
