"""The files connector: what a sources file's entry becomes, and what each mistake in it gets."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from persona_warehouse.errors import ConfigError, SourceFault
from persona_warehouse.landing.extract import Window
from persona_warehouse.settings import Settings
from persona_warehouse.sources import files
from persona_warehouse.sources.config import read_sources

NIGHT = Window(datetime(2026, 11, 19, 16, tzinfo=UTC), datetime(2026, 11, 20, 16, tzinfo=UTC))

Tables = dict[str, pa.Table]


def extract(tmp_path: Path, entry: str) -> list[Any]:
    """The extracts of an entry of crm, written as it stands in a sources file."""
    path = tmp_path / "sources.yml"
    path.write_text(f"sources:\n  crm:\n    - {entry.strip()}\n", encoding="utf-8")
    [config] = read_sources(path).streams["crm"]
    settings = Settings(tmp_path / "home", path, date(2026, 11, 20), "Asia/Shanghai", 7)
    return list(files.extract(config, "crm", settings, NIGHT))


def rows(extracts: list[Any]) -> list[dict[str, Any]]:
    found = [row for one in extracts for batch in one.batches() for row in batch.to_pylist()]
    return [{key: value for key, value in row.items() if value is not None} for row in found]


def refused(tmp_path: Path, entry: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        extract(tmp_path, entry)
    assert caught.value.source == "crm"
    assert caught.value.expected and caught.value.found and caught.value.remedy
    return caught.value


def test_everything_that_a_mapping_can_say(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    header = "Account ID;Account Name;Revenue;Employees;Industry;Created;Deleted;Memo"
    lines = [header, "1;海河科技;$22,700.00;1.2万;technolgy;05 Mar, 2026 10:11:12;N/A;老客户", "2;X;;5;n/a;;no;"]
    (tmp_path / "exports" / "Accounts.csv").write_bytes("\n".join(lines).encode("gb18030"))
    [found] = extract(
        tmp_path,
        """
      connector: files
      path: exports/
      objects:
        companies:
          file: Accounts.csv
          encoding: gb18030
          delimiter: ";"
          columns: {company_id: Account ID, name: Account Name, annual_revenue: Revenue, employee_count: Employees,
                    industry: Industry, created_at: Created, is_deleted: Deleted}
          formats: {created_at: "%d %b, %Y %H:%M:%S"}
          money: {annual_revenue: "$#,##0.00"}
          values: {industry: {technolgy: Technology, n/a: null}, is_deleted: {N/A: false}}
          constants: {country: 中国, merged_into_id: null}
          timezone: Europe/Berlin
          currency: USD
        """,
    )
    assert (found.object, found.origin) == ("companies", "exports/Accounts.csv")
    assert rows([found]) == [
        {
            "company_id": "1", "name": "海河科技", "annual_revenue": Decimal(22_700), "currency": "USD",
            "employee_count": 12_000, "industry": "Technology", "country": "中国", "is_deleted": False,
            "created_at": datetime(2026, 3, 5, 9, 11, 12, tzinfo=UTC), "properties": '{"Memo":"老客户"}',
            "source_file": "Accounts.csv", "source_row": 1,
        },
        {
            "company_id": "2", "name": "X", "employee_count": 5, "country": "中国", "is_deleted": False,
            "source_file": "Accounts.csv", "source_row": 2,
        },
    ]  # fmt: skip


def test_a_pattern_gives_one_extract_a_file_named_by_its_path(tmp_path: Path) -> None:
    for name in ("a/deals.csv", "b/deals.csv"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(f"deal_id\n{name}\n")
    found = extract(tmp_path, '{connector: files, objects: {deals: {file: "*/deals.csv"}}}')
    assert [one.origin for one in found] == ["a/deals.csv", "b/deals.csv"]
    assert [row["deal_id"] for row in rows(found)] == ["a/deals.csv", "b/deals.csv"]
    assert {row["source_file"] for row in rows(found)} == {"deals.csv"}


def test_paths_may_be_absolute_or_climb_as_the_user_wrote_them(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "deals.csv").write_text("deal_id\nd1\n")
    (tmp_path / "here").mkdir()
    for path in (str(tmp_path / "elsewhere"), "../elsewhere"):
        [found] = extract(
            tmp_path / "here", f"{{connector: files, path: {path}, objects: {{deals: {{file: deals.csv}}}}}}"
        )
        assert [row["deal_id"] for row in rows([found])] == ["d1"]
        assert found.origin.endswith("elsewhere/deals.csv")


def test_a_file_s_print_changes_with_its_bytes_and_its_settings_only(tmp_path: Path) -> None:
    def of(spec: str) -> str:
        return extract(tmp_path, f"{{connector: files, objects: {{deals: {{file: deals.csv{spec}}}}}}}")[0].fingerprint

    (tmp_path / "deals.csv").write_text("deal_id\nd1\n")
    first = of("")
    assert of(", encoding: utf-8") == first
    assert len({first, of(", timezone: UTC"), of(", currency: CNY"), of(", constants: {stage: won}")}) == 4
    (tmp_path / "deals.csv").write_text("deal_id\nd2\n")
    assert of("") != first


def test_nothing_is_read_before_the_load_takes_it(tmp_path: Path) -> None:
    (tmp_path / "deals.csv").write_text("<html>sign in</html>")
    [found] = extract(tmp_path, "{connector: files, objects: {deals: {file: deals.csv}}}")
    with pytest.raises(SourceFault, match="web page"):
        list(found.batches())


@pytest.mark.parametrize(
    ("spec", "delimiter"), [('"\\t"', "\t"), ("'\\t'", "\t"), ("tab", "\t"), ('"|"', "|"), ('","', ",")]
)
def test_a_delimiter_is_one_character_or_a_tab(tmp_path: Path, spec: str, delimiter: str) -> None:
    (tmp_path / "deals.csv").write_text(f"deal_id{delimiter}name\nd1{delimiter}n\n")
    found = extract(tmp_path, f"{{connector: files, objects: {{deals: {{file: deals.csv, delimiter: {spec}}}}}}}")
    assert rows(found)[0]["name"] == "n"


@pytest.mark.parametrize(
    ("entry", "place", "words"),
    [
        ({"paths": "x"}, (None, "paths"), ["unknown", "nearest: path"]),
        ({"path": ["x"]}, (None, "path"), ["one text", "a list"]),
        ({"objects": None}, (None, None), ["no objects"]),
        ({"objects": ["deals"]}, (None, "objects"), ["must be a map", "a list"]),
        ({"objects": {"deal": {"file": "deals.csv"}}}, ("deal", None), ["no such landing object", "deals"]),
        ({"objects": {"deals": "deals.csv"}}, (None, "deals"), ["must be a map"]),
        ({"objects": {"deals": {}}}, ("deals", "file"), ["`file:` is missing"]),
        ({"objects": {"deals": {"file": ["a.csv", "b.csv"]}}}, ("deals", "file"), ["one text", "a list"]),
        ({"deals": {"colums": {"deal_id": "x"}}}, ("deals", "colums"), ["unknown", "nearest: columns"]),
        ({"deals": {"columns": ["deal_id"]}}, ("deals", "columns"), ["must be a map"]),
        ({"deals": {"columns": {"ammount": "Amount"}}}, ("deals", "ammount"), ["does not exist", "nearest: amount"]),
        ({"deals": {"formats": {"created": "%Y"}}}, ("deals", "created"), ["does not exist", "created_at"]),
        ({"deals": {"formats": {"created_at": "DD/MM"}}}, ("deals", "created_at"), ["time format", "DD/MM"]),
        ({"deals": {"values": {"stage": "won"}}}, ("deals", "stage"), ["must be a map"]),
        ({"deals": {"money": {"amount": {"scale": 3}}}}, ("deals", "amount"), ["scale"]),
        ({"deals": {"timezone": "Mars/Olympus"}}, ("deals", None), ["time zone"]),
        ({"deals": {"delimiter": ";;"}}, ("deals", "delimiter"), ["one character"]),
        ({"deals": {"delimiter": '"'}}, ("deals", "delimiter"), ["one character"]),
        ({"deals": {"file": "Deals.xlsx"}}, ("deals", None), ["missing", "deals.csv"]),
        ({"path": "export", "deals": {}}, ("deals", None), ["missing", "no such folder"]),
    ],
)
def test_every_mistake_is_one_clear_error(
    tmp_path: Path, entry: dict[str, Any], place: tuple[str | None, str | None], words: list[str]
) -> None:
    (tmp_path / "deals.csv").write_text("deal_id\nd1\n")
    if "deals" in entry:
        entry = {**entry, "objects": {"deals": {"file": "deals.csv", **entry["deals"]}}}
        del entry["deals"]
    error = refused(tmp_path, yaml.dump({"connector": "files", **entry}, default_flow_style=True, width=1_000))
    assert (error.object, error.field) == place
    assert all(word in str(error) for word in words), str(error)
