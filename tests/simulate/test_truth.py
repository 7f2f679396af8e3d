"""The truth beside the files: what it says must be found in the files, and the model must do what README.md states."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from persona_warehouse.simulate import SampleWorld, personas, simulate
from persona_warehouse.simulate.story import Window

GAP = timedelta(minutes=30)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> SampleWorld:
    return simulate(tmp_path_factory.mktemp("truth") / "sample", seed=5, companies=300, days=120)


def truth(world: SampleWorld, name: str) -> list[dict[str, Any]]:
    return pq.read_table(world.out / "truth" / f"{name}.parquet").to_pylist()


def rows(world: SampleWorld, file: str, encoding: str = "utf-8-sig") -> list[dict[str, str]]:
    with (world.out / file).open(encoding=encoding, newline="") as stream:
        return list(csv.DictReader(stream))


def events(world: SampleWorld) -> list[dict[str, Any]]:
    """Every readable event, once, with its moment under `at`."""
    found = {}
    for path in (world.out / "web").glob("*.gz"):
        for line in gzip.decompress(path.read_bytes()).decode().splitlines():
            try:
                event = json.loads(line)
                event["at"] = datetime.fromisoformat(event["occurred_at"]).astimezone(UTC).replace(tzinfo=None)
            except ValueError:
                continue
            found[event["event_id"]] = event
    return list(found.values())


def test_sessions_are_the_runs_of_a_cookie_without_half_an_hour_of_silence(world: SampleWorld) -> None:
    by_cookie: dict[str, list[datetime]] = defaultdict(list)
    for event in events(world):
        by_cookie[event["anonymous_id"]].append(event["at"])
    expected = set()
    for cookie, moments in by_cookie.items():
        run: list[datetime] = []
        for at in sorted(moments):
            if run and at - run[-1] > GAP:
                expected.add((cookie, run[0], run[-1], len(run)))
                run = []
            run.append(at)
        expected.add((cookie, run[0], run[-1], len(run)))
    said = [(r["anonymous_id"], r["started_at"], r["ended_at"], r["event_count"]) for r in truth(world, "sessions")]
    assert len(said) == len(set(said))
    assert set(said) == expected


def test_only_a_shared_computer_mixes_visits(world: SampleWorld) -> None:
    people = Counter(row["source_id"] for row in truth(world, "identities") if row["identity_type"] == "anonymous_id")
    mixed = [r for r in truth(world, "sessions") if r["kind"] != "bot" and r["visit_count"] > 1]
    alone = [r for r in mixed if people[r["anonymous_id"]] == 1]
    assert len(alone) <= 0.002 * len(truth(world, "sessions"))
    assert {r["driver"] for r in truth(world, "sessions")} == {"work", "learning", None}


def test_the_vendor_s_own_people_come_from_their_own_range_and_domain(world: SampleWorld) -> None:
    staff = {row["source_id"] for row in truth(world, "identities") if row["kind"] == "staff"}
    found = [event for event in events(world) if event["anonymous_id"] in staff]
    assert len(found) > 50
    assert all(event["ip_address"].startswith("192.0.2.") for event in found)
    assert all((event["email"] or "@shili-demo.cn").endswith("@shili-demo.cn") for event in found)
    others = [event for event in events(world) if event["anonymous_id"] not in staff]
    assert not any(event["ip_address"].startswith("192.0.2.") for event in others)


def test_episodes_hold_their_sessions_and_lie_apart(world: SampleWorld) -> None:
    sessions = [row for row in truth(world, "sessions") if row["episode_id"]]
    counted = Counter(row["episode_id"] for row in sessions)
    episodes = truth(world, "episodes")
    assert {row["episode_id"]: row["session_count"] for row in episodes} == counted
    assert {row["pattern"] for row in episodes} == {"staged", "periodic"}
    by_topic: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in episodes:
        by_topic[row["company_id"], row["topic"]].append(row)
    for some in by_topic.values():
        for before, after in pairwise(sorted(some, key=lambda row: row["planned_from"])):
            assert (after["planned_from"] - before["planned_until"]).days >= 20


def test_every_page_has_a_kind_of_content(world: SampleWorld) -> None:
    pages = {row["path"]: row["content_type"] for row in truth(world, "pages")}
    read = {event["page_url"].split("?")[0].removeprefix("https://www.shili-demo.cn") for event in events(world)}
    assert read <= set(pages)
    assert set(pages.values()) >= {
        "industry_trends", "new_technology", "case", "product", "solution", "vendor_comparison", "it_architecture",
        "after_sales", "extra_services", "swot",
    }  # fmt: skip


def test_stages_follow_one_another_and_only_deciding_goes_back(world: SampleWorld) -> None:
    by_company: dict[str, list[dict[str, Any]]] = {}
    for row in truth(world, "stages"):
        by_company.setdefault(row["company_id"], []).append(row)
    back = 0
    for stages in by_company.values():
        assert stages[0]["stage"] == "need"
        assert [s["entry_number"] for s in stages] == list(range(1, len(stages) + 1))
        assert [s["entered_on"] for s in stages] == sorted(s["entered_on"] for s in stages)
        for before, after in pairwise(stages):
            assert after["is_back_move"] == (after["stage_order"] < before["stage_order"])
            if after["is_back_move"]:
                back += 1
                assert (before["stage"], after["stage"]) == ("decide", "weigh")
        assert stages[-1]["entered_on"] <= date(2026, 10, 31)
    assert back > 3
    assert {stage["stage"] for stages in by_company.values() for stage in stages} == {
        "need", "seek", "weigh", "decide", "use", "renew", "churn",
    }  # fmt: skip


def test_a_company_s_fit_decides_whether_it_buys(world: SampleWorld) -> None:
    firms = [row for row in truth(world, "companies") if row["relation"] == "prospect"]
    fit, buys = np.array([row["fit_score"] for row in firms]), np.array([row["buys"] for row in firms])
    ranks = fit.argsort().argsort() + 1
    won = int(buys.sum())
    auc = (ranks[buys].sum() - won * (won + 1) / 2) / won / (len(buys) - won)
    assert auc > 0.75
    assert not any(row["buys"] for row in truth(world, "companies") if row["relation"] != "prospect")
    assert np.allclose([row["win_probability"] for row in firms], 1 / (1 + np.exp(-fit)))


def test_the_fit_is_the_sum_that_the_model_states(world: SampleWorld) -> None:
    given = {(row["attribute"], row["value"]): row["win_log_odds"] for row in truth(world, "personas")}
    parameters = {row["name"]: row["value"] for row in truth(world, "parameters")}
    said: dict[str, float] = defaultdict(float)
    for row in truth(world, "company_attributes"):
        said[row["company_id"]] += given.get((row["attribute"], row["value"]), 0.0)
    for company in truth(world, "companies"):
        size = min(max(np.log(company["employee_count"]) - 4, 0), 2)
        total = parameters["win_base"] + parameters["win_per_size"] * size + said[company["company_id"]]
        assert company["fit_score"] == pytest.approx(total)


def test_what_does_not_distinguish_is_alike_in_all_personas() -> None:
    for attribute in personas.ATTRIBUTES:
        shares = personas.probabilities(attribute)
        assert shares.sum(axis=1) == pytest.approx(np.ones(len(personas.PERSONAS)))
        assert bool((shares != shares[0]).any()) == bool(attribute.tilted)
    # nothing that is alike everywhere may weigh in the fit or the value
    weighed = {name for name, _ in (*personas.WIN_WEIGHTS, *personas.VALUE_WEIGHTS)}
    assert weighed <= {attribute.name for attribute in personas.ATTRIBUTES if attribute.tilted}


def test_enrichment_is_mostly_right_and_seldom_complete(world: SampleWorld) -> None:
    companies = {row["source_id"]: row["company_id"] for row in truth(world, "identities") if row["kind"] == "company"}
    firms = truth(world, "companies")
    by_code = {row["uscc"]: row["company_id"] for row in firms}
    by_name = {row["legal_name"]: row["company_id"] for row in firms}
    true = {(row["company_id"], row["attribute"]): row["value"] for row in truth(world, "company_attributes")}
    right = Counter[bool]()
    known: dict[str, set[str]] = defaultdict(set)
    for row in rows(world, "crm/company_enrichment.csv"):
        of = companies.get(row["company_id"]) or by_code.get(row["uscc"]) or by_name[row["company_name"]]
        right[true[of, row["attribute"]] == row["value"]] += 1
        known[row["attribute"]].add(of)
    assert 0.9 < right[True] / right.total() < 0.99
    assert len(known["valuation_band"]) < 0.08 * len(firms)
    assert {row["attribute"] for row in truth(world, "attributes")} == {name for _, name in true}


def test_roles_follow_posts_mostly_and_crm_levels_follow_posts(world: SampleWorld) -> None:
    people = [row for row in truth(world, "people") if row["company_id"]]
    assert {row["decision_role"] for row in people} == {"final", "adviser", "user"}
    assert {row["buying_influence"] for row in people} == {"economic", "technical", "user", "coach"}
    assert {"founder", "c_level", "vp", "director", "manager", "senior", "staff"} == {
        row["seniority"] for row in people
    }
    by_title: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in people:
        by_title[row["department"], row["seniority"]][row["decision_role"]] += 1
    usual = sum(counts.most_common(1)[0][1] for counts in by_title.values()) / len(people)
    assert 0.85 < usual < 0.97


def test_who_changes_employer_has_two_contacts_and_one_number(world: SampleWorld) -> None:
    employers = Counter(row["person_id"] for row in truth(world, "employments"))
    moved = {person for person, count in employers.items() if count == 2}
    assert moved
    contacts: dict[str, set[str]] = defaultdict(set)
    for row in truth(world, "identities"):
        if row["identity_type"] == "contact_id" and row["person_id"] in moved:
            contacts[row["person_id"]].add(row["company_id"])
    assert any(len(companies) == 2 for companies in contacts.values())


def test_branches_share_the_domain_and_name_of_their_parent_and_nothing_else(world: SampleWorld) -> None:
    firms = {row["company_id"]: row for row in truth(world, "companies")}
    branches = [row for row in firms.values() if row["kind"] == "branch"]
    assert branches
    for branch in branches:
        parent = firms[branch["parent_company_id"]]
        assert branch["legal_name"].startswith(parent["legal_name"])
        assert branch["legal_name"].endswith("分公司")
        assert (branch["domain"], branch["brand"]) == (parent["domain"], parent["brand"])
        assert branch["uscc"] != parent["uscc"]


def test_lead_stages_come_in_order_and_agree_with_the_crm(world: SampleWorld) -> None:
    order = {"raw": 1, "mql": 2, "sql": 3, "opportunity": 4, "won": 5, "lost": 5}
    by_lead: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in truth(world, "lead_stages"):
        by_lead[row["lead_id"]].append(row)
    for steps in by_lead.values():
        assert [s["entered_on"] for s in steps] == sorted(s["entered_on"] for s in steps)
        assert [order[s["stage"]] for s in steps] == sorted(order[s["stage"]] for s in steps)
    written = {row["线索编号"]: row for row in rows(world, "crm/leads.csv")}
    for lead, steps in by_lead.items():
        reached = {s["stage"] for s in steps}
        assert bool(written[lead]["转化联系人"]) == ("sql" in reached)
        assert bool(written[lead]["转化商机"]) == ("opportunity" in reached)


def test_customers_are_ranked_by_their_measures(world: SampleWorld) -> None:
    customers = truth(world, "customers")
    won = {row["company_id"] for row in truth(world, "deals") if row["is_won"]}
    assert {row["company_id"] for row in customers} == won
    ordered = sorted(customers, key=lambda row: row["value_rank"])
    assert [row["value_rank"] for row in ordered] == list(range(1, len(ordered) + 1))
    assert [row["value_score"] for row in ordered] == sorted((row["value_score"] for row in ordered), reverse=True)
    assert [row["tier"] for row in ordered] == sorted((row["tier"] for row in ordered), key="SAB".index)
    revenue: Counter[str] = Counter()
    for row in truth(world, "deals"):
        if row["is_won"]:
            revenue[row["company_id"]] += row["amount_cny"]
    assert {row["company_id"]: row["deal_volume_cny"] for row in customers} == revenue


def test_who_came_to_buy_becomes_known_more_often(world: SampleWorld) -> None:
    people = {row["person_id"]: row for row in truth(world, "people")}
    follows = [row for row in truth(world, "follows") if people[row["person_id"]]["company_id"]]
    share = {
        purpose: np.mean([row["lead_at"] is not None for row in follows if row["purpose"] == purpose])
        for purpose in ("sourcing", "learning")
    }
    assert share["sourcing"] / share["learning"] > 2


def test_pushed_events_agree_with_the_follows(world: SampleWorld) -> None:
    lines = [json.loads(line) for line in (world.out / "wechat/follower_events.jsonl").read_text().splitlines()]
    assert {line["event"] for line in lines} == {"subscribe", "unsubscribe", "scan", "click", "view"}
    start = datetime(2026, 7, 4)

    def local(line: dict[str, Any]) -> datetime:
        return datetime.fromisoformat(line["created_at"]).replace(tzinfo=None) + timedelta(hours=8)

    follows = truth(world, "follows")
    began = {(row["openid"], row["followed_at"]) for row in follows if row["followed_at"] >= start}
    ended = {(row["openid"], row["unfollowed_at"]) for row in follows if (row["unfollowed_at"] or start) > start}
    assert {(line["openid"], local(line)) for line in lines if line["event"] == "subscribe"} == began
    assert {(line["openid"], local(line)) for line in lines if line["event"] == "unsubscribe"} == ended
    assert any(str(line["event_key"]).startswith("qrscene_") for line in lines if line["event"] == "subscribe")


@pytest.mark.parametrize(("end", "days"), [(date(2026, 10, 31), 180), (date(2026, 10, 30), 33), (date(2026, 11, 1), 1)])
def test_many_moments_are_those_of_the_single_days(end: date, days: int) -> None:
    window = Window(end, days)
    story = np.concatenate([np.linspace(-900, days - 0.001, 2_000), np.arange(-8.0, min(days, 8))])
    single = [window.office_time(day) for day in story.tolist()]
    assert window.office_times(story).astype("datetime64[s]").tolist() == [at.replace(microsecond=0) for at in single]
    assert single[:2_000] == sorted(single[:2_000])
    assert all(at.date() >= window.first for at, day in zip(single, story.tolist(), strict=True) if day >= 0)


def test_the_folder_is_small(world: SampleWorld) -> None:
    assert sum(path.stat().st_size for path in Path(world.out).rglob("*") if path.is_file()) < 20_000_000
