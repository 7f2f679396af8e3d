"""The sample world: same arguments, same bytes; every flaw is written down; every fault does one thing."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import re
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import phonenumbers
import pyarrow.parquet as pq
import pytest
import yaml
from stdnum.cn import uscc

from persona_warehouse.errors import ConfigError
from persona_warehouse.landing.contract import contract, objects
from persona_warehouse.simulate import FAULTS, SampleWorld, simulate

SIZE: dict[str, Any] = {"companies": 40, "days": 90}
END_UTC = datetime(2026, 10, 31, 16, tzinfo=UTC)


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def truth(world: SampleWorld, name: str) -> list[dict[str, Any]]:
    return pq.read_table(world.out / "truth" / f"{name}.parquet").to_pylist()


def rows(world: SampleWorld, file: str, encoding: str = "utf-8-sig") -> list[dict[str, str]]:
    with (world.out / file).open(encoding=encoding, newline="") as stream:
        return list(csv.DictReader(stream))


def event_lines(out: Path) -> list[tuple[str, str]]:
    """(file, line) of every web event."""
    return [
        (f"web/{path.name}", line)
        for path in sorted((out / "web").glob("*.jsonl.gz"))
        for line in gzip.decompress(path.read_bytes()).decode().splitlines()
    ]


def events(out: Path) -> list[dict[str, Any]]:
    """Every web event that can be read."""
    found = []
    for _, line in event_lines(out):
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return found


def moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> SampleWorld:
    return simulate(tmp_path_factory.mktemp("world") / "sample", **SIZE)


def test_same_arguments_give_the_same_bytes(world: SampleWorld, tmp_path: Path) -> None:
    again = simulate(tmp_path, **SIZE)
    assert digests(tmp_path) == digests(world.out)
    assert again.counts == world.counts


def test_another_seed_gives_another_world(world: SampleWorld, tmp_path: Path) -> None:
    simulate(tmp_path, seed=8, **SIZE)
    here, there = digests(world.out), digests(tmp_path)
    same = {file for file in here if here[file] == there.get(file)}
    # what is the vendor's own, and the model, stand in every world
    model = {f"truth/{name}.parquet" for name in ("pages", "personas", "attributes", "parameters")}
    assert same == {"crm/products.parquet", "sources.yml", *model}


def test_a_second_world_replaces_the_first(tmp_path: Path) -> None:
    simulate(tmp_path, companies=5, days=90)
    simulate(tmp_path, companies=5, days=20)
    assert [path.name for path in (tmp_path / "web").iterdir()] == ["events-2026-10.jsonl.gz"]


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "index.html").write_text("mine")
    with pytest.raises(ConfigError, match="holds something else"):
        simulate(tmp_path, companies=1)
    assert (tmp_path / "web" / "index.html").read_text() == "mine"
    assert not (tmp_path / "sources.yml").exists()


def test_the_default_world_has_the_promised_size(tmp_path: Path) -> None:
    counts = simulate(tmp_path).counts
    assert 500 <= counts["truth/people.parquet"] <= 750
    assert 250 <= counts["crm/leads.csv"] <= 400
    assert 250 <= counts["crm/deals.csv"] <= 350
    assert 420 <= counts["wechat/followers.jsonl"] <= 580
    assert 20_000 <= sum(count for file, count in counts.items() if file.startswith("web/")) <= 32_000
    assert sum(count for file, count in counts.items() if not file.startswith("truth/")) <= 60_000


@pytest.mark.parametrize("days", [1, 30, 180])
def test_one_company_fills_every_file(tmp_path: Path, days: int) -> None:
    world = simulate(tmp_path, companies=1, days=days)
    assert min(count for file, count in world.counts.items() if file != "truth/spoiled.parquet") > 0
    followers = [json.loads(line) for line in (tmp_path / "wechat/followers.jsonl").read_text().splitlines()]
    # a column that no row has would be missing in the file: its mapping would be an error
    assert {"unionid", "subscribe_time", "tagid_list"} <= {key for row in followers for key in row}


def test_counts_are_the_rows_of_the_files(world: SampleWorld) -> None:
    for file, count in world.counts.items():
        path = world.out / file
        if path.suffix == ".parquet":
            found = pq.read_metadata(path).num_rows
        elif path.suffix == ".csv":
            found = len(rows(world, file, "gb18030" if "contacts.csv" in file and "deal" not in file else "utf-8-sig"))
        else:
            data = path.read_bytes()
            found = len((gzip.decompress(data) if path.suffix == ".gz" else data).decode().splitlines())
        assert (file, found) == (file, count)


def test_the_sources_file_names_every_file_and_only_columns_that_exist(world: SampleWorld) -> None:
    sources = yaml.safe_load(world.sources_file.read_text(encoding="utf-8"))["sources"]
    assert set(sources) == {"crm", "website", "wechat"}
    named = {"sources.yml"}
    # what articles were read comes from the account's API alone
    articles = {"account_daily_stats", "article_daily_stats", "article_stats"}
    for stream in ("crm", "wechat"):
        assert set(sources[stream][0]["objects"]) == set(objects(stream)) - articles
        for name, entry in sources[stream][0]["objects"].items():
            path = world.out / sources[stream][0]["path"] / entry["file"]
            named.add(path.relative_to(world.out).as_posix())
            assert set(entry["columns"]) <= set(contract(stream, name).columns)
            if path.suffix == ".parquet":
                present = set(pq.read_schema(path).names)
            elif path.suffix == ".csv":
                text = path.read_bytes().decode(entry.get("encoding", "utf-8"))
                present = set(next(csv.reader(text.splitlines())))
            else:
                good = [line for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
                present = {key for line in good for key in json.loads(line)}
            assert set(entry["columns"].values()) <= present
    written = {file for file in digests(world.out) if not file.startswith("truth/")}
    assert written - named == {f"web/{path.name}" for path in world.out.glob(sources["website"][0]["path"])}


def test_contacts_are_gb18030_with_characters_that_gbk_lacks(world: SampleWorld, tmp_path: Path) -> None:
    data = (world.out / "crm/contacts.csv").read_bytes()
    assert data.decode("gb18030").startswith("联系人编号,客户编号,姓名,邮箱,手机")
    with pytest.raises(UnicodeDecodeError):
        data.decode("utf-8")
    large = simulate(tmp_path, companies=200, days=90)
    with pytest.raises(UnicodeDecodeError):
        (large.out / "crm/contacts.csv").read_bytes().decode("gbk")


def test_leads_begin_with_a_byte_order_mark(world: SampleWorld) -> None:
    assert (world.out / "crm/leads.csv").read_bytes().startswith(b"\xef\xbb\xbf\xe7\xba\xbf")


def test_events_have_the_columns_of_the_contract(world: SampleWorld) -> None:
    # what only some vendors' exports have, the world's own file does not: their session, sending time and deletions
    vendors = {"session_id", "sent_at", "is_deleted"}
    columns = [name for name in contract("website", "events").columns if name not in vendors]
    assert all(list(event) == columns for event in events(world.out))


def test_events_lie_in_the_window_and_are_received_after_they_happened(world: SampleWorld) -> None:
    first = datetime(2026, 8, 2, 16, tzinfo=UTC)
    for event in events(world.out):
        occurred, received = moment(event["occurred_at"]), moment(event["received_at"])
        assert received is not None
        assert occurred is None or first <= occurred <= received < END_UTC


def test_events_are_all_kinds(world: SampleWorld) -> None:
    found = events(world.out)
    assert {event["event_name"] for event in found} == {"page_view", "form_submit", "login"}
    assert all(event["email"] for event in found if event["event_name"] == "form_submit")
    assert any(event["phone"] for event in found)
    assert all(event["user_id"] for event in found if event["event_name"] == "login")
    assert any(event["openid"] for event in found)
    assert all("MicroMessenger" in event["user_agent"] for event in found if event["openid"])
    for robot in ("Googlebot", "Baiduspider", "bingbot"):
        assert any(robot in event["user_agent"] for event in found)
    # colleagues behind one office address, and people with several cookies
    cookies = {
        (event["ip_address"], event["anonymous_id"]) for event in found if event["ip_address"].startswith("198.18.")
    }
    assert max(Counter(address for address, _ in cookies).values()) > 1
    people = Counter(row["person_id"] for row in truth(world, "identities") if row["identity_type"] == "anonymous_id")
    assert max(count for person, count in people.items() if person) > 2


def test_some_events_are_late_and_some_stand_there_twice(world: SampleWorld) -> None:
    lines = event_lines(world.out)
    twice = len(lines) - len({line for _, line in lines})
    assert 0 < twice < len(lines) * 0.01
    assert len({event["event_id"] for event in events(world.out)}) == len({line for _, line in lines}) - 1
    delays = [
        (received - occurred).total_seconds()
        for event in events(world.out)
        if (occurred := moment(event["occurred_at"])) and (received := moment(event["received_at"]))
    ]
    assert 0.01 < sum(delay > 600 for delay in delays) / len(delays) < 0.06


def test_credit_codes_are_valid_and_most_companies_show_theirs(world: SampleWorld) -> None:
    codes = [company["uscc"] for company in truth(world, "companies")]
    assert len(set(codes)) == len(codes)
    assert all(uscc.is_valid(code) for code in codes)
    shown = [row["Credit Code"] for row in rows(world, "crm/companies.csv")]
    assert 0.4 < sum(bool(code) for code in shown) / len(shown) < 0.8
    assert {uscc.compact(code) for code in shown if code} <= set(codes)


def test_addresses_and_numbers_are_plainly_invented(world: SampleWorld) -> None:
    for company in truth(world, "companies"):
        assert re.fullmatch(r"[a-z0-9-]+-demo\.(cn|com\.cn|com)", company["domain"])
    for person in truth(world, "people"):
        assert phonenumbers.is_valid_number(phonenumbers.parse(person["mobile"], "CN"))
        assert person["mobile"][3:7] == "0000"


def test_written_phones_are_the_true_ones_or_the_switchboard(world: SampleWorld) -> None:
    people = {person["person_id"]: person for person in truth(world, "people")}
    owners = {row["source_id"]: row for row in truth(world, "identities") if row["identity_type"] == "contact_id"}
    ways = set()
    for row in rows(world, "crm/contacts.csv", "gb18030"):
        written = row["手机"]
        if not written:
            continue
        number = phonenumbers.parse(written, "CN")
        assert phonenumbers.is_valid_number(number)
        if f"{number.national_number}" != people[owners[row["联系人编号"]]["person_id"]]["mobile"]:
            assert "-555" in written
        ways.add(re.sub(r"\d", "9", written))
    assert len(ways) > 4


def test_written_amounts_are_the_true_ones(world: SampleWorld) -> None:
    amounts = {deal["deal_id"]: deal["amount_cny"] for deal in truth(world, "deals")}
    spoiled = {row["record_id"] for row in truth(world, "spoiled") if row["field"] == "amount"}
    units = {"万": 10_000, "亿": 100_000_000}
    ways = set()
    for row in rows(world, "crm/deals.csv"):
        text = row["金额"]
        if not text or row["商机编号"] in spoiled:
            continue
        digits = text.lstrip("¥").replace(",", "").rstrip("万亿")
        assert Decimal(digits) * units.get(text[-1], 1) == amounts[row["商机编号"]]
        ways.add((text[0] == "¥", text[-1] if text[-1] in units else ""))
    assert {(True, ""), (False, "万"), (False, "")} <= ways


def test_every_spoiled_row_is_where_the_truth_says(world: SampleWorld) -> None:
    spoiled = truth(world, "spoiled")
    assert {row["file"].split("/")[0] for row in spoiled} == {"crm", "web", "wechat"}
    assert {row["flaw"] for row in spoiled} == {"bad_date", "bad_money", "bad_number", "cut_line"}
    assert max(Counter(row["file"] for row in spoiled).values()) <= 3
    for row in spoiled:
        data = (world.out / row["file"]).read_bytes()
        data = gzip.decompress(data) if row["file"].endswith(".gz") else data
        is_csv = row["file"].endswith(".csv")
        text = data.decode("gb18030" if row["file"] == "crm/contacts.csv" else "utf-8-sig")
        line = text.splitlines()[row["row"] - (0 if is_csv else 1)]
        if row["flaw"] == "cut_line":
            assert not line.endswith("}")
            assert line.startswith("{")
        else:
            assert row["written"] in line
            assert row["record_id"] in line


def test_nothing_else_is_cut(world: SampleWorld) -> None:
    named = {(row["file"], row["row"]) for row in truth(world, "spoiled") if row["flaw"] == "cut_line"}
    cut = set()
    at: Counter[str] = Counter()
    lines = event_lines(world.out)
    activities = (world.out / "crm/activities.jsonl").read_text(encoding="utf-8").splitlines()
    for file, line in [*lines, *(("crm/activities.jsonl", line) for line in activities)]:
        at[file] += 1
        if not line.endswith("}"):
            cut.add((file, at[file]))
    assert cut == named


def test_the_truth_refers_to_itself(world: SampleWorld) -> None:
    companies = {company["company_id"] for company in truth(world, "companies")}
    people = {person["person_id"]: person["company_id"] for person in truth(world, "people")}
    assert {company for company in people.values() if company} == companies
    employers: dict[str, set[str | None]] = {person: {company} for person, company in people.items()}
    for row in truth(world, "employments"):
        employers[row["person_id"]].add(row["company_id"])
    parents = {company["parent_company_id"] for company in truth(world, "companies")} - {None}
    assert parents
    assert parents <= companies
    for name in ("stages", "deals"):
        assert {row["company_id"] for row in truth(world, name)} <= companies
    keys = set()
    for row in truth(world, "identities"):
        if row["kind"] == "person":
            assert row["company_id"] in employers[row["person_id"]]
        elif row["kind"] == "company":
            assert row["company_id"] in companies
        else:
            assert row["person_id"] is row["company_id"] is None
        # a cookie that several people share has a row for each
        person = row["person_id"] if row["identity_type"] == "anonymous_id" else None
        keys.add((row["source_object"], row["identity_type"], row["source_id"], person))
    assert len(keys) == len(truth(world, "identities"))


def test_the_truth_knows_every_source_id(world: SampleWorld) -> None:
    known: dict[str, set[str]] = {}
    for row in truth(world, "identities"):
        known.setdefault(row["identity_type"], set()).add(row["source_id"])
    followers = [json.loads(line) for line in (world.out / "wechat/followers.jsonl").read_text().splitlines()]
    assert {row["Account ID"] for row in rows(world, "crm/companies.csv")} == known["company_id"]
    assert {row["联系人编号"] for row in rows(world, "crm/contacts.csv", "gb18030")} == known["contact_id"]
    assert {row["线索编号"] for row in rows(world, "crm/leads.csv")} == known["lead_id"]
    assert {row["openid"] for row in followers} == known["openid"]
    assert {row["unionid"] for row in followers if "unionid" in row} == known["unionid"]
    found = events(world.out)
    assert {event["anonymous_id"] for event in found} <= known["anonymous_id"]
    assert {event["user_id"] for event in found if event["user_id"]} == known["user_id"]


def test_crm_rows_refer_to_rows_that_exist(world: SampleWorld) -> None:
    companies = {row["Account ID"] for row in rows(world, "crm/companies.csv")} | {""}
    contacts = {row["联系人编号"] for row in rows(world, "crm/contacts.csv", "gb18030")} | {""}
    deals = {row["商机编号"] for row in rows(world, "crm/deals.csv")} | {""}
    assert {row["Parent Account ID"] for row in rows(world, "crm/companies.csv")} <= companies
    assert {row["客户编号"] for row in rows(world, "crm/contacts.csv", "gb18030")} <= companies
    assert {row["合并至"] for row in rows(world, "crm/contacts.csv", "gb18030")} <= contacts
    assert {row["客户编号"] for row in rows(world, "crm/deals.csv")} <= companies
    assert {row["转化联系人"] for row in rows(world, "crm/leads.csv")} <= contacts
    assert {row["转化商机"] for row in rows(world, "crm/leads.csv")} <= deals
    for row in rows(world, "crm/deal_contacts.csv"):
        assert (row["Deal ID"] in deals, row["Contact ID"] in contacts) == (True, True)


def test_a_web_lead_is_entered_soon_after_its_form(world: SampleWorld) -> None:
    people = {person["person_id"]: person for person in truth(world, "people")}
    who = {
        row["source_id"]: people[row["person_id"]]
        for row in truth(world, "identities")
        if row["identity_type"] == "lead_id" and row["kind"] == "person"
    }
    sent = [(e["email"], moment(e["occurred_at"])) for e in events(world.out) if e["event_name"] == "form_submit"]
    seen: set[str] = set()
    for row in rows(world, "crm/leads.csv"):
        if row["线索编号"] not in who:  # the vendor's own people, trying their form
            continue
        person = who[row["线索编号"]]
        if row["线索来源"] not in ("官网表单", "百度推广") or person["person_id"] in seen:
            continue
        if row["创建时间"] < "2026-08-03":  # before the website was watched
            continue
        seen.add(person["person_id"])
        entered = datetime.fromisoformat(row["创建时间"] + "+08:00")
        waits = [
            (entered - at).total_seconds()
            for email, at in sent
            if at and email == (person["free_email"] or person["work_email"])
        ]
        assert any(0 < wait < 1800 for wait in waits)
    assert len(seen) > 10


def test_every_deal_ends_its_history_in_its_stage(world: SampleWorld) -> None:
    last: dict[str, tuple[str, str]] = {}
    for row in rows(world, "crm/deal_stage_history.csv"):
        before = last.get(row["Deal ID"], ("", ""))
        assert row["Changed At"] >= before[0]
        last[row["Deal ID"]] = (row["Changed At"], row["Stage"])
    assert {row["商机编号"]: row["阶段"] for row in rows(world, "crm/deals.csv")} == {
        deal: stage for deal, (_, stage) in last.items()
    }


def test_daily_statistics_add_up_to_the_followers(world: SampleWorld) -> None:
    stats = [json.loads(line) for line in (world.out / "wechat/daily_follower_stats.jsonl").read_text().splitlines()]
    followers = [json.loads(line) for line in (world.out / "wechat/followers.jsonl").read_text().splitlines()]
    totals = [row["cumulate_user"] for row in stats if "cumulate_user" in row]
    assert len(totals) == SIZE["days"]
    moved = [row for row in stats if row["ref_date"] > stats[0]["ref_date"]]
    assert totals[-1] - totals[0] == sum(row["new_user"] - row["cancel_user"] for row in moved)
    assert totals[-1] == sum(follower["subscribe"] for follower in followers)


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_fault_changes_what_it_names_and_nothing_else(world: SampleWorld, tmp_path: Path, fault: str) -> None:
    simulate(tmp_path, faults=[fault], **SIZE)
    clean, faulty = digests(world.out), digests(tmp_path)
    changed = {file for file in clean.keys() | faulty.keys() if clean.get(file) != faulty.get(file)}
    assert changed
    assert all(any(fnmatch(file, pattern) for pattern in FAULTS[fault]) for file in changed), changed


def test_an_unknown_fault_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        simulate(tmp_path, faults=["flood"])
    assert raised.value.found == "flood"
    assert set((raised.value.expected or "").removeprefix("one of ").split(", ")) == set(FAULTS)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("wrong", [{"companies": 0}, {"days": 0}, {"seed": -1}])
def test_an_impossible_world_is_refused(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=f"--{next(iter(wrong))}"):
        simulate(tmp_path, **wrong)  # type: ignore[arg-type]


def test_late_duplicate_and_reorder_keep_the_events(world: SampleWorld, tmp_path: Path) -> None:
    simulate(tmp_path, faults=["late", "duplicate", "reorder"], **SIZE)
    before = {(e["event_id"], e["occurred_at"], e["page_url"]) for e in events(world.out)}
    after = events(tmp_path)
    assert {(e["event_id"], e["occurred_at"], e["page_url"]) for e in after} == before
    assert len(after) > len(events(world.out))
    received = [event["received_at"] for event in after]
    assert received != sorted(received)


def test_a_cut_file_stops_in_its_middle(tmp_path: Path) -> None:
    simulate(tmp_path, faults=["truncate"], **SIZE)
    *whole, cut = sorted((tmp_path / "web").iterdir())
    assert all(gzip.decompress(path.read_bytes()) for path in whole)
    with pytest.raises(EOFError):
        gzip.decompress(cut.read_bytes())


def test_a_wrong_clock_puts_events_into_the_future(tmp_path: Path) -> None:
    simulate(tmp_path, faults=["clock"], **SIZE)
    ahead = [e for e in events(tmp_path) if (at := moment(e["occurred_at"])) is not None and at >= END_UTC]
    assert ahead


def test_a_shared_device_is_several_people_to_the_truth(world: SampleWorld, tmp_path: Path) -> None:
    def shared(out: SampleWorld) -> int:
        cookies = Counter(r["source_id"] for r in truth(out, "identities") if r["identity_type"] == "anonymous_id")
        return sum(count > 1 for count in cookies.values())

    # one office computer is shared in every world, and so is another in every tenth company
    assert shared(simulate(tmp_path, faults=["shared_device"], **SIZE)) > shared(world) > 0


def test_a_bot_storm_is_one_robot_within_an_hour(world: SampleWorld, tmp_path: Path) -> None:
    simulate(tmp_path, faults=["bot_storm"], **SIZE)
    storm = [event for event in events(tmp_path) if "Bytespider" in event["user_agent"]]
    assert len(events(tmp_path)) - len(storm) == len(events(world.out))
    assert len(storm) > len(events(world.out)) // 4
    assert len({event["occurred_at"][:13] for event in storm}) == 1
