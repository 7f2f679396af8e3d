"""What ops read, on the page and in the terminal: since when, where, whose, which marts, what to do, the history."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from persona_warehouse.cli import app
from persona_warehouse.files import write_json
from persona_warehouse.quality.audit import run_audit
from persona_warehouse.quality.findings import Finding, blocks, findings, lineage, sparkline
from persona_warehouse.quality.history import Past
from persona_warehouse.quality.results import Result, audit_folder
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import connect

FACT = "product is known among the products"
MANIFEST = {
    "nodes": {
        "m.stg": {"resource_type": "model", "name": "stg_crm__deals", "alias": "stg_crm__deals", "schema": "staging"},
        "m.int": {"resource_type": "model", "name": "int_deals", "alias": "int_deals", "schema": "intermediate"},
        "m.a": {"resource_type": "model", "name": "accounts", "alias": "accounts", "schema": "marts"},
        "m.k": {"resource_type": "model", "name": "key_accounts", "alias": "key_accounts", "schema": "marts"},
        "t.x": {"resource_type": "test", "name": "x", "alias": "x", "schema": "marts"},
    },
    "child_map": {"m.stg": ["m.int", "t.x"], "m.int": ["m.a"], "m.a": ["m.k", "t.x"], "m.k": [], "t.x": []},
}


def night(settings: Settings, days_ago: int, unexpected: int) -> None:
    earlier = settings.with_date(settings.business_date - timedelta(days=days_ago))
    row = {"boundary": "staging", "suite": "stg_crm__deals", "expectation": FACT, "success": unexpected == 0,
           "unexpected_count": unexpected, "observed_value": str(unexpected)}  # fmt: skip
    write_json(audit_folder(earlier) / "results.json", {"as_of_date": str(earlier.business_date), "results": [row]})


@pytest.fixture
def broken(settings: Settings, good: Path, only: Callable[[str], None]) -> Settings:
    """A night on which seven deals name a product that nobody knows, as two nights before did."""
    for days_ago, unexpected in ((5, 4), (4, 0), (2, 3), (1, 9)):
        night(settings, days_ago, unexpected)
    write_json(settings.home / "dbt_target" / "manifest.json", MANIFEST)
    with connect(good) as connection:
        connection.execute(
            "update staging.stg_crm__deals set product = 'GTXPro', source_file = 'deals.csv' where source_row <= 7"
        )
    only("stg_crm__deals")
    run_audit(settings, "staging", database=good, docs=True)
    return settings


def test_the_page_tells_the_whole_story(broken: Settings) -> None:
    page = (audit_folder(broken) / "quality" / "index.html").read_text(encoding="utf-8")
    text = " ".join(re.sub(r"<[^>]+>", " ", page.partition("<section")[2].partition("</section>")[0]).split())
    for said in (
        "警告 warning staging.stg_crm__deals", FACT, "程度 how bad 7 / 24 (29.2%)", "从何时起 since 2026-11-18",
        "(3 夜) (3 nights)", "deals.csv:1, deals.csv:2, deals.csv:3, deals.csv:4, deals.csv:5 …",
        "负责人 owner sales_operations", "影响的集市 marts it touches accounts, key_accounts",
        "怎么办 what to do 已发布。",
    ):  # fmt: skip
        assert said in text, said
    # five nights, of which those at the start and the last three failed
    spark = page.partition('<svg class="spark"')[2].partition("</svg>")[0]
    assert (spark.count(","), spark.count("<circle")) == (5, 4)
    assert "GTXPro" not in page


def test_the_terminal_tells_the_same(broken: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSONA_HOME", str(broken.home))
    answer = CliRunner().invoke(app, ["quality", "--home", str(broken.home)])
    assert answer.exit_code == 0
    told = " ".join(answer.output.split())
    for said in (
        f"warning stg_crm__deals.product: {FACT}", "rows 7 of 24 (29.2%)", "since 2026-11-18, 3 nights ▄▁▃█▆",
        "where deals.csv:1, deals.csv:2", "owner sales_operations", "marts accounts, key_accounts",
    ):  # fmt: skip
        assert said in told, (said, told)


def test_every_expectation_has_its_history_on_its_table_s_page(broken: Settings) -> None:
    page = (audit_folder(broken) / "quality" / "staging" / "stg_crm__deals.html").read_text(encoding="utf-8")
    told = sum(
        one.suite == "stg_crm__deals" for one in [finding.result for finding in findings(broken, results(broken))]
    )
    assert told > 10
    assert page.count('<svg class="spark"') == told


def results(settings: Settings) -> list[Result]:
    from persona_warehouse.quality.results import read_results

    return read_results(settings)


def test_no_name_that_an_owner_or_a_source_gives_is_markup(settings: Settings, good: Path, only: Any) -> None:
    bad = "<img src=x onerror=alert(1)>.csv"
    with connect(good) as connection:
        connection.execute(
            f"update staging.stg_crm__deals set product = 'G', source_file = '{bad}' where source_row < 3"
        )
    only("stg_crm__deals")
    run_audit(settings, "staging", database=good, docs=True)
    pages = [path.read_text(encoding="utf-8") for path in (audit_folder(settings) / "quality").rglob("*.html")]
    assert not any("<img" in page for page in pages)
    assert any("&lt;img src=x onerror=alert(1)&gt;.csv:1" in page for page in pages)


def test_lineage_goes_down_to_every_mart() -> None:
    assert lineage(MANIFEST["nodes"], MANIFEST["child_map"]) == {
        "stg_crm__deals": ("accounts", "key_accounts"), "int_deals": ("accounts", "key_accounts"),
        "accounts": ("accounts", "key_accounts"), "key_accounts": ("key_accounts",),
    }  # fmt: skip


def test_a_history_of_nothing_and_of_one_night_can_be_drawn() -> None:
    assert 'points=""' in sparkline([])
    assert sparkline([(0.0, True)]).count(",") == 1
    assert blocks([(0.0, True), (4.0, False), (2.0, True)]) == "▁█▅"


def test_a_first_failure_is_of_this_night() -> None:
    one = Result(date(2026, 11, 20), "marts", "s", "e", None, "critical", False, 1, 1, 1.0, "1", "R.", "o")
    assert (Finding(one, (), (), ()).since, Finding(one, (), (), ()).nights) == (date(2026, 11, 20), 1)
    held = Finding(one, (Past(date(2026, 11, 19), True, 0, 0.0),), (), ())
    assert held.since == date(2026, 11, 20)
