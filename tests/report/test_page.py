"""What a reader finds in the page, against the invented rows of conftest.py."""

import base64
import hashlib
import re
from collections.abc import Callable
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest

from persona_warehouse.errors import PersonaError
from persona_warehouse.report import render_report
from persona_warehouse.report.figures import FUNNEL, read_figures
from persona_warehouse.report.page import SITE
from persona_warehouse.report.texts import LANGUAGES
from persona_warehouse.warehouse import connect

PASSED = {"passed": True, "critical_failed": 0, "warning_failed": 0, "info_failed": 0, "evaluated": 0}
Render = Callable[..., Any]
Rows = tuple[str, str]


def test_cards_show_the_totals_of_the_marts(render: Render, invented: Rows) -> None:
    page = render(*invented)
    for language in ("zh", "en"):
        cards = {each.attributes["data-card"]: each.values for each in page.section("cards", language).all("article")}
        assert cards == {
            "accounts": [40, 30, 0.75, 40],
            "contacts": [12345, 3087, pytest.approx(3087 / 12345, abs=1e-6), 12345],
            "deals": [900, 800, pytest.approx(8 / 9, abs=1e-6), 900, 240, 160],
            "sessions": [320, 100, pytest.approx(100 / 420, abs=1e-6), 420],
            "identified": [0.25, 80, 320, 120, 0.375, 320],
            "followers": [5000, 1250, 0.25, 5000],
        }
    assert page.section("cards", "zh").one("article", data_card="contacts").one("p", class_="value").text == "1.23万"
    assert page.section("cards", "en").one("article", data_card="contacts").one("p", class_="value").text == "12,345"


def test_a_later_stage_implies_the_former_ones(render: Render, invented: Rows) -> None:
    page = render(*invented)
    rows = {
        row.attributes["data-stage"]: row.cells[1:]
        for row in page.section("funnel").all("tr")
        if len(row.attributes) > 1
    }
    # reached, recorded, of these without a lead, here now, rate, n of the former stage, interval
    assert rows == {
        "raw": ["200", "200", "—", "120", "—", "—", "—"],
        "mql": ["80", "76", "—", "40", "40.0%", "200", "33.5%–46.9%"],
        "sql": ["40", "36", "—", "20", "50.0%", "80", "39.3%–60.7%"],
        "opportunity": ["30", "28", "10", "5", "50.0%", "40", "35.2%–64.8%"],  # 20 leads of 40; 10 deals apart
        "won": ["19", "19", "5", "19", "63.3%", "30", "45.5%–78.1%"],
        "lost": ["6", "6", "0", "6", "20.0%", "30", "9.5%–37.3%"],
    }
    assert "From raw lead to won, leads only: 7.0% (14 of 200" in page.section("funnel").text
    assert "Of the 30 opportunities, 10 had no lead behind them (33.3%)" in page.section("funnel").text


def test_the_chart_draws_what_the_table_says(render: Render, invented: Rows) -> None:
    chart = render(*invented).section("funnel").one("svg", role="img")
    assert [each.text for each in chart.all("text", class_="count")] == ["200", "80", "40", "30", "19", "6"]
    drawn = {
        tone: [(each.attributes["x"], each.attributes["width"]) for each in chart.all("rect", class_=tone)]
        for tone in ("bar", "implied", "apart")
    }
    assert drawn == {
        "bar": [("0.0%", f"{width}%") for width in (100.0, 38.0, 18.0, 10.0, 7.0, 3.0)],
        "implied": [("38.0%", "2.0%"), ("18.0%", "2.0%")],
        "apart": [("10.0%", "5.0%"), ("7.0%", "2.5%")],
    }


def test_the_rates_say_of_what_they_are_shares(render: Render, invented: Rows) -> None:
    lines = [each.text for each in render(*invented).section("funnel").all("text", class_="line")]
    assert lines[3:5] == ["From SQL: 50.0% (leads, n = 40)", "From Opportunity: 63.3% (deals, n = 30)"]


def test_no_mix_of_recorded_stages_makes_a_rate_above_one(
    build: Callable[..., Path], manifest: Callable[..., dict[str, Any]], leads: Callable[..., str]
) -> None:
    stages = [stage for stage, _ in FUNNEL]
    mixes = [(1, mix) for size in range(1, len(stages) + 1) for mix in combinations(stages, size)]
    with connect(build(leads(*mixes), leads(*mixes, prefix="deal:")), read_only=True) as connection:
        funnel = read_figures(connection, manifest()).funnel
    assert [stage.leads for stage in funnel.stages] == [63, 62, 60, 56, 32, 32]
    assert [stage.deals for stage in funnel.stages] == [0, 0, 0, 56, 32, 32]
    for stage in funnel.stages:
        assert stage.recorded <= stage.reached
        assert stage.conversion is None or stage.conversion.part <= stage.conversion.n


def test_a_lead_with_only_its_present_status_reached_all_before_it(render: Render, leads: Callable[..., str]) -> None:
    funnel = render(leads((8, ("sql",)), (2, ("lost",)))).section("funnel")
    assert [funnel.one("tr", data_stage=stage).cells[1:3] for stage in ("raw", "mql", "sql", "opportunity")] == [
        ["10", "0"],
        ["10", "0"],
        ["10", "8"],
        ["2", "0"],
    ]
    assert funnel.one("tr", data_stage="won").cells[1] == "0"


def test_a_returning_lead_counts_once(render: Render, leads: Callable[..., str]) -> None:
    funnel = render(leads((6, ("raw", "mql", "raw", "mql")))).section("funnel")
    assert [funnel.one("tr", data_stage=stage).cells[1:3] for stage in ("raw", "mql")] == [["6", "6"], ["6", "6"]]


def test_a_deal_without_a_lead_was_never_one(render: Render, leads: Callable[..., str]) -> None:
    page = render(
        leads((2, ("raw", "opportunity", "won")), prefix="deal:"),
        """insert into marts.lead_stages (lead_stage_id, deal_id, stage)
           values ('x1', 'd1', 'won'), ('x2', 'd1', 'lost')""",
    )
    funnel = page.section("funnel")
    reached = [funnel.one("tr", data_stage=stage).cells[1] for stage in ("raw", "mql", "sql", "opportunity", "won")]
    assert reached == ["0", "0", "0", "3", "3"]
    assert "Of the 3 opportunities, 3 had no lead behind them (n < 5)" in funnel.text
    assert "From raw lead to won" not in funnel.text


def test_rates_of_fewer_than_five_are_suppressed(render: Render, leads: Callable[..., str]) -> None:
    funnel = render(
        leads((4, ("raw", "mql"))), leads((5, ("opportunity",)), (1, ("opportunity", "won")), prefix="deal:")
    ).section("funnel")
    assert funnel.one("tr", data_stage="mql").cells[1:] == ["4", "4", "—", "4", "n < 5", "4", "n < 5"]
    assert funnel.one("tr", data_stage="won").cells[5:] == ["16.7%", "6", "3.0%–56.4%"]


def test_stages_that_nobody_reached_are_shown_as_such(render: Render, leads: Callable[..., str]) -> None:
    funnel = render(leads((9, ("opportunity", "won")), prefix="deal:")).section("funnel")
    lines = [each.text for each in funnel.one("svg").all("text", class_="line")]
    assert lines == [
        "No lead or deal reached this stage",
        "No lead or deal reached this stage",
        "No lead or deal reached this stage",
        "No lead reached SQL, so there is no rate",
        "From Opportunity: 100.0% (deals, n = 9)",
        "No lead or deal reached this stage",
    ]


def test_a_reader_is_told_what_reached_means(render: Render, invented: Rows) -> None:
    page = render(*invented)
    assert "A CRM mostly keeps a lead's present status" in page.section("funnel", "en").text
    assert "CRM 大多只保存线索现在的状态" in page.section("funnel", "zh").text


def test_the_journey_shows_current_stages_and_accounts_without_one(render: Render, invented: Rows) -> None:
    rows = {
        row.attributes["data-stage"]: row.cells[1:]
        for row in render(*invented).section("journey").all("tr")
        if "data-stage" in row.attributes
    }
    assert list(rows) == ["need", "seek", "weigh", "decide", "use", "renew", "churn", "unknown"]
    assert rows["need"] == ["16", "40.0%", "26.3%–55.4%"]
    assert rows["seek"] == ["0", "0.0%", "0.0%–8.8%"]  # thirty accounts were there once, none is now
    assert rows["unknown"] == ["4", "10.0%", "4.0%–23.1%"]


def test_a_stage_that_nothing_ever_pointed_to_is_unknown_not_zero(render: Render, invented: Rows) -> None:
    journey = render(*invented).section("journey")
    assert journey.one("tr", data_stage="churn").cells == ["Churn", "0", "—", "—"]
    assert "A stage marked “—”" in journey.text


def test_sources_show_status_and_times_in_beijing(render: Render, invented: Rows) -> None:
    sources = render(*invented).section("sources")
    assert sources.one("tr", data_stream="crm").cells == [
        "CRM",
        "Fresh",
        "2026-11-20",
        "2026-11-20 18:30",
        "21,044",
        "12",
        "—",
    ]
    assert sources.one("tr", data_stream="website").cells[1:4] == ["Stale", "2026-11-18", "2026-11-18 23:59"]
    assert sources.one("tr", data_stream="wechat").cells[1] == "Failed"


def test_a_source_known_only_to_the_manifest_is_shown_and_an_unknown_one_is_absent(render: Render) -> None:
    stale = {
        "status": "stale",
        "last_load_date": "2026-11-18",
        "data_through": "2026-11-18T15:59:00+00:00",
        "message": None,
    }
    sources = render(streams={"website": stale}).section("sources")
    assert sources.one("tr", data_stream="website").cells[1:4] == ["Stale", "2026-11-18", "2026-11-18 23:59"]
    assert sources.one("tr", data_stream="crm").cells[1:] == ["Absent", "—", "—", "—", "—", "—"]


def test_the_audit_lists_what_failed_this_night(render: Render, invented: Rows) -> None:
    audit = render(*invented).section("audit")
    assert [row.cells for row in audit.all("tr") if "data-severity" in row.attributes] == [
        ["Critical", "20", "0"],
        ["Warning", "0", "1"],
        ["Info", "0", "1"],
    ]
    checks = [row.cells for row in audit.one("table", class_="stack checks").one("tbody").all("tr")]
    assert checks == [
        [
            "Warning",
            "expect_column_values_to_be_in_set crm_companies.industry · on the way in",
            "7 of 40 (17.5%)",
            "<img src=x onerror=alert(1)> sectors must be in the vocabulary",
            "Sales operations",
        ],
        [
            "Info",
            "expect_table_row_count_to_be_between sessions · before publishing",
            "observed: 420",
            "a quiet day has 500",
            "—",
        ],
    ]
    assert "yesterday" not in audit.text  # a failure of the night before is not this night's


def test_a_failed_audit_leads_the_page(render: Render, invented: Rows) -> None:
    page = render(*invented, audit=PASSED | {"passed": False, "critical_failed": 2, "evaluated": 22})
    assert (
        page.section("glance")
        .one("li", class_="bad")
        .text.startswith("The data failed its audit; critical problems: 2.")
    )
    assert page.section("audit").one("span", class_="pill failed").text == "Failed"


def test_a_critical_failure_in_the_table_outweighs_a_manifest_that_says_passed(render: Render, invented: Rows) -> None:
    page = render(
        *invented,
        """update quality.validation_results set success = false
           where as_of_date = '2026-11-20' and severity = 'critical'""",
    )
    assert "critical problems: 20" in page.section("glance").text
    assert page.section("audit", "zh").one("span", class_="pill failed").text == "未通过"


def test_no_checks_are_no_pass(render: Render) -> None:
    page = render(audit=PASSED)
    assert page.section("audit").one("span", class_="pill unchecked").text == "Not checked"
    assert page.section("glance").all("li", class_="good")[0].text == "No rows were set aside"


def test_quarantine_adds_up_by_object_rule_and_field(render: Render, invented: Rows) -> None:
    quarantine = render(*invented).section("quarantine")
    assert [row.cells for row in quarantine.one("tbody").all("tr")] == [
        ["CRM · Deals", "not_a_date", "closed_at", "12", "YYYY-MM-DD", "deals-1.csv, row 1,203"],
        [
            "Website · Web events",
            "unreadable row (not the log format) malformed_line",
            "the whole row",
            "1",
            "combined log format",
            "access.log, row 8,900",
        ],
    ]
    assert "Rows in all: 13" in quarantine.text


def test_coverage_shows_the_share_filled_of_each_column(render: Render, invented: Rows) -> None:
    coverage = render(*invented).section("coverage")
    companies = coverage.one("tr", data_object="crm.companies")
    assert companies.one("th").text == "Companies CRM · n = 40"
    assert [(each.text, each.attributes["class"]) for each in companies.all("li")] == [
        ("name 100%", "h5"),
        ("city 98%", "h4"),
        ("domain 75%", "h4"),
        ("uscc 25%", "h2"),
        ("address 0%", "h0"),
    ]
    followers = coverage.one("tr", data_object="wechat.followers")
    assert [each.text for each in followers.all("li")] == ["openid 100%", "unionid 99%"]  # one is missing: not all
    assert coverage.one("tr", data_object="crm.products").one("li").text == "product_id n < 5"
    assert "Objects with no rows yet: CRM · Activities" in coverage.text


def test_new_columns_are_named_with_their_day(render: Render, invented: Rows) -> None:
    note = render(*invented).section("coverage").one("p", data_note="new-columns").text
    assert note == (
        "New columns that nothing maps yet (their values are kept in properties):"
        " Deals <b>预算</b> 2026-11-20; Companies region_code 2026-11-19"
    )
    assert "New columns" not in render().section("coverage").text


def test_tables_are_listed_with_rows_and_meaning(render: Render) -> None:
    rows = [row.cells for row in render().section("links").one("table").one("tbody").all("tr")]
    assert rows[0] == ["marts.accounts", "10", "a company, merged from all sources"]
    assert len(rows) == 15
    assert all(cells[2] != "—" for cells in rows)


def test_an_empty_release_says_which_stream_is_absent(render: Render) -> None:
    page = render(audit=PASSED, tables={})
    assert page.body().all("svg") == []
    assert page.section("funnel").one("p", class_="nothing").text == "No data yet: the stream CRM is absent."
    assert page.section("journey").one("p", class_="nothing").text == (
        "No data yet: the stream CRM, Website, WeChat is absent."
    )
    assert (
        page.section("cards", "zh")
        .one("article", data_card="sessions")
        .text.endswith("暂无数据：数据源“网站”尚未接入。")
    )


def test_an_empty_mart_of_a_present_stream_does_not_call_it_absent(render: Render) -> None:
    page = render("insert into quality.source_freshness (stream, status) values ('crm', 'fresh')")
    assert page.section("funnel").one("p", class_="nothing").text == (
        "No data yet: the stream CRM has delivered nothing of this kind."
    )


def test_a_missing_table_is_named(render: Render) -> None:
    page = render(without=("marts.sessions", "quality.validation_results"))
    bad = page.section("glance").one("li", class_="bad").text
    assert bad.endswith("marts.sessions, quality.validation_results")


def test_data_stays_text(render: Render, invented: Rows) -> None:
    page = render(
        *invented,
        """insert into marts.coverage values ('crm', 'companies', '<script>alert(2)</script>', 40, 40, 1)""",
        """insert into quality.quarantined_rows values
           ('crm', 'deals', '"><img src=x onerror=alert(3)>.csv', '<svg onload=alert(4)>', 'x', '<b>', 1, 1)""",
        release_id='<img src=x onerror="alert(5)">',
    )
    assert page.root.all("img") == []
    assert len(page.root.all("script")) == 1
    assert not any(name.startswith("on") for each in page.root.walk() for name in each.attributes)
    assert '<img src=x onerror="alert(5)">' in page.body().one("dl").text


def test_the_page_needs_nothing_but_itself(render: Render, invented: Rows) -> None:
    page = render(*invented)
    asked = [
        value
        for each in page.root.walk()
        for name, value in each.attributes.items()
        if name in {"src", "href", "srcset", "data", "action", "poster", "xlink:href", "style"}
    ]
    own = {f"{name}.html#{code}" for name in (*SITE, "../dictionary/index") for code in LANGUAGES}
    assert all(
        value.startswith("#") or value in {"../quality/index.html", "../dbt_docs/index.html"} | own for value in asked
    )
    assert not re.search(r"https?:|//|@import|url\(", page.html)
    assert not page.root.all("link")
    assert len(page.html.encode()) < 400_000


def test_only_its_own_style_and_script_may_act(render: Render) -> None:
    page = render()
    policy = next(each.attributes["content"] for each in page.root.all("meta", http_equiv="Content-Security-Policy"))
    for tag in ("style", "script"):
        content = re.search(f"<{tag}>(.*?)</{tag}>", page.html, re.S)
        assert content
        digest = base64.b64encode(hashlib.sha256(content.group(1).encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_chinese_is_the_default_and_stands_without_javascript(render: Render, invented: Rows) -> None:
    page = render(*invented)
    assert page.root.one("html").attributes["lang"] == "zh-CN"
    assert 'html[lang="zh-CN"] [data-language="en"]' in page.html
    assert page.body("zh").attributes["lang"] == "zh-CN"
    assert page.body("en").attributes["lang"] == "en"
    for language, headline in (("zh", "截至2026年11月20日的客户全景"), ("en", "Your customers as of 2026-11-20")):
        assert page.body(language).one("h1").text == headline
        assert "20261120T190512Z-3f9c2a" in page.body(language).one("header").text
        assert "2026-11-21 03:05" in page.body(language).one("header").text


def test_the_two_languages_hold_the_same_numbers(render: Render, invented: Rows) -> None:
    page = render(*invented)
    assert sorted(page.body("zh").values) == sorted(page.body("en").values)


def test_no_language_strays_into_the_other(render: Render) -> None:
    assert not re.search(r"[\u4e00-\u9fff]", render().body("en").text)


def test_the_structure_is_readable_without_eyes(render: Render, invented: Rows) -> None:
    page = render(*invented)
    for body in (page.body("zh"), page.body("en")):
        levels = [int(each.tag[1]) for each in body.all() if re.fullmatch("h[1-6]", each.tag)]
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))
        assert all(table.one("caption").text for table in body.all("table"))
        assert all(head.attributes["scope"] in ("col", "row") for head in body.all("th"))
    identifiers = [each.attributes["id"] for each in page.root.walk() if "id" in each.attributes]
    assert len(identifiers) == len(set(identifiers))
    for each in page.root.walk():
        for name in ("aria-labelledby", "aria-describedby"):
            assert each.attributes.get(name, identifiers[0]) in identifiers
        if each.attributes.get("href", "").startswith("#"):
            assert each.attributes["href"][1:] in identifiers


def _luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_reach_contrast_aa(render: Render) -> None:
    """Text at least 4.5 to 1, bars at least 3 to 1 (WCAG 2.2, 1.4.3 and 1.4.11), in all three palettes."""
    palettes = [
        dict(re.findall(r"--([\w-]+): (#\w{6})", block))
        for block in re.findall(r":root \{(.*?)\}", render().html, re.S)
    ]
    assert len(palettes) == 3
    text = [(ink, ground) for ink in ("ink", "soft", "link") for ground in ("page", "surface")]
    text += [(name, f"{name}-back") for name in ("good", "warn", "bad", "idle")] + [("ink", "idle-back")]
    text += [("ink", f"heat{step}") for step in range(1, 6)]
    for palette in palettes:
        for pairs, least in (
            (text, 4.5),
            ([(bar, ground) for bar in ("accent", "apart") for ground in ("surface", "track")], 3.0),
        ):
            for one, other in pairs:
                darker, lighter = sorted((_luminance(palette[one]), _luminance(palette[other])))
                assert (lighter + 0.05) / (darker + 0.05) >= least, (one, other)


def test_a_bad_night_stays_light_and_says_what_it_leaves_out(render: Render, invented: Rows) -> None:
    reason = "理由" * 300
    page = render(
        *invented,
        f"""insert into quality.validation_results by name
            select date '2026-11-20' as as_of_date, 'marts' as boundary, 'suite_' || i as suite,
                   'expectation' as expectation, 'column' as column_name, 'warning' as severity, false as success,
                   100 as evaluated_count, i as unexpected_count, '{reason}' as reason, 'owner' as owner
            from range(400) r(i)""",
        f"""insert into quality.quarantined_rows
            select 'crm', 'deals', 'deals.csv', 'rule_' || i, 'field', '{reason}', 1, i from range(400) r(i)""",
        """insert into marts.coverage
           select 'crm', 'object_' || o, 'a_rather_long_column_' || c, 100, c % 101, (c % 101) / 100
           from range(60) t(o), range(150) s(c)""",
    )
    assert len(page.html.encode()) < 400_000
    audit = page.section("audit")
    assert audit.one("summary").text == "Show all 402"
    assert "Not listed here: 352; see the quality report." in audit.text
    assert "Show all 402" in page.section("quarantine").text
    assert "Not listed here:" in page.section("coverage").text


def test_the_page_is_replaced_whole(
    build: Callable[..., Path], manifest: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "deep" / "report"
    database = build()
    first = render_report(database, manifest(release_id="first"), out)
    held = first.open(encoding="utf-8")
    assert render_report(database, manifest(release_id="second"), out) == first == out / "index.html"
    assert "first" in held.read()  # who was reading keeps the page that they opened
    held.close()
    assert "second" in first.read_text(encoding="utf-8")
    assert {each.name for each in out.iterdir()} == {f"{name}.html" for name in SITE}


def test_the_release_is_not_written_to(
    build: Callable[..., Path], manifest: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    database = build()
    before = hashlib.sha256(database.read_bytes()).hexdigest()
    database.chmod(0o444)
    render_report(database, manifest(), tmp_path / "report")
    assert hashlib.sha256(database.read_bytes()).hexdigest() == before
    assert not database.with_name(database.name + ".wal").exists()


def test_a_manifest_without_its_keys_is_refused(
    build: Callable[..., Path], manifest: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    broken = manifest()
    del broken["audit"]
    with pytest.raises(PersonaError, match="audit") as refused:
        render_report(build(), broken, tmp_path / "report")
    assert refused.value.field == "audit"
    assert not (tmp_path / "report").exists()


def test_a_table_of_another_shape_is_refused(
    build: Callable[..., Path], manifest: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    with pytest.raises(PersonaError, match="is_bot"):
        render_report(build("alter table marts.sessions drop column is_bot"), manifest(), tmp_path / "report")
