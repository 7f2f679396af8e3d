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
insert into marts.icp_personas by name
    select 'p1' as persona_id, 'persona' as kind, 1 as persona_number, '用数据决策' as name_zh, '{EVIL}' as name_en,
        '半数企业' as description_zh, 'Half of them' as description_en, 40 as account_count, 10 as customer_count,
        0.25 as customer_rate, 0.14 as customer_rate_low, 0.4 as customer_rate_high, 22 as cycle_days,
        9 as cycle_days_n,
        false as is_thin
    union all by name
    select 'best' as persona_id, 'best customers' as kind, '最好的客户' as name_zh, 'The best' as name_en,
        'x' as description_zh, 'y' as description_en, 10 as account_count, 10 as customer_count, true as is_thin;
insert into marts.icp_traits by name
    select 't' || i as icp_trait_id, 'best' as persona_id, 'data_driven' as attribute, value,
        '用数据' as value_words_zh,
        'by data' as value_words_en, 'value' as tested_as, 0.6 as share_best, 10 as best_n, 0.2 as share_rest,
        50 as rest_n, 3 as lift, difference, difference - 0.2 as difference_low, difference + 0.2 as difference_high,
        0.0004 as p_adjusted, true as is_distinguishing
    from (values (1, 'yes', 0.4), (2, 'no', -0.4)) as r(i, value, difference);
insert into marts.persona_stories by name
    select 's' || i as persona_story_id, 'ideal_customer' as story, i as sentence_number,
        '第' || i || '句。' as text_zh,
        'Sentence ' || i || '.' as text_en, i = 2 as is_guess, false as is_thin
    from range(1, 3) r(i);
insert into marts.win_rates_by_prior_solution by name
    select 'w' || i as win_rate_id, level, prior_solution, product, 10 as n, 4 as wins, 0.4 as win_rate,
        0.2 as win_rate_low, 0.7 as win_rate_high, false as is_different
    from (values (1, 'all', 'all', 'all'), (2, 'prior solution', 'competitor', 'all'),
        (3, 'product', 'competitor', '友商')) as r(i, level, prior_solution, product);
insert into marts.icp_fit_backtests by name
    select 'unseen accounts' as test, i as decile, 10 as n, 5 as k, 0.5 as rate, 0.3 as rate_low, 0.7 as rate_high,
        0.7 as auc, 'beats a constant; does not beat the points table made by hand' as verdict
    from range(11) r(i);
insert into marts.icp_fit_scores by name
    select 'z' as account_id, 12.5 as score, 0.8 as probability, 'strong' as segment,
        'data_driven +9.0; prior_solution -3.5; a +0.2; b +0.1' as signals;
insert into marts.accounts by name select 'z' as account_id, '望海' as account_name, 0 as won_deal_count;
insert into marts.ecosystem_map by name
    select 'e' || i as ecosystem_post_id, 'all' as persona, 'p' || i as post, '岗位' || i as post_zh,
        'Post ' || i as post_en,
        7 as people_count, i - 1 as net_gain, 0.5 as influence, true as is_guess
    from range(3) r(i);
insert into marts.target_vs_actual by name
    select step || value as target_vs_actual_id, 'province' as attribute, value, step, step_order,
        'best customers' as basis, 20 as n, 10 as k, 0.5 as target_share, 0.5 + off as actual_share, off as difference,
        distance, 0.05 as distance_by_chance, step = 'raw' as is_drift_step
    from (values ('visitor', 1, '广东省', 0.0, 0.0), ('raw', 3, '广东省', -0.25, 0.25),
        ('raw', 3, '四川省', 0.25, 0.25)) as r(step, step_order, value, off, distance);
insert into marts.account_health by name
    select 'a1' as account_id, 'customer' as standing, 'S' as tier, 'at_risk' as health, '久未接触' as risks_zh,
        'no touch for 200 days' as risks_en, '打电话' as next_action_zh, 'call' as next_action_en,
        'sales' as action_owner,        4 as known_count, 5 as asked_count, 3 as risk_weight;
insert into marts.content_demand by name
    select stage || content_type as content_demand_id, content_type, 'all' as role, stage, 'all' as channel,
        12 as page_views, 0.5 as demand_share, 3 as item_count, 0.75 as supply_share, -0.25 as gap
    from (values ('all', 'case'), ('all', 'swot'), ('seek', 'case'), ('seek', 'swot')) as r(stage, content_type);
insert into marts.follower_cohorts by name
    select outcome as follower_cohort_id, 'all' as cohort, 'all' as scene, 30 as window_days, outcome, 40 as new_n,
        0.2 as new_rate, 0.1 as new_rate_low, 0.35 as new_rate_high, 50 as long_n, 0.04 as long_rate,
        0.01 as long_rate_low, 0.13 as long_rate_high, 5 as lift, 1.2 as lift_low, 20 as lift_high
    from (values ('lead'), ('won')) as r(outcome);
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


def test_a_row_may_be_a_card_of_what_is_known(page: Callable[..., Element]) -> None:
    personas = page("personas", ROWS)
    cards = personas.one("section", id="en-icp").all("article")
    assert len(cards) == 2
    assert not personas.all("img")
    # the persona first; flags that are not so, and what is not known, are no facts of it
    assert [each.text for each in cards[0].all("h3")] == [EVIL]
    assert [each.text for each in cards[0].all("dt")] == [
        "Accounts", "Customers", "Customer rate", "95% interval", "Sales cycle, days",
    ]  # fmt: skip
    assert [each.text for each in cards[0].all("dd")] == [
        "40",
        "10",
        "25.0%",
        "14.0%–40.0%",
        "22 (n = 9)",
    ]
    assert [each.text for each in cards[1].all("dt")] == ["Accounts", "Customers", "Thin"]
    story = personas.one("section", id="en-stories").one("article")
    assert "Sentence 1. Sentence 2." in story.text


def test_personas_say_what_differs_and_whom_to_call(page: Callable[..., Element]) -> None:
    personas = page("personas", ROWS)
    # who does not decide by data is whoever is not among those who do
    assert [row[1:] for row in rows_of(personas, "en-traits")[1:]] == [
        [
            "by data",
            "60.0% (n = 10)",
            "20.0% (n = 50)",
            "3",
            "20.0%–60.0%",
            "<0.001",
        ]
    ]
    assert rows_of(personas, "en-fit")[1][-1] == "data driven +9.0, prior solution -3.5, a +0.2"
    assert rows_of(personas, "en-fit_test")[1][-1] == "beats a constant, does not beat the points table"
    assert [row[0] for row in rows_of(personas, "en-ecosystem")[1:]] == ["Post 0", "Post 1", "Post 2"]
    target = rows_of(personas, "en-target")
    assert [(row[1], row[6], row[7]) for row in target[1:]] == [
        ("visitors", "no", "—"), ("leads", "yes", "四川省 +25%; 广东省 -25%"),
    ]  # fmt: skip
    for section in ("traits", "prior_solutions", "fit_test", "ecosystem", "target"):
        assert personas.one("section", id=f"en-{section}").all("svg")
    health = rows_of(page("customers"), "en-health")
    assert health[1][2:6] == ["at risk", "no touch for 200 days", "call", "sales"]


def test_an_audience_is_compared_in_equal_windows(page: Callable[..., Element]) -> None:
    audience = page("audience", ROWS)
    assert [row[0] for row in rows_of(audience, "en-demand")[1:]] == ["cases", "SWOT"]
    compared = audience.one("section", id="en-new_and_long")
    assert {"New followers", "Long-active", "became a lead"} <= {each.text for each in compared.one("svg").all("text")}
    assert rows_of(audience, "en-new_and_long")[1][-1] == "1.2–20"


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
            assert [each.attributes["href"] for each in menu.all("a")] == [
                f"{other}.html#{code}" for other in (*SITE, "../dictionary/index")
            ]
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
