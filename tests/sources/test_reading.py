"""Files of every format to the landing shape, and what bad ones get."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from persona_warehouse.errors import ConfigError, ExitCode, PersonaError, SourceFault
from persona_warehouse.landing.contract import contract, landing_schema
from persona_warehouse.landing.mapping import Mapping
from persona_warehouse.sources.reading import FileOptions, find_files, fingerprint, read_file, settings_of
from persona_warehouse.sources.reading import text as text_files
from persona_warehouse.sources.reading.tables import unique_names
from tests.sources.workbooks import ErrorCell, write_workbook

REAL = Path(__file__).resolve().parents[3] / "shared" / "data"
DEALS = ("crm", "deals")
EVENTS = ("website", "events")

Row = dict[str, Any]


def read(path: Path, content: str | bytes | None = None, of: tuple[str, str] = DEALS, **settings: Any) -> list[Row]:
    """The rows of a file, without what is empty, in the order of their numbers; errors and raw rows as JSON values."""
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    options = FileOptions(**{key: settings.pop(key) for key in ("encoding", "delimiter", "sheet") if key in settings})
    batches = list(read_file(contract(*of), path, Mapping(**{"columns": {}, **settings}), options))
    assert all(batch.schema == landing_schema(*of) for batch in batches)
    found = [{key: value for key, value in row.items() if value is not None} for b in batches for row in b.to_pylist()]
    for row in found:
        assert row.pop("source_file") == path.name
        for key in ("row_errors", "raw_row", "properties"):
            if key in row:
                row[key] = json.loads(row[key])
    return sorted(found, key=lambda row: row["source_row"])


def refused(path: Path, content: str | bytes | None = None, **settings: Any) -> PersonaError:
    """The error that reading a file ends with; it says everything that an error has to say."""
    with pytest.raises(PersonaError) as caught:
        read(path, content, **settings)
    error = caught.value
    assert (error.source, error.object) == settings.get("of", DEALS)
    assert error.file == str(path)
    assert error.expected and error.found and error.remedy
    assert error.exit_code == (ExitCode.WRONG_USE if isinstance(error, ConfigError) else ExitCode.FAULT)
    return error


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


# CSV

CHINESE = "deal_id,name,amount\nd1,张三丰的合同,1.2亿\nd2,二期,350万\n"
CHINESE_ROWS = [
    {"deal_id": "d1", "name": "张三丰的合同", "amount": Decimal(120_000_000), "source_row": 1},
    {"deal_id": "d2", "name": "二期", "amount": Decimal(3_500_000), "source_row": 2},
]


@pytest.mark.parametrize(
    ("written_as", "declared"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-8", "UTF8"),
        ("gb18030", "gb18030"),
        ("gbk", "GBK"),
        ("utf-16", "utf-16"),
        ("big5", "big5"),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_csv_in_every_encoding_plain_and_zipped(tmp_path: Path, written_as: str, declared: str, zipped: bool) -> None:
    text = CHINESE.replace("张三丰的合同", "張三豐的合同").replace("亿", "億").replace("万", "萬")
    text, name = (text, "張三豐的合同") if written_as == "big5" else (CHINESE, "张三丰的合同")
    content = text.encode(written_as)
    path = tmp_path / ("deals.csv.gz" if zipped else "deals.csv")
    rows = read(path, gzip.compress(content) if zipped else content, encoding=declared)
    assert rows == [{**CHINESE_ROWS[0], "name": name}, CHINESE_ROWS[1]]


def test_an_encoding_holds_across_the_chunks_a_file_is_read_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "CHUNK", 7)
    assert read(tmp_path / "a.csv", CHINESE.encode("gb18030"), encoding="gb18030") == CHINESE_ROWS
    assert read(tmp_path / "b.csv", CHINESE) == CHINESE_ROWS
    error = refused(tmp_path / "c.csv", CHINESE.encode("gb18030"))
    assert error.row == 1


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_line_ending(tmp_path: Path, ending: str) -> None:
    assert read(tmp_path / "deals.csv", CHINESE.replace("\n", ending)) == CHINESE_ROWS


def test_line_endings_may_be_mixed_and_the_last_one_missing(tmp_path: Path) -> None:
    assert read(tmp_path / "deals.csv", "deal_id,amount\r\nd1,1\nd2,2\r\nd3,3") == [
        {"deal_id": f"d{n}", "amount": Decimal(n), "source_row": n} for n in (1, 2, 3)
    ]


def test_quoted_fields_hold_delimiters_quotes_and_lines(tmp_path: Path) -> None:
    text = 'deal_id,name\r\nd1,"a, ""b"" c"\r\nd2,"第一行\n第二行"\r\nd3,"x\r\ny"\r\nd4,5" pipe\r\n'
    assert [row["name"] for row in read(tmp_path / "deals.csv", text)] == [
        'a, "b" c',
        "第一行\n第二行",
        "x\r\ny",
        '5" pipe',
    ]


def test_columns_are_matched_by_name_in_any_order_and_the_rest_is_kept(tmp_path: Path) -> None:
    columns = {"deal_id": "Deal ID", "name": "商机名称"}
    text = '备注,商机名称,Deal ID,客户级别,amount\n好,合同,d1,,5\n,,d2,"A ""+""",\n'
    assert read(tmp_path / "deals.csv", text, columns=columns) == [
        {"deal_id": "d1", "name": "合同", "amount": Decimal(5), "properties": {"备注": "好"}, "source_row": 1},
        {"deal_id": "d2", "properties": {"客户级别": 'A "+"'}, "source_row": 2},
    ]


def test_a_column_that_is_mapped_elsewhere_is_not_taken_by_its_name(tmp_path: Path) -> None:
    rows = read(tmp_path / "deals.csv", "deal_id,name\nd1,n\n", columns={"deal_id": "name"})
    assert rows == [{"deal_id": "n", "properties": {"deal_id": "d1"}, "source_row": 1}]


def test_one_column_may_be_mapped_twice(tmp_path: Path) -> None:
    rows = read(tmp_path / "deals.csv", "id\nd1\n", columns={"deal_id": "id", "name": "id"})
    assert rows == [{"deal_id": "d1", "name": "d1", "source_row": 1}]


def test_blank_and_repeated_header_names_are_told_apart(tmp_path: Path) -> None:
    rows = read(tmp_path / "deals.csv", " deal_id ,x,x,,,Name,name\nd1,1,2,3,4,5,6\n")
    properties = {"x": "1", "x_2": "2", "column_4": "3", "column_5": "4", "Name": "5"}
    assert rows == [{"deal_id": "d1", "name": "6", "properties": properties, "source_row": 1}]


def test_numbered_names_never_meet_names_that_are_there(tmp_path: Path) -> None:
    assert unique_names(["x", "x", "x_2", "", "column_4", "x"]) == ["x", "x_3", "x_2", "column_4_2", "column_4", "x_4"]


def test_names_that_the_reader_uses_itself_are_names_like_any_other(tmp_path: Path) -> None:
    text = 'deal_id,source_row,malformed,c1,errors,it\'s,"say ""x"""\nd1,a,b,c,d,e,f\n'
    properties = {"source_row": "a", "malformed": "b", "c1": "c", "errors": "d", "it's": "e", 'say "x"': "f"}
    assert read(tmp_path / "deals.csv", text) == [{"deal_id": "d1", "properties": properties, "source_row": 1}]


@pytest.mark.parametrize(
    ("name", "text", "delimiter"),
    [
        ("a.tsv", "deal_id\tname\nd1\ta,b;c\n", None),
        ("a.csv", "deal_id;name\nd1;a,b\tc\n", None),
        ("a.txt", "deal_id|name\nd1|a,b;c\n", None),
        ("a.csv", "deal_id^name\nd1^a,b;c\n", "^"),
        ("a.csv", '"deal_id, or so";name\nd1;"a;b"\n', ";"),
    ],
)
def test_delimiters_are_found_or_told(tmp_path: Path, name: str, text: str, delimiter: str | None) -> None:
    columns = {"deal_id": "deal_id, or so"} if "or so" in text else {}
    [row] = read(tmp_path / name, text, delimiter=delimiter, columns=columns)
    assert row["deal_id"] == "d1"
    assert row["name"].startswith("a")


def test_a_header_may_stand_alone(tmp_path: Path) -> None:
    for text in ("deal_id,name\n", "deal_id,name", "deal_id,name\r\n\r\n"):
        assert read(tmp_path / "deals.csv", text) == []


def test_a_header_may_be_quoted_over_lines_and_stand_below_blank_ones(tmp_path: Path) -> None:
    rows = read(tmp_path / "deals.csv", '\ufeff\n\r\n"deal\nid",name\nd1,"x"\n', columns={"deal_id": "deal\nid"})
    assert rows == [{"deal_id": "d1", "name": "x", "source_row": 1}]


def test_blank_rows_are_counted_and_are_no_rows(tmp_path: Path) -> None:
    rows = read(tmp_path / "deals.csv", "deal_id,name\n\nd2,a\n,\n\nd5,b\n,\n")
    assert [(row["deal_id"], row["source_row"]) for row in rows] == [("d2", 2), ("d5", 5)]
    assert [row["source_row"] for row in read(tmp_path / "one.csv", "deal_id\nd1\n\nd3\n")] == [1, 3]


def test_ragged_rows_go_to_quarantine_with_their_number_and_text(tmp_path: Path) -> None:
    text = 'deal_id,name,amount\nd1,"a\nq",1\nd2,b\n\nd4,c,3,更多\nd5,"d",4\n"d6,x"\nd7,e,x\n'
    rows = read(tmp_path / "deals.csv", text)

    def ragged(row: int, raw: str, fields: int) -> Row:
        error = {"field": None, "rule": "malformed_row", "expected": "3 fields", "found": f"{fields} fields"}
        return {"row_errors": [error], "raw_row": raw, "source_row": row}

    assert rows[:-1] == [
        {"deal_id": "d1", "name": "a\nq", "amount": Decimal(1), "source_row": 1},
        ragged(2, "d2,b", 2),
        ragged(4, "d4,c,3,更多", 4),
        {"deal_id": "d5", "name": "d", "amount": Decimal(4), "source_row": 5},
        ragged(6, '"d6,x"', 1),
    ]
    assert (rows[-1]["source_row"], rows[-1]["raw_row"]) == (7, {"deal_id": "d7", "name": "e", "amount": "x"})


def test_rows_keep_their_numbers_over_the_blocks_a_file_is_read_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_files, "BLOCK", 64)
    dice = random.Random(3)
    lines, expected = [], []
    for number in range(1, 400):
        kind = dice.choice(["good", "good", "short", "long", "blank", "lines"])
        lines.append(
            {"good": f"d{number},n", "short": f"d{number}", "long": f"d{number},n,x", "blank": "",
             "lines": f'd{number},"a\nb"'}[kind]
        )  # fmt: skip
        expected += [(number, kind not in ("short", "long"))] if kind != "blank" else []
    rows = read(tmp_path / "deals.csv", "deal_id,name\n" + "\n".join(lines) + "\n")
    assert [(row["source_row"], "row_errors" not in row) for row in rows] == expected
    assert all(row["deal_id"] == f"d{row['source_row']}" for row in rows if "deal_id" in row)


def test_csv_is_read_as_the_standard_library_reads_it(tmp_path: Path) -> None:
    dice = random.Random(11)
    written = [
        [f"d{n}", "".join(dice.choice("a张,;\"\n\r \t|'#\\") for _ in range(dice.randint(0, 8)))]
        for n in range(1, 1_500)
    ]
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows([["deal_id", "name"], *written])
    rows = read(tmp_path / "deals.csv", out.getvalue())
    assert [[row["deal_id"], row.get("name", "")] for row in rows] == [[a, b.strip(" \t\r\n　")] for a, b in written]


# XLSX


def test_a_workbook_gives_its_cells_as_the_spreadsheet_shows_them(tmp_path: Path) -> None:
    sheet = [
        ["deal_id", "amount", "created_at", "closed_at", "is_won", "probability", "备注", None],
        ["d1", 22_700.5, date(2026, 1, 5), datetime(2026, 1, 5, 14, 20), True, 0.1, "a & <b>", "x"],
        [17, Decimal("1200000000"), "2026年3月5日", "2026/3/5 14:20", "否", 1e-7, ErrorCell("#N/A"), None],
        [],
        ["d4", "1.2亿", 46_027, None, None, 1e20, 5, None],
    ]
    rows = read(write_workbook(tmp_path / "deals.xlsx", {"Sheet1": sheet, "Other": [["x"]]}))
    assert rows[0] == {
        "deal_id": "d1", "amount": Decimal("22700.5"), "created_at": utc(2026, 1, 4, 16), "is_won": True,
        "closed_at": utc(2026, 1, 5, 6, 20), "probability": Decimal("0.1"), "source_row": 1,
        "properties": {"备注": "a & <b>", "column_8": "x"},
    }  # fmt: skip
    assert rows[1] == {
        "deal_id": "17", "amount": Decimal(1_200_000_000), "created_at": utc(2026, 3, 4, 16), "is_won": False,
        "closed_at": utc(2026, 3, 5, 6, 20), "probability": Decimal(0), "source_row": 2,
    }  # fmt: skip
    # a day that is no date cell is a number, and numbers are no dates
    assert (rows[2]["source_row"], rows[2]["row_errors"][0]["found"]) == (4, "46027")
    assert (rows[2]["amount"], rows[2]["probability"]) == (Decimal(120_000_000), Decimal(10**20))


def test_a_sheet_is_chosen_by_name_and_its_header_found_below_blank_rows(tmp_path: Path) -> None:
    book = {"说明": [["read me"]], "商机": [[], [], ["Deal ID", "x", "x"], ["d1", 1, 2]], "空表头": [["deal_id"]]}
    path = write_workbook(tmp_path / "deals.xlsx", book)
    rows = read(path, sheet="商机", columns={"deal_id": "Deal ID"})
    assert rows == [{"deal_id": "d1", "properties": {"x": "1", "x_2": "2"}, "source_row": 1}]
    assert read(path, sheet="空表头") == []


def test_a_missing_sheet_is_named_with_those_there_are(tmp_path: Path) -> None:
    error = refused(write_workbook(tmp_path / "a.xlsx", {"商机": [["deal_id"]], "客户": [["x"]]}), sheet="Deals")
    assert isinstance(error, ConfigError)
    assert ("商机, 客户" in str(error), error.found) == (True, "Deals")


def test_a_sheet_with_nothing_in_it_is_an_empty_file(tmp_path: Path) -> None:
    error = refused(write_workbook(tmp_path / "a.xlsx", {"商机": []}))
    assert isinstance(error, SourceFault)
    assert error.problem == "the file is empty"


def test_a_corrupt_workbook_is_a_fault(tmp_path: Path) -> None:
    whole = write_workbook(tmp_path / "whole.xlsx", {"商机": [["deal_id"], ["d1"]]}).read_bytes()
    for content in (whole[:-40], whole[: len(whole) // 2], b"<!DOCTYPE html><html>sign in</html>"):
        error = refused(tmp_path / "a.xlsx", content)
        assert isinstance(error, SourceFault)
        assert error.problem == "the workbook cannot be read"
    error = refused(tmp_path / "a.xlsx", b"deal_id\nd1\n")
    assert isinstance(error, SourceFault)
    assert (error.problem, error.found) == ("the file is not what its name says", "text")


# Parquet


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    noon = datetime(2026, 1, 2, 12)
    table = pa.table(
        {
            "deal_id": pa.array([17, 18, 19], pa.int32()),
            "amount": pa.array([Decimal("12.50"), Decimal("99999999999999.99"), None], pa.decimal128(18, 2)),
            "probability": [0.00001, float("nan"), 1.0],
            "discount_pct": pa.array([1e20, 5, None], pa.float64()),
            "presales_hours": pa.array([3, None, -1], pa.int8()),
            "created_at": pa.array([noon, noon, None], pa.timestamp("ns")),
            "closed_at": pa.array([noon, noon, None], pa.timestamp("ms", "UTC")),
            "updated_at": pa.array([noon, noon, None], pa.timestamp("us", "America/New_York")),
            "is_won": [True, False, None],
            "stage": pa.array(["赢单", "赢单", None]).dictionary_encode(),
            "tags": [[1, 2], [], None],
            "owner": [{"name": "张", "city": None}, None, None],
        }
    )
    pq.write_table(table, tmp_path / "deals.parquet")
    # formats are for texts: a column that is a time already does not need them
    rows = read(tmp_path / "deals.parquet", formats={"created_at": "%d/%m/%Y"}, values={"stage": {"赢单": "won"}})
    assert rows[0] == {
        "deal_id": "17", "amount": Decimal("12.5"), "probability": Decimal("0.00001"), "discount_pct": Decimal(10**20),
        "presales_hours": Decimal(3), "created_at": utc(2026, 1, 2, 4), "closed_at": utc(2026, 1, 2, 12),
        "updated_at": utc(2026, 1, 2, 12), "is_won": True, "stage": "won", "source_row": 1,
        "properties": {"tags": [1, 2], "owner": {"name": "张"}},
    }  # fmt: skip
    assert rows[1]["amount"] == Decimal("99999999999999.99")
    assert "probability" not in rows[1]
    assert rows[2] == {"deal_id": "19", "probability": Decimal(1), "presales_hours": Decimal(-1), "source_row": 3}


def test_parquet_columns_may_differ_in_their_capitals_only(tmp_path: Path) -> None:
    pq.write_table(pa.table({"Deal_ID": ["x"], "deal_id": ["d1"]}), tmp_path / "deals.parquet")
    rows = read(tmp_path / "deals.parquet")
    assert rows == [{"deal_id": "d1", "properties": {"Deal_ID": "x"}, "source_row": 1}]


def test_parquet_lists_fill_json_columns(tmp_path: Path) -> None:
    pq.write_table(pa.table({"openid": ["o1"], "tag_ids": [["a", "b"]]}), tmp_path / "followers.parquet")
    [row] = read(tmp_path / "followers.parquet", of=("wechat", "followers"))
    assert json.loads(row["tag_ids"]) == ["a", "b"]


def test_parquet_rows_are_numbered_and_bad_ones_kept(tmp_path: Path) -> None:
    ids = [f"d{n}" if n % 3 else None for n in range(1, 10_001)]
    pq.write_table(pa.table({"deal_id": ids}), tmp_path / "deals.parquet", row_group_size=1_000)
    rows = read(tmp_path / "deals.parquet")
    assert [row["source_row"] for row in rows] == list(range(1, 10_001))
    assert [row["source_row"] for row in rows if "row_errors" in row] == list(range(3, 10_001, 3))


def test_parquet_without_rows_is_no_error(tmp_path: Path) -> None:
    pq.write_table(pa.table({"deal_id": pa.array([], pa.string())}), tmp_path / "deals.parquet")
    assert read(tmp_path / "deals.parquet") == []


def test_half_a_parquet_file_is_a_fault(tmp_path: Path) -> None:
    pq.write_table(pa.table({"deal_id": [f"d{n}" for n in range(1_000)]}), tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    spoiled = whole[:500] + b"\0" * 200 + whole[700:]
    for content in (whole[: len(whole) // 2], whole[:-1], whole[4:], b"PAR1", b"<html>sign in</html>", spoiled):
        error = refused(tmp_path / "deals.parquet", content)
        assert isinstance(error, SourceFault)
        assert "a whole Parquet file" in str(error)


# JSON lines

EVENT = {"event_id": "e1", "anonymous_id": "a1", "occurred_at": "2026-01-01T10:00:00+08:00"}
EVENT_ROW = {"event_id": "e1", "anonymous_id": "a1", "occurred_at": utc(2026, 1, 1, 2), "source_row": 1}


def lines(*records: Any) -> str:
    return "".join(f"{r if isinstance(r, str) else json.dumps(r, ensure_ascii=False)}\n" for r in records)


@pytest.mark.parametrize("name", ["events.jsonl", "events.ndjson", "events.json", "events.jsonl.gz"])
def test_json_lines_plain_and_zipped(tmp_path: Path, name: str) -> None:
    content = lines({**EVENT, "page_title": "首页", "http_status": 200}).encode()
    rows = read(tmp_path / name, gzip.compress(content) if name.endswith("gz") else content, of=EVENTS)
    assert rows == [{**EVENT_ROW, "page_title": "首页", "http_status": 200}]


@pytest.mark.parametrize(
    ("extra", "properties"),
    [
        ({"plan": "pro", "seats": 5, "empty": None}, {"plan": "pro", "seats": 5}),
        ({"properties": {"a": 1, "n": None, "deep": {"b": [1, None]}}}, {"a": 1, "deep": {"b": [1, None]}}),
        ({"properties": {"a": 1}, "a": 2, "b": 3}, {"a": 1, "b": 3}),
        ({"properties": '{"k": "v"}'}, {"k": "v"}),
        ({"properties": "free text"}, {"properties": "free text"}),
        ({"properties": None}, None),
        ({"properties": {}}, None),
        ({'say "x"': 1, "it's": 2, "a.b": 3}, {'say "x"': 1, "it's": 2, "a.b": 3}),
    ],
)
def test_unknown_keys_and_nested_properties_are_kept(tmp_path: Path, extra: Row, properties: Row | None) -> None:
    [row] = read(tmp_path / "events.jsonl", lines({**EVENT, **extra}), of=EVENTS)
    assert row.get("properties") == properties


def test_keys_are_mapped_typed_and_may_be_missing_in_some_lines(tmp_path: Path) -> None:
    columns = {"deal_id": "id", "amount": 'the "sum"', "is_won": "won"}
    text = lines(
        {"id": 7, 'the "sum"': 1.5e3, "won": True}, {"id": "d2", 'the "sum"': "350万"}, {"id": "d3", "won": None}
    )
    assert read(tmp_path / "deals.jsonl", text, columns=columns) == [
        {"deal_id": "7", "amount": Decimal(1500), "is_won": True, "source_row": 1},
        {"deal_id": "d2", "amount": Decimal(3_500_000), "source_row": 2},
        {"deal_id": "d3", "source_row": 3},
    ]


def test_a_key_that_first_comes_late_in_the_file_still_fills_its_column(tmp_path: Path) -> None:
    text = lines(*[EVENT] * 10_100, {**EVENT, "email": "a@example.com"})
    rows = read(tmp_path / "events.jsonl", text, of=EVENTS)
    assert (rows[-1]["email"], rows[-1]["source_row"], "properties" in rows[-1]) == ("a@example.com", 10_101, False)


def test_lines_that_are_no_json_object_go_to_quarantine_with_their_number_and_text(tmp_path: Path) -> None:
    whole = json.dumps(EVENT)
    text = lines(
        EVENT, "", whole[:50], "[1]", "null", '"text"', "{'a': 1}", "a\x01b", {**EVENT, "event_id": None}, EVENT
    )
    rows = read(tmp_path / "events.jsonl", text.replace("\n", "\r\n"), of=EVENTS)
    broken = {
        row["source_row"]: row["raw_row"]
        for row in rows
        if row.get("row_errors", [{}])[0].get("rule") == "malformed_json"
    }
    assert broken == {3: whole[:50], 4: "[1]", 5: "null", 6: '"text"', 7: "{'a': 1}", 8: "a\x01b"}
    assert rows[1]["row_errors"][0]["expected"] == "one JSON object a line"
    assert [(row["source_row"], row["row_errors"][0]["rule"]) for row in rows[-2:-1]] == [(9, "required")]
    assert rows[-1] == {**EVENT_ROW, "source_row": 10}


def test_the_last_line_may_be_cut(tmp_path: Path) -> None:
    text = lines(EVENT, EVENT)
    rows = read(tmp_path / "events.jsonl", text[:-20], of=EVENTS)
    assert (rows[0], rows[1]["row_errors"][0]["rule"]) == (EVENT_ROW, "malformed_json")


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([EVENT, EVENT]),
        "[\n" + lines(EVENT) + "]\n",
        json.dumps(EVENT, indent=1),
        "event_id\ne1\n",
        "Error 500\n",
    ],
)
def test_other_json_and_no_json_are_faults(tmp_path: Path, text: str) -> None:
    error = refused(tmp_path / "events.json", text, of=EVENTS)
    assert isinstance(error, SourceFault)
    assert error.problem == "the file holds no JSON lines"


def test_a_wrong_encoding_in_json_lines_names_the_line(tmp_path: Path) -> None:
    content = lines(EVENT, {**EVENT, "page_title": "首页"}).encode("gb18030")
    assert refused(tmp_path / "events.jsonl", content, of=EVENTS).row == 2


# bad input: one clear error each

LOGIN = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n"


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json", "a.tsv"])
@pytest.mark.parametrize("page", [LOGIN, "\n\n  <html>", "\ufeff<!doctype HTML>", '<?xml version="1.0"?>\n<error/>'])
def test_a_login_page_is_a_fault(tmp_path: Path, name: str, page: str) -> None:
    error = refused(tmp_path / name, page)
    assert isinstance(error, SourceFault)
    assert error.problem == "the file is a web page, not data"
    assert "<" in (error.found or "")
    assert "sign in" in (error.remedy or "")


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.jsonl", "a.jsonl.gz", "a.xlsx", "a.parquet"])
def test_an_empty_file_is_a_fault(tmp_path: Path, name: str) -> None:
    error = refused(tmp_path / name, b"")
    assert isinstance(error, SourceFault)
    assert (error.problem, error.found) == ("the file is empty", "0 bytes and nothing in them")


@pytest.mark.parametrize("blank", ["\n", "\ufeff", " \r\n\t\r\n"])
def test_a_blank_file_is_empty_too(tmp_path: Path, blank: str) -> None:
    assert refused(tmp_path / "a.csv", blank).problem == "the file is empty"
    assert refused(tmp_path / "a.jsonl.gz", gzip.compress(blank.encode())).problem == "the file is empty"


@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.gz"])
def test_a_truncated_or_false_gzip_is_a_fault(tmp_path: Path, name: str) -> None:
    text = lines(*({"deal_id": f"d{n}"} for n in range(1_000))) if "json" in name else "deal_id\n" + "d1\n" * 1_000
    whole = gzip.compress(text.encode())
    for content in (
        whole[: len(whole) // 2],
        whole[:-4],
        whole[:-9],
        whole[:30] + bytes(255 - byte for byte in whole[30:60]) + whole[60:],
        LOGIN.encode(),
    ):
        error = refused(tmp_path / name, content)
        assert isinstance(error, SourceFault)
        assert error.problem == "the file cannot be read to its end"
        assert "nothing of it was loaded" in (error.remedy or "")


def test_a_quote_that_never_closes_is_a_fault_and_not_one_huge_row(tmp_path: Path) -> None:
    text = 'deal_id,name\nd1,"a\nb"\nd2,"c\nd3,d\nd4,e\n'
    error = refused(tmp_path / "a.csv", text)
    assert isinstance(error, SourceFault)
    assert (error.problem, error.row) == ("a quote is opened and never closed", 2)
    # cut in the middle of its last field
    assert refused(tmp_path / "b.csv", 'deal_id,name\nd1,a\nd2,"b').row == 2
    # closed by the next quote, far below
    assert refused(tmp_path / "c.csv", 'deal_id,name\nd1,"a\nd2,b\nd3,"c"\n').row == 1


def test_a_quote_that_swallows_more_than_can_be_held_is_found_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_files, "BLOCK", 256)
    error = refused(tmp_path / "a.csv", 'deal_id,name\nd1,a\nd2,"b\n' + "d3,c\n" * 200)
    assert (error.problem, error.row) == ("a quote is opened and never closed", 2)


def test_a_header_with_an_open_quote_is_a_fault(tmp_path: Path) -> None:
    assert refused(tmp_path / "a.csv", '"deal_id,name\nd1,a\n').problem == "the header line cannot be read"


def test_a_wrong_column_name_is_told_with_the_nearest(tmp_path: Path) -> None:
    columns = {"deal_id": "Deal ID", "amount": "Amount (USD)"}
    error = refused(tmp_path / "a.csv", "Deal ID,Amuont (USD),Stage\nd1,5,s\n", columns=columns)
    assert isinstance(error, ConfigError)
    assert (error.field, error.expected) == ("Amount (USD)", "a column Amount (USD)")
    assert error.found == "Deal ID, Amuont (USD), Stage (nearest: Amuont (USD))"
    assert "`columns:`" in (error.remedy or "")


@pytest.mark.parametrize(
    ("name", "content"), [("a.csv", "Deal_ID,amount\nd1,5\n"), ("a.jsonl", '{"Deal_ID": "d1"}\n{"amount": 5}\n')]
)
def test_a_required_column_that_nothing_gives_is_one_error_not_one_a_row(
    tmp_path: Path, name: str, content: str
) -> None:
    error = refused(tmp_path / name, content)
    assert isinstance(error, ConfigError)
    assert (error.problem, error.field) == ("a required column is not in the file", "deal_id")
    assert "nearest: Deal_ID" in (error.found or "")
    assert read(tmp_path / name, content, constants={"deal_id": "c"})[0]["deal_id"] == "c"


@pytest.mark.parametrize(
    ("text", "row"),
    [("deal_id,name\nd1,a\nd2,张三\n", 2), ("deal_id,名称\nd1,a\n", None), ("deal_id,name\nd1,张\n", 1)],
)
def test_a_wrong_encoding_names_the_row_and_the_right_encoding(tmp_path: Path, text: str, row: int | None) -> None:
    error = refused(tmp_path / "a.csv", text.encode("gb18030"))
    assert isinstance(error, ConfigError)
    assert (error.row, error.expected) == (row, "utf-8")
    assert ("in the header line" in (error.found or "")) is (row is None)
    assert "row 0" not in str(error)
    assert "set `encoding: gb18030`" in (error.remedy or "")


def test_utf8_that_is_said_to_be_gb18030_is_noticed_though_every_byte_is_valid(tmp_path: Path) -> None:
    error = refused(tmp_path / "a.csv", "deal_id,name\nd1,中文\n", encoding="gb18030")
    assert isinstance(error, ConfigError)
    assert "set `encoding: utf-8`" in (error.remedy or "")


def test_short_gb18030_words_that_happen_to_be_valid_utf8_are_left_alone(tmp_path: Path) -> None:
    content = "deal_id,name\nd1,元\nd2,一\n".encode("gb18030")
    content.decode("utf-8")
    assert [row["name"] for row in read(tmp_path / "a.csv", content, encoding="gb18030")] == ["元", "一"]


def test_other_encodings_are_guessed_only_when_they_fit(tmp_path: Path) -> None:
    assert "set `encoding: utf-16`" in (refused(tmp_path / "a.csv", "deal_id\nd1\n".encode("utf-16")).remedy or "")
    assert "set `encoding: …`" in (
        refused(tmp_path / "b.csv", "deal_id,name\nd1,café\n".encode("latin-1")).remedy or ""
    )


@pytest.mark.parametrize("encoding", ["klingon", "base64", "rot13"])
def test_an_unknown_encoding_is_named(tmp_path: Path, encoding: str) -> None:
    error = refused(tmp_path / "a.csv", "deal_id\nd1\n", encoding=encoding)
    assert isinstance(error, ConfigError)
    assert (error.problem, error.found) == ("no such encoding", encoding)


@pytest.mark.parametrize("name", ["deals.dat", "deals", "deals.csv.zip", "deals.pdf"])
def test_an_unknown_ending_is_named(tmp_path: Path, name: str) -> None:
    error = refused(tmp_path / name, "deal_id\nd1\n")
    assert isinstance(error, ConfigError)
    assert ".csv" in (error.expected or "")
    assert error.found == name


def test_dates_in_another_format_are_quarantined_one_by_one(tmp_path: Path) -> None:
    text = "deal_id,created_at\nd1,2026-01-02\nd2,01/02/2026\nd3,\nd4,13/02/2026\n"
    rows = read(tmp_path / "a.csv", text)
    bad = {row["source_row"]: row["row_errors"] for row in rows if "row_errors" in row}
    assert {row: errors[0]["found"] for row, errors in bad.items()} == {2: "01/02/2026", 4: "13/02/2026"}
    assert all(errors[0]["field"] == "created_at" and "`formats:`" in errors[0]["expected"] for errors in bad.values())


def test_a_file_that_vanishes_is_a_fault(tmp_path: Path) -> None:
    assert isinstance(refused(tmp_path / "gone.csv"), SourceFault)


# which files


def test_a_pattern_gives_its_files_sorted_and_no_others(tmp_path: Path) -> None:
    names = ["b.csv", "a.csv", ".hidden.csv", "~$a.csv", "c.txt", "sub/d.csv", "[2026] x.csv"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.csv").mkdir()

    def found(pattern: str) -> list[str]:
        return [p.relative_to(tmp_path).as_posix() for p in find_files(tmp_path, pattern, source="crm", object="deals")]

    assert found("*.csv") == ["[2026] x.csv", "a.csv", "b.csv"]
    assert found("**/*.csv") == ["[2026] x.csv", "a.csv", "b.csv", "sub/d.csv"]
    assert found("[ab].csv") == ["a.csv", "b.csv"]
    assert found("[2026] x.csv") == ["[2026] x.csv"]
    assert found(str(tmp_path / "?.csv")) == ["a.csv", "b.csv"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("Acounts.csv", "nothing of that name; similar: Accounts.csv"),
        ("accounts_*.csv", "nothing of that name; similar: Accounts.csv"),
        ("zzz.parquet", "nothing of that name"),
        ("nowhere/Accounts.csv", "no such folder"),
    ],
)
def test_a_missing_file_is_told_with_names_like_it(tmp_path: Path, pattern: str, found: str) -> None:
    (tmp_path / "Accounts.csv").touch()
    with pytest.raises(ConfigError) as caught:
        find_files(tmp_path, pattern, source="crm", object="companies")
    error = caught.value
    assert (error.source, error.object, error.file) == ("crm", "companies", str(tmp_path / pattern))
    assert error.found == found
    assert error.expected and error.remedy


def test_a_fingerprint_follows_the_bytes_and_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("deal_id\nd1\n")
    plain = settings_of(Mapping(columns={}), FileOptions())
    first = fingerprint(path, plain)
    assert fingerprint(path, plain) == first
    assert fingerprint(path, settings_of(Mapping(columns={"name": "x"}), FileOptions())) != first
    assert fingerprint(path, settings_of(Mapping(columns={}), FileOptions(encoding="gbk"))) != first
    path.write_text("deal_id\nd2\n")
    assert fingerprint(path, plain) != first


# real files

MAVEN = REAL / "crm_maven_sales_opportunities"
needs_maven = pytest.mark.skipif(not MAVEN.exists(), reason="../shared/data/crm_maven_sales_opportunities is not there")


@needs_maven
def test_real_accounts_come_with_their_revenue_in_dollars() -> None:
    rows = read(
        MAVEN / "accounts.csv",
        of=("crm", "companies"),
        columns={
            "company_id": "account", "name": "account", "industry": "sector", "employee_count": "employees",
            "annual_revenue": "revenue", "country": "office_location", "founded_year": "year_established",
            "parent_company_id": "subsidiary_of",
        },
        money={"annual_revenue": {"format": "#,##0.00", "scale": 1_000_000, "currency": "USD"}},
    )  # fmt: skip
    assert len(rows) == 85
    assert not [row for row in rows if "row_errors" in row]
    assert sum("parent_company_id" in row for row in rows) == 15
    assert sum(row["industry"] == "technolgy" for row in rows) == 12
    assert (rows[0]["annual_revenue"], rows[0]["currency"]) == (Decimal(1_100_040_000), "USD")


@needs_maven
def test_real_deals_without_an_account_stay_and_their_american_dates_need_a_format() -> None:
    settings = {
        "columns": {
            "deal_id": "opportunity_id", "company_id": "account", "stage": "deal_stage", "created_at": "engage_date",
            "closed_at": "close_date", "amount": "close_value", "owner_id": "sales_agent",
        }
    }  # fmt: skip
    formats = {"created_at": "%m/%d/%Y", "closed_at": "%m/%d/%Y"}
    rows = read(MAVEN / "sales_pipeline.csv", **settings, formats=formats)
    assert len(rows) == 8_800
    assert not [row for row in rows if "row_errors" in row]
    assert sum("company_id" not in row for row in rows) == 1_425
    assert rows[0]["created_at"] == utc(2016, 10, 19, 16)
    unread = read(MAVEN / "sales_pipeline.csv", **settings)
    dated = sum("created_at" in row or "closed_at" in row for row in rows)
    assert sum("row_errors" in row for row in unread) == dated > 8_000
