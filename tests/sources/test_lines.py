"""Lines of text files and JSON objects on them: what is read once and kept whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from persona_warehouse.sources.access_log.lines import count_repeats
from persona_warehouse.sources.reading import Place, text
from persona_warehouse.sources.reading.jsonl import MOST_KEYS, JsonRecords, KeyPath, keys_of
from persona_warehouse.sources.reading.leftovers import properties_of
from persona_warehouse.sources.reading.text import lines_of
from persona_warehouse.warehouse import literal, scratch


def lines(folder: Path, content: bytes) -> list[tuple[int, str]]:
    path = folder / "a.txt"
    path.write_bytes(content)
    table = lines_of(path).reader().read_all()
    table.validate(full=True)
    return list(zip(table["source_row"].to_pylist(), table["line"].to_pylist(), strict=True))


@pytest.mark.parametrize("block", [1, 2, 3, 5, 1 << 22])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a\nb\n", ["a", "b"]),
        (b"a\nb", ["a", "b"]),
        (b"\n\na\n\n", ["", "", "a", ""]),
        (b"a\r\nb\rc\r\r\n\n", ["a", "b", "c", "", ""]),
        (b"\xef\xbb\xbfa\x01b\n", ["a\x01b"]),
        ("价\n格".encode(), ["价", "格"]),
        (b"", []),
    ],
)
def test_lines_are_the_same_wherever_a_block_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, content: bytes, expected: list[str]
) -> None:
    monkeypatch.setattr(text, "LINES_AT_ONCE", block)
    assert lines(tmp_path, content) == list(enumerate(expected, 1))


def test_a_line_longer_than_a_block_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "BLOCK", 8)
    monkeypatch.setattr(text, "LINES_AT_ONCE", 8)
    assert lines(tmp_path, b"12345678\n1234567\n") == [(1, "12345678"), (2, "1234567")]
    with pytest.raises(pa.ArrowInvalid, match="line 2 is longer than 8 bytes"):
        lines(tmp_path, b"1\n" + b"2" * 30 + b"\n")


def left(
    *records: str | dict[str, Any],
    used: set[KeyPath] | None = None,
    opened: tuple[str, ...] = (),
    spread: str | None = None,
    wanted: tuple[KeyPath, ...] = (),
) -> list[tuple[Any, ...]]:
    """Of each record the wanted texts, then what is left of it."""
    written = [one if isinstance(one, str) else json.dumps(one) for one in records]
    with scratch() as connection:
        table = pa.table({"source_row": list(range(len(written))), "line": written})
        connection.register("records", table)
        keys = keys_of(connection, "records", Place("website", "events", Path("a.jsonl")), written[0], opened)
        rows = JsonRecords("records", keys, wanted)
        texts = "".join(f"{rows.text(path)}, " for path in wanted)
        found = connection.execute(
            f"select {texts} {rows.properties(used or set(), spread)} from {rows.relation} order by source_row"
        ).fetchall()
    return [(*texts, json.loads(rest) if rest else None) for *texts, rest in found]


def test_values_are_read_as_text_and_the_rest_is_kept_as_it_is() -> None:
    record = {"a": 1.50, "A": "big", "b": None, "c": {"x": None, "y": [1, None]}, "d": True, "e\"'": "线"}
    assert left(record, used={("a",)}, wanted=(("a",), ("A",), ("c", "y"), ("z",))) == [
        ("1.5", "big", "[1,null]", None, {"A": "big", "c": {"y": [1, None]}, "d": True, "e\"'": "线"})
    ]


def test_what_is_read_below_a_key_is_taken_out_of_its_object() -> None:
    records: list[Any] = [{"o": {"a": 1, "b": 2}}, {"o": {"a": 1}}, {"o": "text"}, {"o": [3]}, {"p": 1}, {"o": {}}]
    found = left(*records, used={("o", "a")}, opened=("o",), wanted=(("o", "a"),))
    assert found == [
        ("1", {"o": {"b": 2}}), ("1", {"o": {}}), (None, {"o": "text"}), (None, {"o": [3]}), (None, {"p": 1}),
        (None, {"o": {}}),
    ]  # fmt: skip


def test_members_of_a_spread_object_are_those_of_the_record() -> None:
    records: list[Any] = [
        {"a": 1, "s": {"a": 2, "b": 3, "u": 4}}, {"a": 1, "s": {"b": None}}, {"a": 1, "s": '{"b": 5}'},
        {"a": 1, "s": "text"}, {"s": {"u": 4}}, {"a": 1},
    ]  # fmt: skip
    found = left(*records, used={("s", "u")}, opened=("s",), spread="s")
    assert [rest for (rest,) in found] == [
        {"a": 2, "b": 3}, {"a": 1}, {"a": 1, "b": 5}, {"a": 1, "s": "text"}, None, {"a": 1},
    ]  # fmt: skip


def test_keys_without_end_are_kept_too() -> None:
    records = [{"id": str(number), f"key {number}": number, "o": {"a": 1, "b": 2}} for number in range(MOST_KEYS + 1)]
    found = left(*records, used={("id",), ("o", "a")}, opened=("o",), wanted=(("id",), ("o", "a")))
    assert found == [(str(number), "1", {f"key {number}": number, "o": {"b": 2}}) for number in range(MOST_KEYS + 1)]


def test_documents_are_merged_over_members() -> None:
    document = literal('{"a": 2, "c": null}')
    sql = properties_of({"a": "'1'", "b": "null"}, [f"case when has_own then cast({document} as json) end"])
    with scratch() as connection:
        found = connection.execute(f"select {sql} from (select unnest([false, true]) as has_own)").fetchall()
        assert found == [('{"a":1}',), ('{"a":2}',)]
        nothing = f"select {properties_of({'a': 'null'})}, {properties_of({})}"
        assert connection.execute(nothing).fetchall() == [(None, None)]


def test_equal_lines_are_numbered_in_their_order() -> None:
    table = pa.table({"source_row": list(range(1, 8)), "line": list("abacaba")})
    with scratch() as connection:
        found = connection.execute(
            f"select line || nth from {count_repeats(connection, table.to_reader)} order by source_row"
        )
        assert [one for (one,) in found.fetchall()] == ["a1", "b1", "a2", "c1", "a3", "b2", "a4"]


def test_a_load_looks_for_nothing_in_airflow(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("company_id,name\nc1,A\n")
    (tmp_path / "sources.yml").write_text(
        "sources: {crm: [{connector: files, objects: {companies: {file: a.csv}}}]}\n", encoding="utf-8"
    )
    code = f"""
import sys
from datetime import date
from pathlib import Path
from persona_warehouse.settings import Settings
from persona_warehouse.sources.load import load_stream
folder = Path({str(tmp_path)!r})
result = load_stream(Settings(folder / "home", folder / "sources.yml", date(2026, 11, 20), "UTC", 7), "crm")
print(result.rows, "airflow" in sys.modules)"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "False"]
