"""Check-ups: an account is found by its name, and its page says what, why and how, and nothing that is not known."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from persona_warehouse.report import checkups, render_report
from persona_warehouse.report.texts import LANGUAGES, catalogue
from tests.report.conftest import Element, parse

EVIL = "<img src=x onerror=alert(1)>"
ROWS = f"""
insert into marts.accounts by name
    select 'a' || i as account_id, case when i = 0 then '{EVIL}' else '公司 ' || i end as account_name,
        case when i = 1 then '星河' end as short_name, '汽车制造业' as industry_name, '上海市' as province,
        '上海市' as city, case when i = 1 then 'S' end as tier, 'use' as journey_stage,
        case when i = 1 then 2 else 0 end as won_deal_count, 120000 as won_revenue_cny, 0 as open_deal_count,
        0 as nps_responses, 'fair' as icp_fit_segment
    from range(90) r(i);
insert into marts.account_health by name
    select 'a1' as account_id, 'at_risk' as health, '有1张发票逾期未付' as risks_zh,
        '1 invoices are overdue' as risks_en, '催款' as next_action_zh, 'collect' as next_action_en,
        'finance' as action_owner, 40 as days_without_touch;
insert into marts.account_score_ledger by name
    select 'l' || i as account_score_ledger_id, 'a1' as account_id, 'factor_' || i as factor,
        '因素' || i as factor_name_zh, i <> 5 as is_known, i - 2.5 as points
    from range(6) r(i);
insert into marts.decision_chains by name
    select 'd' || i as deal_id, 'a1' as account_id, 'user' as role_slot, 'economic,coach' as uncovered_roles
    from range(2) r(i);
insert into marts.journey_stages by name
    select 'j' || i as journey_stage_id, 'a1' as account_id, ['seek', 'weigh', 'seek'][i] as stage, i as stage_order,
        timestamptz '2026-03-01 12:00:00+08' + to_days(i::int) as entered_at, i = 3 as is_back_move
    from range(1, 4) r(i);
"""


@pytest.fixture
def report(build: Callable[..., Path], manifest: Callable[..., dict[str, Any]], tmp_path: Path) -> Path:
    return render_report(build(ROWS), manifest(), tmp_path / "report").parent


def found(report: Path, account: str, language: str = "en") -> Element:
    """The check-up that the page to find accounts leads to."""
    listed = parse((report / "accounts.html").read_text(encoding="utf-8"))
    (address,) = {
        str(link.attributes["href"])
        for link in listed.all("a")
        if str(link.attributes["href"]).endswith(f"#{language}-{account}")
    }
    file, _, place = address.partition("#")
    return parse((report / file).read_text(encoding="utf-8")).one("section", id=place)


def facts(section: Element) -> dict[str, str]:
    heads, cells = ([" ".join(each.text.split()) for each in section.all(tag)] for tag in ("dt", "dd"))
    return dict(zip(heads, cells, strict=True))


def test_what_why_and_how_of_one_account(report: Path) -> None:
    section = found(report, "a1")
    known = facts(section)
    assert known["Industry"] == "汽车制造业"
    # the city of a province that is one is not said twice
    assert known["Seat"] == "上海市"
    assert known["Won revenue"] == "¥120,000"
    assert known["Why"] == "1 invoices are overdue"
    # the four that weigh most, of those that are known
    assert known["What its score is made of"] == "factor 0 -2.5, factor 1 -1.5, factor 4 +1.5, factor 2 -0.5"
    assert (known["Next step"], known["Who"]) == ("collect", "finance")
    assert known["Missing"] == "Who helps us inside, Who pays and says yes"
    assert [" ".join(each.text.split()) for each in section.one("ol").all("li")] == [
        "Seek 2026-03-02", "Weigh 2026-03-03", "back to Seek 2026-03-04",
    ]  # fmt: skip
    assert facts(found(report, "a1", "zh"))["原因"] == "有1张发票逾期未付"


def test_what_is_not_known_is_left_out(report: Path) -> None:
    section = found(report, "a2")
    assert not {"Why", "Next step", "NPS", "Won revenue", "Chance"} & set(facts(section))
    assert not section.all("ol")
    assert section.text.count("No evidence") == 2


def test_a_page_holds_forty_and_the_list_all(report: Path) -> None:
    assert [file.name for file in sorted((report / "accounts").iterdir())] == ["001.html", "002.html", "003.html"]
    listed = parse((report / "accounts.html").read_text(encoding="utf-8"))
    assert len(listed.all("li")) == 2 * 90
    assert "星河" in str(next(one for one in listed.all("li") if "S ·" in one.text).attributes["data-called"])


def test_data_stays_text(report: Path) -> None:
    for file in (report / "accounts.html", report / "accounts" / "001.html"):
        assert not parse(file.read_text(encoding="utf-8")).all("img"), file
    assert found(report, "a0").one("h2").text.strip() == EVIL


def test_of_too_many_those_that_matter_most(
    build: Callable[..., Path],
    manifest: Callable[..., dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checkups, "ROWS", checkups.ROWS.replace(f"limit {checkups.MOST}", "limit 2"))
    monkeypatch.setattr(checkups, "MOST", 2)
    report = render_report(build(ROWS), manifest(), tmp_path / "report").parent
    text = parse((report / "accounts.html").read_text(encoding="utf-8")).text
    assert "公司 1" in text and "The 2 that matter most" in text and "公司 50" not in text


def test_every_word_of_the_check_ups_is_used() -> None:
    folder = Path(checkups.__file__).parent
    said = "".join(
        file.read_text(encoding="utf-8")
        for file in (*folder.glob("templates/*.j2"), folder / "checkups.py", folder / "page.py")
    )
    keys = {key.partition(".")[2] for key in catalogue() if key.startswith("checkups.")}
    assert {key for key in keys if f'"checkups.{key}"' not in said} == {"what", "why", "how"}
    assert re.search(r't\("checkups\." ~ part\)', said)
    assert set(LANGUAGES) == {"zh", "en"}
