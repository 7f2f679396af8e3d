"""What no landing column takes: SQL that puts it into one JSON object, `properties`.

An object is put together from the text of its members. Merging documents, which reads and writes each of them, is kept
for the rows that hold an object of their own which nobody looked into.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from persona_warehouse.warehouse import literal


def properties_of(members: Mapping[str, str], documents: Sequence[str] = ()) -> str:
    """SQL of a JSON object as text, null when it would be empty.

    Args:
        members: name -> SQL of its value as JSON text, null when there is none.
        documents: SQL of objects whose keys are added, each over the ones before it; null in the rows that have none.
    """
    plain = object_of(members)
    if not documents:
        return plain
    merged = ", ".join(f"coalesce({one}, '{{}}')" for one in [plain, *documents])
    # a merge patch onto nothing leaves out what is null
    patched = f"nullif(cast(json_merge_patch('{{}}', {merged}) as varchar), '{{}}')"
    return f"case when coalesce({', '.join(documents)}) is null then {plain} else {patched} end"


def object_of(members: Mapping[str, str]) -> str:
    """SQL of a JSON object as text without members that are null; null when there are no others."""
    if not members:
        return "cast(null as varchar)"
    each = ", ".join(f"{literal(json.dumps(name, ensure_ascii=False) + ':')} || {sql}" for name, sql in members.items())
    return f"'{{' || nullif(concat_ws(',', {each}), '') || '}}'"


def own_properties(own: str) -> str:
    """SQL of the document for a source's own `properties` (SQL of a text): an object as it is, else a member."""
    is_object = f"starts_with({own}, '{{') and json_valid({own})"
    return (
        f"case when {own} is not null then case when {is_object} then cast({own} as json)"
        f" else json_object('properties', {own}) end end"
    )


def json_text(text: str) -> str:
    """SQL of a text as a JSON string."""
    return f"cast(to_json({text}) as varchar)"


def without_nulls(value: str) -> str:
    """SQL of a JSON text; of an object without members that are null."""
    patched = f"cast(json_merge_patch('{{}}', {value}) as varchar)"
    return f"case when contains({value}, 'null') and starts_with({value}, '{{') then {patched} else {value} end"
