"""The pages of sections: rows become cells, drawings and words; data stays text; what is not there is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from persona_warehouse.report import charts, render_report
from persona_warehouse.report.page import SITE
from persona_warehouse.report.sections import Column
from persona_warehouse.report.texts import Language
from tests.report.conftest import Element, parse

zh, en = Language("zh"), Language("en")
EVIL = "<img src=x onerror=alert(1)>"
ROWS = f"""
insert into marts.accounts by name
    select 'a' || i as account_id, case when i = 0 then '{EVIL}' else '公司 ' || i end as account_name,
        '广东省' as province, '440000' as province_code, 'mvp' as value_class, 1 as won_deal_count,
        1234500 as won_revenue_cny, 500 as gross_profit_cny, 2 as open_deal_count
    from range(60) r(i);
insert into marts.account_tiers by name
    select 't' || i as account_tier_id, 'a' || i as account_id, case when i < 6 then 'S' else 'B' end as tier,
        i < 58 as is_current, 40 as score, i = 0 as is_override
    from range(60) r(i);
insert into marts.key_accounts by name
    select 'k' || i as key_account_id, 'a' || i as account_id, 'revenue' as measure, 'all' as region_type,
        i + 1 as rank_number, 900 - i as amount_cny, 0.01 as region_share, 0.8 as cumulative_share, true as is_key,
        'city' as team, '销售' as sales_seat
    from range(60) r(i);
"""


@pytest.fixture
def page(build: Callable[..., Path], manifest: Callable[..., dict[str, Any]], tmp_path: Path) -> Callable[..., Element]:
    def read(name: str, *statements: str, without: tuple[str, ...] = ()) -> Element:
        if not (tmp_path / "report").exists():
            render_report(build(*statements, without=without), manifest(), tmp_path / "report")
        return parse((tmp_path / "report" / f"{name}.html").read_text(encoding="utf-8"))

    return read


def rows_of(page: Element, section: str) -> list[list[str]]:
    return [row.cells for row in page.one("section", id=section).all("tr")]


def test_a_section_shows_what_its_mart_holds(page: Callable[..., Element]) -> None:
    customers = page("customers", ROWS)
    assert rows_of(customers, "en-tiers")[1:] == [
        ["S", "6", "40", "¥7,407,000", "¥3,000", "12", "1"],
        ["B", "52", "40", "¥64,194,000", "¥26,000", "104", "0"],
    ]
    assert rows_of(customers, "zh-tiers")[1][3] == "¥740.7万"
    drawn = customers.one("section", id="en-tiers").one("svg").text
    assert "7,407,000" in drawn
    assert "64,194,000" in drawn
    provinces = {each.text for each in customers.one("section", id="en-regions").one("svg").all("text")}
    assert {"Guangdong", "60", "Tibet"} <= provinces


def test_a_long_table_is_folded_and_what_it_leaves_out_is_counted(page: Callable[..., Element]) -> None:
    section = page("customers", ROWS).one("section", id="en-key_accounts")
    assert [len(table.all("tr")) - 1 for table in section.all("table")] == [8, 42]
    assert "Show all 60" in section.text
    assert "Not listed here: 10; the table marts.key_accounts has them." in section.text


def test_data_stays_text(page: Callable[..., Element]) -> None:
    customers = page("customers", ROWS)
    assert not customers.all("img")
    assert rows_of(customers, "en-key_accounts")[1][0] == EVIL


def test_drawings_hold_data_as_text() -> None:
    drawing = parse(charts.draw(charts.bars([{"name": EVIL, "n": 3}], "name", "n", "n")))
    assert not drawing.all("img")
    assert EVIL in {each.text for each in drawing.all("text")}


@pytest.mark.parametrize("without", [(), ("marts.account_tiers", "marts.accounts", "marts.kpi_daily")])
def test_what_is_not_there_is_said(page: Callable[..., Element], without: tuple[str, ...]) -> None:
    for name in SITE[1:]:
        for section in page(name, without=without).all("section"):
            assert not section.all("table")
            assert "nothing of this kind yet" in section.text or "还没有这类数据" in section.text


def test_every_page_leads_to_every_other_in_its_language(page: Callable[..., Element]) -> None:
    for name in SITE:
        for code in ("zh", "en"):
            menu = page(name).one("div", data_language=code).one("nav", class_="site")
            assert [each.attributes["href"] for each in menu.all("a")] == [f"{other}.html#{code}" for other in SITE]
            assert [each.attributes["href"] for each in menu.all("a", aria_current="page")] == [f"{name}.html#{code}"]


@pytest.mark.parametrize(
    ("column", "row", "chinese", "english"),
    [
        (Column("value_class", "label"), {"value_class": "mvp"}, "MVP 客户", "MVP"),
        (Column("value_class", "label"), {"value_class": "<unheard>"}, "<unheard>", "<unheard>"),
        (Column("x", "list", group="values.role_slot"), {"x": "user, coach"}, "使用者、内部支持者",
         "Who uses, Who helps us inside"),
        (Column("x", "count"), {"x": 12345}, "12,345", "12,345"),
        (Column("x", "money"), {"x": 12345.6}, "¥1.23万", "¥12,346"),
        (Column("x", "share", n="n"), {"x": 0.25, "n": 8}, "25.0%（n = 8）", "25.0% (n = 8)"),
        (Column("x", "share"), {"x": -0.25}, "-25.0%", "-25.0%"),
        (Column("x", "number"), {"x": 12.34}, "12.3", "12.3"),
        (Column("x", "number"), {"x": 0.05}, "0.05", "0.05"),
        (Column("x", "flag"), {"x": False}, "否", "no"),
        (Column("x", "interval", low="a", high="b"), {"a": 0.1, "b": 0.2}, "10.0%–20.0%", "10.0%–20.0%"),
        (Column("x", "interval", low="a", high="b"), {"a": None, "b": 0.2}, "—", "—"),
        (Column("x", words={"zh": "z", "en": "e"}), {"z": "甲", "e": "A"}, "甲", "A"),
        (Column("x"), {"x": None}, "—", "—"),
    ],
)  # fmt: skip
def test_cells(column: Column, row: dict[str, Any], chinese: str, english: str) -> None:
    assert parse(column.cell(row, zh)).text == chinese.replace("n = ", "n\u00a0=\u00a0").replace("\u00a0", " ")
    assert parse(column.cell(row, en)).text == english
