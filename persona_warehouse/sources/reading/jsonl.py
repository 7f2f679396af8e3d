"""JSON lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from persona_warehouse.landing import mapping as landing_mapping
from persona_warehouse.landing.contract import ObjectContract
from persona_warehouse.landing.typing import typed_query
from persona_warehouse.sources.reading.leftovers import object_of, properties_of, without_nulls
from persona_warehouse.sources.reading.place import FileOptions, Place
from persona_warehouse.sources.reading.tables import batches_of, refuse_missing
from persona_warehouse.sources.reading.text import HAS_TEXT, first_line, lines_of, plain_utf8
from persona_warehouse.warehouse import literal

IS_OBJECT = "case when starts_with(line, '{') then true else starts_with(ltrim(line, ' \t'), '{') end"
# more distinct keys than that are no columns: ids, or numbers, that somebody uses as keys
MOST_KEYS = 300

# where a value stands: key, key below it …
KeyPath = tuple[str, ...]


@dataclass(frozen=True)
class Keys:
    """The keys of all objects that are read.

    Attributes:
        top: at the top.
        below: of the objects under some of these.
        all_known: whether there may be no others.
    """

    top: list[str]
    below: dict[str, list[str]]
    all_known: bool = True


# of what is read page by page
UNKNOWN_KEYS = Keys([], {}, all_known=False)


def read_jsonl(
    connection: duckdb.DuckDBPyConnection,
    contract: ObjectContract,
    mapping: landing_mapping.Mapping,
    options: FileOptions,
    place: Place,
    folder: Path,
) -> Iterator[pa.RecordBatch]:
    """JSON lines; a line that is no JSON object is one row in error, keys that nothing maps go to `properties`."""
    plain = plain_utf8(place, options, folder, header_lines=0)
    place.refuse_markup(first_line(plain))
    taken = set(mapping.columns.values())
    mapped = {**{name: name for name in contract.columns if name not in taken}, **mapping.columns}
    connection.register("records", lines_of(plain).reader())
    keys = keys_of(connection, "records", place, first_line(plain), ["properties"])
    refuse_missing(contract, mapping, mapped, keys.top, place)
    connection.register("records", lines_of(plain).reader())
    used: set[KeyPath] = {(source,) for source in mapped.values()}
    records = JsonRecords("records", keys, sorted(used))
    query = typed_query(
        contract,
        records.relation,
        {wanted: (records.text((source,)), "VARCHAR") for wanted, source in mapped.items()},
        mapping,
        origin=place.file.name,
        properties=records.properties(used, "properties"),
        raw_row=records.raw_row,
        broken=records.broken,
    )
    yield from batches_of(connection, query)


def keys_of(
    connection: duckdb.DuckDBPyConnection, lines: str, place: Place, first: str, opened: Sequence[str] = ()
) -> Keys:
    """The keys of lines (FROM item with `line`), and of the objects under `opened`; `first` is the file's first line.

    Raises:
        SourceFault: none of the lines is a JSON object.
    """
    paths = ", ".join(literal(path) for path in ["$", *(json_path((name,)) for name in opened)])
    # told apart as text: equal lists are found at a third of the cost
    connection.execute(f"""
        create or replace temp table shapes as
        select from_json(shape, '[["VARCHAR"]]') as keys
        from (
            select distinct cast(to_json(try(json_keys(line, [{paths}]))) as varchar) as shape
            from {lines} where {IS_OBJECT}
        )""")
    found = []
    for place_in_list in range(1, len(opened) + 2):
        rows = connection.execute(f"select distinct unnest(keys[{place_in_list}]) from shapes order by 1").fetchall()
        found.append([str(key) for (key,) in rows])
    if not found[0] or first.strip().startswith("["):
        raise place.fault(
            "the file holds no JSON lines",
            expected="one JSON object a line",
            found=f"a first line that begins with {first.strip()[:1]!r}",
            remedy="export it as JSON lines (an array or an indented object is not read)",
        )
    return Keys(found[0], dict(zip(opened, found[1:], strict=True)), all_known=sum(map(len, found)) <= MOST_KEYS)


class JsonRecords:
    """JSON objects, one a line, each read once: what is asked for comes as text, what is left over as JSON.

    Args:
        lines: FROM item with `source_row` and `line`.
        keys: those of the file.
        wanted: what will be asked for as text.
        broken: SQL over the lines of why one cannot be read, besides being no JSON.

    Attributes:
        relation: FROM item with what `lines` has and more.
        raw_row, broken: as in `typed_query`.
    """

    def __init__(self, lines: str, keys: Keys, wanted: Sequence[KeyPath], broken: str = "null") -> None:
        self._keys = keys
        # an object that is looked into, by its key: what is read of it, and as which type
        self._opened: dict[str, dict[str, str]] = {
            root: dict.fromkeys(names, "JSON") for root, names in keys.below.items()
        }
        self._top: dict[str, str] = {}
        if keys.all_known:
            self._top = {name: "JSON" for name in keys.top if name not in self._opened}
        else:
            self._opened = {root: {} for root in self._opened}
        for path in wanted:
            if len(path) == 1 and path[0] not in self._opened:
                self._top[path[0]] = "VARCHAR"
            elif len(path) == 2 and path[0] in self._opened:
                self._opened[path[0]][path[1]] = "VARCHAR"
        self._opened = {root: names for root, names in self._opened.items() if names}
        structure = json.dumps({**self._top, **self._opened}, ensure_ascii=False)
        # each value a column of its own: what works on a part of the rows need not cut the whole record for it
        values = {self._field(path): sql for path, sql in self._places()}
        # what is neither at the top nor in an object that was opened
        self._deep = {path: f"deep_{at}" for at, path in enumerate(wanted, 1) if self._kind(path) != "VARCHAR"}
        values |= {name: self._extracted(path, valid="parsed is not null") for path, name in self._deep.items()}
        listed = "".join(f", {sql} as {name}" for name, sql in values.items())
        self._whole = {root: f"whole_{at}" for at, root in enumerate(self._opened) if root in keys.top}
        wholes = "".join(
            f", case when {self._is_empty(root)} then {self._extracted((root,), 'json_extract')} end as {name}"
            for root, name in self._whole.items()
        )
        self.relation = f"""(select *{wholes} from (
            select * exclude (parsed), parsed is not null as valid{listed} from (
                select *, case when {IS_OBJECT} then try(from_json(line, {literal(structure)})) end as parsed
                from {lines} where {HAS_TEXT}
            )
        ))"""
        malformed = (
            "case when not valid then json_object('field', null, 'rule', 'malformed_json', 'expected',"
            " 'one JSON object a line', 'found', left(line, 40)) end"
        )
        self.broken = malformed if broken == "null" else f"coalesce({broken}, {malformed})"
        self.raw_row = "case when valid then line else cast(to_json(line) as varchar) end"

    def text(self, path: KeyPath) -> str:
        """SQL of a value as text."""
        return self._deep.get(path) or (self._field(path) if self._kind(path) == "VARCHAR" else self._extracted(path))

    def _kind(self, path: KeyPath) -> str | None:
        """The type that a value was read as; None: it was not."""
        if len(path) == 1:
            return self._top.get(path[0])
        return self._opened.get(path[0], {}).get(path[1]) if len(path) == 2 else None

    @staticmethod
    def _extracted(path: KeyPath, function: str = "json_extract_string", valid: str = "valid") -> str:
        return f"case when {valid} then {function}(line, {literal(json_path(path))}) end"

    def properties(self, used: set[KeyPath], spread: str | None = None, added: Mapping[str, str] | None = None) -> str:
        """SQL of what is left of a record as JSON text, null when nothing is.

        Args:
            used: what is not kept.
            spread: a key whose object's members are kept as those of the record.
            added: further members, name -> SQL of JSON text.
        """
        added = added or {}
        patched = self._patched(used, spread, added)
        if not self._keys.all_known:
            return f"case when valid then {patched} end"
        members = {name: self._left((name,)) for name in self._top if (name,) not in used and name != spread}
        for root, names in self._opened.items():
            inner = {name: self._left((root, name)) for name in names if (root, name) not in used}
            if root == spread:
                shared = {name: f"coalesce({inner[name]}, {members[name]})" for name in inner if name in members}
                members |= inner | shared
            elif (root,) not in used and root in self._whole:
                # what is no object stays as it is, and one of which all is used an empty one
                whole = without_nulls(f"cast({self._whole[root]} as varchar)")
                kept = f"coalesce({object_of(inner)}, '{{}}')"
                members[root] = f"case when {self._is_empty(root)} then {whole} else {kept} end"
        plain = properties_of({**members, **added})
        if spread not in self._keys.top:
            return plain
        # an object that is written as a text, or none at all. In a list, because a case would cut all columns in two
        odd = f"{self._is_empty(spread)} and {self._whole.get(spread) or self.text((spread,))} is not null"
        return f"[{plain}, case when {odd} then {patched} end][case when {odd} then 2 else 1 end]"

    def _patched(self, used: set[KeyPath], spread: str | None, added: Mapping[str, str]) -> str:
        """The same for any record, by patches upon its line: slow."""
        gone = {path[0] for path in used if len(path) == 1} | ({spread} if spread else set())
        documents = ["cast(line as json)", _json_literal(dict.fromkeys(sorted(gone)))]
        inner: dict[str, dict[str, None]] = {}
        for root, *below in sorted(used):
            if below:
                inner.setdefault(root, {})[".".join(below)] = None
        for root in inner.keys() - gone:
            is_object = f"json_type(json_extract(line, {literal(json_path((root,)))})) = 'OBJECT'"
            documents.append(f"case when {is_object} then {_json_literal({root: inner[root]})} else '{{}}' end")
        if spread:
            own = f"nullif(trim({self.text((spread,))}), '')"
            is_object = f"starts_with({own}, '{{') and json_valid({own})"
            own_members = f"json_merge_patch(cast({own} as json), {_json_literal(inner.get(spread, {}))})"
            documents.append(f"case when {is_object} then {own_members} else json_object({literal(spread)}, {own}) end")
        documents.append(f"coalesce({object_of(added)}, '{{}}')")
        return f"nullif(cast(json_merge_patch('{{}}', {', '.join(documents)}) as varchar), '{{}}')"

    def _places(self) -> Iterator[tuple[KeyPath, str]]:
        """Every value that is read, and SQL of it: by place, as the engine would take Name and name for one."""
        for at, name in enumerate(self._top, 1):
            yield (name,), f"struct_extract_at(parsed, {at})"
        for at, (root, names) in enumerate(self._opened.items(), len(self._top) + 1):
            for below, name in enumerate(names, 1):
                yield (root, name), f"struct_extract_at(struct_extract_at(parsed, {at}), {below})"

    def _field(self, path: KeyPath) -> str:
        at = list({**self._top, **self._opened}).index(path[0]) + 1
        return f"value_{at}" if len(path) == 1 else f"value_{at}_{list(self._opened[path[0]]).index(path[1]) + 1}"

    def _left(self, path: KeyPath) -> str:
        """SQL of a value as JSON text."""
        as_json = self._field(path) if self._kind(path) == "JSON" else f"json_extract(line, {literal(json_path(path))})"
        return without_nulls(f"cast({as_json} as varchar)")

    def _is_empty(self, root: str) -> str:
        names = self._opened.get(root, {})
        return "(" + (" and ".join(f"{self._field((root, name))} is null" for name in names) or "true") + ")"


def json_path(path: KeyPath) -> str:
    """The engine's name of a place; every key is quoted, as `$url` must be."""
    return "$" + "".join("." + json.dumps(key, ensure_ascii=False) for key in path)


def _json_literal(document: dict[str, Any]) -> str:
    return literal(json.dumps(document, ensure_ascii=False))
