"""The data dictionary: every table and column in both languages, where they come from, and nothing that is not text."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from persona_warehouse.report import render_dictionary
from persona_warehouse.report.page import SITE
from persona_warehouse.report.texts import LANGUAGES, catalogue
from tests.report.conftest import TABLES, Element, Page, parse

EVIL = "<img src=x onerror=alert(1)>"


def column(zh: str, en: str, **more: Any) -> dict[str, Any]:
    """What a project says of a column."""
    rest = {"classification": "internal", "is_unique": False, "is_required": False, "values": [], "refers_to": None}
    return {"texts": {"zh": zh, "en": en}, **rest, **more}


NOTHING: dict[str, Any] = {
    "grain": "", "order_by": "", "columns": {}, "together": [], "facts": [], "rules": [], "readers": [],
}  # fmt: skip
TOLD: dict[str, Any] = {
    "marts.accounts": NOTHING | {
        "area": "people",
        "texts": {"zh": f"公司总表{EVIL}。每行为一家公司。", "en": f"Companies {EVIL}. One row per account."},
        "grain": "account_id",
        "order_by": "account_name, account_id",
        "columns": {
            "account_id": column("公司编号。", "The account.", is_unique=True, is_required=True),
            "account_name": column(f"公司名称{EVIL}。", f"Its name {EVIL}.", classification="personal"),
            "currency": column("币种，见 `amount`。", "Currency of `amount`.", classification="public"),
            "tier": column("分层。", "Its tier.", values=["S", EVIL]),
            "industry_code": column("行业代码。", "Its trade.", classification="sensitive"),
            "journey_stage": column("旅程阶段。", "Where it stands.", values=["need", "use"]),
            "parent_account_id": column("母公司。", "Its parent.", refers_to=("accounts", "account_id")),
        },
        "together": [["account_id", "tier"]],
        "facts": ["assert_a_fact"],
        "rules": ["a_rule"],
        "readers": [("bi_accounts", "dashboard", "BI analysts"), ("report", "application", "Data engineering")],
    },
    **{
        f"marts.{name}": NOTHING | {"area": area, "texts": {}}
        for name, area in (("icp_traits", "personas"), ("sessions", "journeys"), ("coverage", "operations"))
    },
    "quality.new_columns": NOTHING | {
        "area": "quality",
        "texts": {"zh": "新增字段。", "en": "New columns."},
        "columns": {"since": column("首次出现的日期。", "The day on which it first came.")},
    },
}  # fmt: skip
LINEAGE = f"""
insert into quality.column_lineage values
    ('accounts', 'account_id', 'python', 'identity.companies', 'account_id', null),
    ('accounts', 'account_name', 'staging', 'staging.stg_crm__companies', 'name', null),
    ('accounts', 'account_name', 'staging', 'staging.stg_crm__companies', 'domain', null),
    ('accounts', 'account_name', 'seed', 'seeds.words', '{EVIL}', null),
    ('accounts', 'deal_count', 'none', null, null, null),
    ('accounts', 'domain', 'file', 'landing/_manifests/*.json', 'load_id', null),
    ('accounts', 'tier', 'model', 'marts.account_tiers', 'tier', null),
    ('accounts', 'tier', 'model', 'intermediate.int_tiers', 'tier', null),
    ('accounts', 'tier', 'unread', 'intermediate.int_unread', 'told', 'no words {EVIL}');
insert into quality.column_lineage
    select 'accounts', 'tier', 'staging', 'staging.stg_' || i, 'x', null from range(5) r(i);
insert into quality.validation_results by name
    select date '2026-11-20' as as_of_date, 'marts' as boundary, 'accounts' as suite, 'critical' as severity,
           true as success, name as column_name, name || ' holds no address' as expectation,
           'data_engineering' as owner, '{EVIL}' as reason
    from (values ('account_id'), ('account_name')) v(name);
insert into quality.validation_results by name
    select date '2026-11-20' as as_of_date, 'marts' as boundary, 'accounts' as suite, 'info' as severity,
           false as success, 3 as unexpected_count, 'the table is not small' as expectation;
"""


@pytest.fixture
def write(build: Callable[..., Path], manifest: Callable[..., dict[str, Any]], tmp_path: Path) -> Callable[..., Page]:
    def write_page(*statements: str, without: tuple[str, ...] = ()) -> Page:
        (tmp_path / "persona_marts.duckdb").unlink(missing_ok=True)
        path = render_dictionary(build(*statements, without=without), manifest(), TOLD, tmp_path / "dictionary")
        html = path.read_text(encoding="utf-8")
        return Page(path, html, parse(html))

    return write_page


@pytest.fixture
def page(write: Callable[..., Page]) -> Page:
    return write(LINEAGE)


def row(page: Page, name: str, language: str = "en") -> Element:
    return page.root.one("tr", id=f"{language}-marts.accounts.{name}")


def test_every_table_and_column_stands_there_in_both_languages(page: Page) -> None:
    for language in LANGUAGES:
        listed = {str(each.attributes["id"]) for each in page.root.all("tr") if "id" in each.attributes}
        for name, columns in TABLES.items():
            table = page.root.one("details", id=f"{language}-{name}")
            assert len(table.all("tr", data_table=name)) == len(re.sub(r"\([^)]*\)", "", columns).split(","))
        assert f"{language}-marts.accounts.account_id" in listed
    assert row(page, "account_id", "zh").cells[1] == "公司编号。"
    assert row(page, "account_id").cells[1] == "The account."
    assert f"共{len(TABLES)}张表" in page.section("find", "zh").text


def test_a_table_tells_rows_grain_order_file_and_readers(page: Page) -> None:
    table = page.root.one("details", id="en-marts.accounts")
    assert "Rows: 10" in table.all("summary")[0].text
    assert table.one("dl").text == (
        "One row peraccount_id Ordered byaccount_name, account_id Filemarts/accounts.parquet"
        " Used bybi_accounts (dashboard, BI analysts), report (report page, Data engineering)"
    )


def test_a_column_tells_type_class_values_and_what_it_refers_to(page: Page) -> None:
    assert row(page, "account_id").cells[0] == "account_id varchar internal unique never empty"
    assert row(page, "account_id", "zh").cells[0] == "account_id varchar 内部 唯一 必填"
    assert row(page, "journey_stage").cells[1] == "Where it stands. Values: need Need · use Use"
    assert row(page, "journey_stage", "zh").cells[1].startswith("旅程阶段。 取值：need ")
    parent = row(page, "parent_account_id")
    assert parent.one("a").attributes["href"] == "#en-marts.accounts.account_id"
    assert row(page, "currency").one("span", data_said="").one("code").text == "amount"


def test_a_column_tells_where_it_comes_from(page: Page) -> None:
    assert row(page, "account_id").cells[2] == "identity.companies made by Pythonaccount_id"
    assert row(page, "account_name").cells[2] == f"stg_crm__companies stagingdomain, name words seed{EVIL}"
    assert row(page, "deal_count").cells[2] == "A constant or a count of rows: no column"
    assert row(page, "domain").cells[2] == "landing/_manifests/*.json fileload_id"
    # many origins: the step before is seen at once, with a link where it is published
    tier = row(page, "tier").cells[2]
    assert tier.startswith("int_tiers the model beforetier marts.account_tiers the model beforetier")
    assert "Partly unread: ends at int_unread" in tier
    assert "In the end 5 columns of 5 tables stg_0 stagingx" in tier
    assert row(page, "tier").all("a", href="#en-marts.account_tiers")


def test_what_could_not_be_read_is_counted_and_says_why(page: Page, write: Callable[..., Page]) -> None:
    about = page.section("about")
    assert about.one("p", data_unread="1").text.startswith("Of 5 columns that SQL makes, 1 could not be read")
    assert f"int_unread no words {EVIL}" in about.text
    read = write("insert into quality.column_lineage values ('accounts', 'tier', 'none', null, null, null)")
    assert read.section("about", "zh").one("p", data_unread="0").text == "1个由 SQL 得出的字段全部读出。"


def test_checks_of_a_table_are_told_once_for_all_their_columns(page: Page) -> None:
    table = page.root.one("details", id="en-marts.accounts")
    checked = table.one("details", class_="more checked")
    assert checked.one("summary").text == "Checks: 5"
    assert "Unique together: account_id, tier" in checked.text
    assert "assert_a_fact" in checked.text
    assert "a_rule" in checked.text
    rows = [each.cells for each in checked.one("tbody").all("tr")]
    assert rows == [
        ["whole table", "the table is not small", "Info broken by 3 rows"],
        ["account_id, account_name", f"holds no address{EVIL}", "Critical holds · Data engineering"],
    ]


def test_text_stays_text(page: Page) -> None:
    assert page.root.all("img") == []
    assert len(page.root.all("script")) == 1
    assert not any(name.startswith("on") for each in page.root.walk() for name in each.attributes)
    assert EVIL in row(page, "account_name").cells[1]


def test_the_page_needs_nothing_but_itself(page: Page) -> None:
    asked = {
        value.partition("#")[0]
        for each in page.root.walk()
        for name, value in each.attributes.items()
        if name in {"src", "href", "srcset", "data", "action", "poster", "style"}
    }
    own = {f"../report/{name}.html" for name in SITE} | {"../report/../dictionary/index.html"}
    assert {each for each in asked if each and not re.fullmatch(r"\.\./quality/marts/\w+\.html", each)} == own
    assert not re.search(r"https?:|@import|url\(", page.html)


def test_a_release_without_lineage_has_a_dictionary_too(write: Callable[..., Page]) -> None:
    page = write(without=("quality.column_lineage",))
    assert len(row(page, "account_id").cells) == 2


def test_every_word_of_the_dictionary_is_said(page: Page, write: Callable[..., Page]) -> None:
    read = write("insert into quality.column_lineage values ('accounts', 'tier', 'none', null, null, null)")
    for language in LANGUAGES:
        html = page.html + read.html
        for key, texts in catalogue().items():
            if key.startswith("dictionary."):
                # escaped as in the page; what is filled in stands between
                parts = re.split(r"\{\w+\}", texts[language].replace("'", "&#39;"))
                assert all(part in html for part in parts), key
