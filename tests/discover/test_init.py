"""`persona init`: what files and columns are, told from names and values, against files whose meaning is known."""

from __future__ import annotations

import csv
import gzip
import json
import re
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from persona_warehouse import cli
from persona_warehouse.discover.guess import Guess, guess_all
from persona_warehouse.discover.look import encoding_of, look
from persona_warehouse.discover.names import vocabulary
from persona_warehouse.discover.write import sources_text
from persona_warehouse.landing.contract import objects
from persona_warehouse.recognise.vocabulary import SEEDS
from persona_warehouse.settings import load_settings
from persona_warehouse.simulate import simulate
from persona_warehouse.sources.config import read_sources
from persona_warehouse.sources.load import extracts, window_of
from tests.conftest import ROOT, persona

HAND_MADE = ROOT / "tests" / "e2e" / "real_sources.yml"

# what a Chinese system would call the columns of the sample world that bear English names
IN_CHINESE = {
    "companies": ("客户.csv", {
        "Account ID": "客户编码", "Account Name": "客户全称", "Domain": "域名", "Website": "公司网址",
        "Credit Code": "统一社会信用代码", "Industry": "所属行业", "Employees": "员工人数",
        "Annual Revenue": "年销售额", "Currency": "币种", "Country": "国家", "Province": "省份", "City": "城市",
        "Address": "详细地址",
        "Founded": "成立年份", "Funding Stage": "融资轮次", "Total Funding": "融资总额",
        "Parent Account ID": "上级客户", "Owner": "负责人", "Lifecycle": "生命周期阶段",
        "Created At": "创建日期", "Updated At": "最后修改时间",
        "Deleted": "是否作废", "Merged Into": "合并到",
    }),
    "deal_stage_history": ("商机阶段变更记录.csv", {
        "Deal ID": "商机编号", "Stage": "变更后阶段", "Changed At": "变更时间",
    }),
    "deal_contacts": ("商机联系人.csv", {
        "Deal ID": "商机编号", "Contact ID": "联系人编号", "Role": "采购角色", "Primary": "是否主联系人",
    }),
}  # fmt: skip


def write_csv(path: Path, rows: list[list[Any]], encoding: str = "utf-8", delimiter: str = ",") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream, delimiter=delimiter).writerows(rows)


def guessed(folder: Path) -> dict[str, Guess]:
    return {one.name: one for one in guess_all(look(folder))}


def mapping(guess: Guess) -> dict[str, str]:
    return {one.field: one.source for one in guess.columns}


def share_right(found: dict[str, dict[str, str]], wanted: dict[str, dict[str, str]]) -> tuple[int, int, list[str]]:
    """Of the columns that a person mapped those that were guessed the same, all of them, and the others by name."""
    wrong = [
        f"{name}.{landing}: {found.get(name, {}).get(landing)} for {source}"
        for name, columns in wanted.items()
        for landing, source in columns.items()
        if found.get(name, {}).get(landing) != source
    ]
    total = sum(map(len, wanted.values()))
    return total - len(wrong), total, wrong


def objects_of(sources: Path, stream: str = "crm") -> dict[str, dict[str, Any]]:
    return {name: spec for entry in read_sources(sources).streams[stream] for name, spec in entry["objects"].items()}


def columns_of(sources: Path) -> dict[str, dict[str, str]]:
    return {name: dict(spec["columns"]) for name, spec in objects_of(sources).items()}


def landed(sources: Path, home: Path) -> dict[str, tuple[int, int]]:
    """Object -> its rows, and those that would go to quarantine."""
    settings = load_settings(home, sources, "2026-10-31")
    found: dict[str, tuple[int, int]] = {}
    for stream, entries in read_sources(sources).streams.items():
        for entry in entries:
            for one in extracts(entry, stream, settings, window_of(settings)):
                for batch in one.batches():
                    rows, wrong = found.get(one.object, (0, 0))
                    errors = batch.num_rows - batch.column("row_errors").null_count
                    found[one.object] = (rows + batch.num_rows, wrong + errors)
    return found


def run(*arguments: str | Path, said: str | None = None) -> Any:
    return CliRunner().invoke(cli.app, ["init", *map(str, arguments)], input=said, catch_exceptions=False)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample world as a Chinese system exports it: names of columns and files in Chinese, text in GB18030."""
    folder = tmp_path_factory.mktemp("world") / "exports"
    simulate(folder, seed=23, companies=60, days=60)
    for name, (file, headers) in IN_CHINESE.items():
        old = folder / "crm" / f"{name}.csv"
        first, _, rest = old.read_text(encoding="utf-8-sig").partition("\n")
        header = ",".join(headers.get(one, one) for one in first.strip().split(","))
        (folder / "crm" / file).write_bytes(f"{header}\n{rest}".encode("gb18030"))
        old.unlink()
    return folder


@pytest.fixture(scope="module")
def answer(world: Path) -> Path:
    """The sources file of the world, written by hand for the renamed files."""
    content = yaml.safe_load((world / "sources.yml").read_text(encoding="utf-8"))
    by_hand = content["sources"]["crm"][0]["objects"]
    for name, (file, headers) in IN_CHINESE.items():
        by_hand[name]["columns"] = {landing: headers[source] for landing, source in by_hand[name]["columns"].items()}
        by_hand[name] |= {"file": file, "encoding": "gb18030"}
    path = world / "by_hand.yml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def made(world: Path) -> Path:
    """What `persona init --yes` writes for the same files."""
    path = world / "made.yml"
    done = run(world, "--out", path, "--yes", "--currency", "CNY")
    assert done.exit_code == 0, done.output
    return path


def test_a_chinese_export_in_gb18030_is_mapped_as_by_hand(made: Path, answer: Path) -> None:
    right, total, wrong = share_right(columns_of(made), columns_of(answer))
    assert (right, total, wrong) == (187, 187, [])
    specs = objects_of(made)
    assert {name: spec.get("encoding") for name, spec in specs.items() if name in IN_CHINESE} == dict.fromkeys(
        IN_CHINESE, "gb18030"
    )


def test_the_made_file_brings_the_rows_and_the_quarantine_of_the_one_by_hand(
    made: Path, answer: Path, tmp_path: Path
) -> None:
    assert landed(made, tmp_path) == landed(answer, tmp_path)


def test_months_of_web_events_are_one_pattern(made: Path) -> None:
    website = read_sources(made).streams["website"]
    assert [(entry["connector"], Path(entry["path"]).name) for entry in website] == [
        ("events", "events-2026-*.jsonl.gz")
    ]


def test_real_files_are_mapped_as_by_hand(real_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "sources.yml"
    assert run(real_data / "crm_maven_sales_opportunities", "--out", out, "--yes", "--currency", "USD").exit_code == 0
    right, total, wrong = share_right(columns_of(out), columns_of(HAND_MADE))
    assert (right, total, wrong) == (20, 20, [])
    made, by_hand = objects_of(out), objects_of(HAND_MADE)
    assert made["deals"]["formats"] == by_hand["deals"]["formats"]
    scales = [one["companies"]["money"]["annual_revenue"]["scale"] for one in (made, by_hand)]
    assert scales == [1_000_000, 1_000_000]


def test_without_ids_companies_are_known_by_the_name_that_others_refer_to(tmp_path: Path) -> None:
    companies = [[i, f"公司{i}", "制造业", 350 + i] for i in range(20)]
    write_csv(tmp_path / "客户信息.csv", [["序号", "客户名称", "行业", "年营收（万元）"], *companies], "gb18030", ";")
    stages = ["初步洽谈", "方案报价", "赢单"]
    sales = [[f"S{i}", f"公司{i % 20}", stages[i % 3], 1000 * i, f"{i % 28 + 1:02}/11/2026"] for i in range(60)]
    header = ["商机编号", "所属客户", "销售阶段", "预计成交金额", "预计成交日期"]
    write_csv(tmp_path / "商机.csv", [header, *sales])
    found = guessed(tmp_path)
    assert mapping(found["companies"]) == {
        "company_id": "客户名称", "name": "客户名称", "industry": "行业", "annual_revenue": "年营收（万元）"
    }  # fmt: skip
    assert found["companies"].settings == {
        "money": {"annual_revenue": {"format": "#,##0.00", "scale": 10000, "currency": "CNY"}}
    }
    deals = found["deals"]
    assert mapping(deals) == {
        "deal_id": "商机编号", "company_id": "所属客户", "amount": "预计成交金额", "stage": "销售阶段",
        "closed_at": "预计成交日期",
    }  # fmt: skip
    assert deals.settings == {"formats": {"closed_at": "%d/%m/%Y"}, "values": {"stage": {"初步洽谈": "prospecting"}}}


def test_a_history_of_an_object_is_no_second_part_of_it(tmp_path: Path) -> None:
    header = ["Deal ID", "Deal Name", "Stage", "Amount", "Close Date"]
    for name in ("deals_2025", "deals_2026", "deals_history"):
        write_csv(tmp_path / f"{name}.csv", [header, [f"{name}1", "a", "won", 1, "2026-01-01"]])
    looked = look(tmp_path)
    found = guess_all(looked)
    assert [one.looked.name for one in found] == ["deals_2025.csv", "deals_2026.csv"]
    text = sources_text(tmp_path, tmp_path / "s.yml", found, looked, currency="CNY", site=None)
    # deals_202*.csv takes both parts and not the history
    assert yaml.safe_load(text)["sources"]["crm"][0]["objects"]["deals"]["file"] == "deals_202*.csv"
    assert "#   deals_history.csv\n" in text


def test_columns_without_telling_names_are_known_by_their_values(tmp_path: Path) -> None:
    rows = [[f"k{i}", f"王小{i}", f"w{i}@example.com", f"138{i:08}", "备用"] for i in range(30)]
    write_csv(tmp_path / "contacts.csv", [["编号", "姓名", "字段A", "字段B", "字段C"], *rows])
    found = guessed(tmp_path)["contacts"]
    assert mapping(found) == {"contact_id": "编号", "full_name": "姓名", "email": "字段A", "phone": "字段B"}
    assert {one.field: one.is_sure for one in found.columns} == {
        "contact_id": True, "full_name": True, "email": False, "phone": False
    }  # fmt: skip
    assert list(found.left) == ["字段C"]


def test_what_cannot_be_typed_stays_in_properties_and_says_why(tmp_path: Path) -> None:
    rows = [[f"c{i}", f"Firm {i}", f"about {i} people", f"2026-01-{i % 28 + 1:02}"] for i in range(30)]
    write_csv(tmp_path / "accounts.csv", [["Account ID", "Account Name", "Employees", "Created Date"], *rows])
    found = guessed(tmp_path)["companies"]
    assert mapping(found) == {"company_id": "Account ID", "name": "Account Name", "created_at": "Created Date"}
    assert found.left == {"Employees": "called like employee_count, but its values are no integer"}


def test_every_format_and_several_sheets(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for title, rows in {"联系人": [["联系人编号", "姓名", "手机"], ["L1", "李雷", "13800000001"]],
                        "线索": [["线索编号", "公司", "线索状态"], ["X1", "甲公司", "跟进中"]]}.items():  # fmt: skip
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.remove(book["Sheet"])
    book.save(tmp_path / "crm.xlsx")
    pq.write_table(pa.table({"product_id": ["p1"], "name": ["甲"], "list_price": [9.5]}), tmp_path / "products.parquet")
    with gzip.open(tmp_path / "activities.jsonl.gz", "wt", encoding="utf-8") as stream:
        stream.write(
            json.dumps({"id": "a1", "type": "电话", "time": "2026-01-01 10:00:00", "account": "c1"}) + "\n{broken\n"
        )
    looked = look(tmp_path)
    guesses = guess_all(looked)
    found = {one.name: one for one in guesses}
    assert {name: one.looked.sheet for name, one in found.items()} == {
        "contacts": "联系人", "leads": "线索", "products": None, "activities": None
    }  # fmt: skip
    assert mapping(found["activities"]) == {
        "activity_id": "id", "activity_type": "type", "company_id": "account", "occurred_at": "time"
    }  # fmt: skip
    text = sources_text(tmp_path, tmp_path / "s.yml", guesses, looked, currency=None, site=None)
    (tmp_path / "s.yml").write_text(text, encoding="utf-8")
    assert landed(tmp_path / "s.yml", tmp_path / "home") == {
        "contacts": (1, 0), "leads": (1, 0), "products": (1, 0), "activities": (2, 1)
    }  # fmt: skip


def test_a_log_of_a_web_server_and_what_is_no_data(tmp_path: Path) -> None:
    line = '1.2.3.4 - - [01/Nov/2026:00:00:01 +0800] "GET /a HTTP/1.1" 200 5 "-" "x"\n'
    (tmp_path / "access.log").write_text(line)
    (tmp_path / "login.csv").write_text("<!doctype html><html>")
    out = tmp_path / "sources.yml"
    done = run(tmp_path, "--out", out, "--yes", "--site", "https://www.example.com")
    assert done.exit_code == 0
    assert read_sources(out).streams["website"] == [
        {"connector": "access_log", "path": "./access.log", "site": "https://www.example.com"}
    ]
    assert "#   login.csv: the file is a web page, not data\n" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "big5", "utf-16", "cp1252"])
def test_the_encoding_is_told_from_the_bytes(encoding: str) -> None:
    text = {"big5": "客戶名稱,聯絡人\n臺灣積體電路,王先生\n", "cp1252": "Société,Téléphone\nÉlan économie,01 23\n"}
    head = text.get(encoding, "客户名称,联系人\n上海某某科技有限公司,王先生\n").encode(encoding)
    assert encoding_of(head) == encoding.removesuffix("-sig")


def test_a_person_corrects_a_column_and_passes_a_file_over(tmp_path: Path) -> None:
    write_csv(tmp_path / "deals.csv", [["deal id", "name", "amount", "list value"], ["d1", "张三的商机", "5", "6"]])
    write_csv(tmp_path / "leads.csv", [["lead id", "full name", "email"], ["l1", "张三", "zhang@example.com"]])
    out = tmp_path / "sources.yml"
    done = run(tmp_path, "--out", out, said="ammount=x\namount=list value\n\nskip\nUSD\n")
    assert done.exit_code == 0, done.output
    assert "no such column" in done.output
    # nobody's name or address is on the screen
    assert not re.search("张三|zhang@", done.output)
    assert {name: (spec["columns"], spec.get("currency")) for name, spec in objects_of(out).items()} == {
        "deals": ({"deal_id": "deal id", "name": "name", "amount": "list value"}, "USD")
    }


def test_guesses_are_marked_in_the_file(tmp_path: Path) -> None:
    rows = [[f"d{i}", f"公司{i}", "洽谈中的事", f"0{i % 9 + 1}/0{i % 9 + 1}/2026"] for i in range(30)]
    write_csv(tmp_path / "deals.csv", [["deal id", "account name", "stage", "close date"], *rows])
    out = tmp_path / "sources.yml"
    assert run(tmp_path, "--out", out, "--yes").exit_code == 0
    text = out.read_text(encoding="utf-8")
    assert "closed_at: '%m/%d/%Y'  # guess: day and month could be the other way round\n" in text
    assert "# stage: no seed knows 洽谈中的事; map them under `values:`, or add them to the seed\n" in text


def test_a_file_that_is_there_stays_and_an_empty_folder_is_told(tmp_path: Path) -> None:
    from persona_warehouse.errors import ConfigError

    (tmp_path / "sources.yml").write_text("mine")
    with pytest.raises(ConfigError, match="there is a sources file already"):
        run(tmp_path, "--out", tmp_path / "sources.yml", "--yes")
    assert (tmp_path / "sources.yml").read_text() == "mine"
    with pytest.raises(ConfigError, match="the folder holds no exports"):
        run(tmp_path, "--out", tmp_path / "other.yml", "--yes")


def test_names_are_of_columns_that_exist_and_hints_of_words_that_a_seed_knows() -> None:
    for stream in ("crm", "website", "wechat"):
        for name, spec in vocabulary()[stream].items():
            assert set(spec.get("columns", {})) <= set(objects(stream)[name].columns), name
    for words in vocabulary()["vocabularies"].values():
        file, column = words["seed"]
        with (SEEDS / file).open(encoding="utf-8", newline="") as stream_:
            known = {row[column].strip().lower() for row in csv.DictReader(stream_)}
        assert set(words["hints"].values()) <= known
        assert all(of.partition(".")[2] in objects("crm")[of.partition(".")[0]].columns for of in words["of"])


@pytest.mark.heavy
def test_a_night_runs_with_the_made_file(made: Path, tmp_path: Path) -> None:
    done = persona("nightly", "--sources", made, "--date", "2026-10-31", home=tmp_path / "home")
    assert done.code == 0, done.out + done.err
    assert (tmp_path / "home" / "current" / "report" / "index.html").is_file()
