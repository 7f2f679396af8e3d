"""Night after night of one world: what an earlier export had, a later one has too, and its rows have grown."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from persona_warehouse.errors import ConfigError
from persona_warehouse.simulate import SampleWorld, simulate

SIZE: dict[str, Any] = {"companies": 60, "days": 60, "seed": 3}
END = date(2026, 10, 31)
EARLIER = END - timedelta(days=20)


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> tuple[SampleWorld, SampleWorld]:
    folder = tmp_path_factory.mktemp("nights")
    return simulate(folder / "a", until=EARLIER, **SIZE), simulate(folder / "b", **SIZE)


def lines(world: SampleWorld) -> list[str]:
    return [
        line
        for path in sorted((world.out / "web").glob("*.gz"))
        for line in gzip.decompress(path.read_bytes()).decode().splitlines()
    ]


def rows(world: SampleWorld, file: str, key: str, encoding: str = "utf-8-sig") -> dict[str, dict[str, str]]:
    with (world.out / file).open(encoding=encoding, newline="") as stream:
        return {row[key]: row for row in csv.DictReader(stream)}


def truth(world: SampleWorld, name: str) -> list[dict[str, Any]]:
    return pq.read_table(world.out / "truth" / f"{name}.parquet").to_pylist()


def test_events_of_an_earlier_night_are_the_beginning_of_a_later_one(nights: tuple[SampleWorld, SampleWorld]) -> None:
    early, late = lines(nights[0]), lines(nights[1])
    assert 0 < len(early) < len(late)
    assert late[: len(early)] == early
    for line in late[len(early) :]:
        received = line.split('"received_at":"')[1][:10] if '"received_at":"' in line else None
        assert received is None or received >= EARLIER.isoformat()


@pytest.mark.parametrize(
    ("file", "key", "updated", "encoding"),
    [
        ("crm/companies.csv", "Account ID", "Updated At", "utf-8"),
        ("crm/contacts.csv", "联系人编号", "更新时间", "gb18030"),
        ("crm/leads.csv", "线索编号", "更新时间", "utf-8-sig"),
        ("crm/deals.csv", "商机编号", "更新时间", "utf-8"),
        ("crm/invoices.csv", "发票号", "更新时间", "utf-8"),
    ],
)
def test_rows_keep_their_ids_and_change_only_with_their_stamp(
    nights: tuple[SampleWorld, SampleWorld], file: str, key: str, updated: str, encoding: str
) -> None:
    early, late = (rows(world, file, key, encoding) for world in nights)
    assert set(early) < set(late)
    changed = [name for name in early if early[name] != late[name]]
    assert changed
    assert len(changed) < len(early)
    after = (EARLIER + timedelta(days=1)).isoformat()
    for name in changed:
        # the deals write their days with slashes; a stamp that was spoiled says nothing
        stamp = late[name][updated].replace("/", "-")
        assert stamp >= after or not stamp[:4].isdigit()
    for name, row in early.items():
        stamp = row[updated].replace("/", "-")
        assert stamp < after or not stamp[:4].isdigit(), name


@pytest.mark.parametrize(
    "file", ["crm/deal_stage_history.csv", "crm/surveys.csv", "crm/referrals.csv", "crm/ad_spend.csv"]
)
def test_what_never_changes_only_grows(nights: tuple[SampleWorld, SampleWorld], file: str) -> None:
    early, late = (set((world.out / file).read_text(encoding="utf-8").splitlines()) for world in nights)
    assert early < late


def test_references_hold_on_the_earlier_night(nights: tuple[SampleWorld, SampleWorld]) -> None:
    early = nights[0]
    companies = set(rows(early, "crm/companies.csv", "Account ID")) | {""}
    contacts = set(rows(early, "crm/contacts.csv", "联系人编号", "gb18030")) | {""}
    deals = set(rows(early, "crm/deals.csv", "商机编号")) | {""}
    for row in rows(early, "crm/leads.csv", "线索编号").values():
        assert (row["转化联系人"] in contacts, row["转化商机"] in deals) == (True, True)
    for row in rows(early, "crm/companies.csv", "Account ID").values():
        assert (row["Parent Account ID"] in companies, row["Merged Into"] in companies) == (True, True)
    for row in rows(early, "crm/deals.csv", "商机编号").values():
        assert row["客户编号"] in companies
    with (early.out / "crm/deal_contacts.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            assert (row["Deal ID"] in deals, row["Contact ID"] in contacts) == (True, True)
    for text in (early.out / "crm/activities.jsonl").read_text(encoding="utf-8").splitlines():
        if text.endswith("}"):
            talk = json.loads(text)
            assert (talk["account"] or "") in companies
            assert (talk["contact"] or "") in contacts
            assert (talk["deal"] or "") in deals


def test_the_truth_of_the_earlier_night_ends_with_it(nights: tuple[SampleWorld, SampleWorld]) -> None:
    early = nights[0]
    assert early.end == EARLIER
    for name, day in (("stages", "entered_on"), ("lead_stages", "entered_on"), ("deals", "created_on")):
        assert max(row[day] for row in truth(early, name)) <= EARLIER
    key = ("company_id", "stage", "entered_on")
    stages = [{tuple(row[k] for k in key) for row in truth(world, "stages")} for world in nights]
    assert stages[0] == {row for row in stages[1] if row[2] <= EARLIER}
    model = ("companies", "company_attributes", "people")
    columns = ("company_id", "persona", "fit_score", "attribute", "value", "decision_role", "person_id")
    for name in model:
        tables = [pq.read_table(world.out / "truth" / f"{name}.parquet") for world in nights]
        shared = [column for column in columns if column in tables[0].column_names]
        assert tables[0].select(shared).equals(tables[1].select(shared))


def test_followers_of_the_earlier_night(nights: tuple[SampleWorld, SampleWorld]) -> None:
    def read(world: SampleWorld, name: str) -> list[str]:
        return (world.out / "wechat" / name).read_text(encoding="utf-8").splitlines()

    for name in ("follower_events.jsonl", "daily_follower_stats.jsonl"):
        early, late = (read(world, name) for world in nights)
        assert late[: len(early)] == early
        assert len(late) > len(early)
    openids = [{json.loads(line)["openid"] for line in read(world, "followers.jsonl")} for world in nights]
    assert openids[0] < openids[1]


def test_a_day_outside_of_the_world_is_refused(tmp_path: Path) -> None:
    for wrong in (END + timedelta(days=1), END - timedelta(days=60)):
        with pytest.raises(ConfigError, match="does not reach that day") as raised:
            simulate(tmp_path, until=wrong, **SIZE)
        assert raised.value.found == str(wrong)


def test_bytes_depend_on_neither_hash_seed_nor_time_zone(tmp_path: Path) -> None:
    code = "import sys; from persona_warehouse.simulate import simulate; from pathlib import Path;"
    code += "simulate(Path(sys.argv[1]), companies=12, days=40, faults=['bot_storm', 'shared_device', 'late'])"
    digests = []
    for name, seed, zone in (("a", "1", "UTC"), ("b", "77", "America/New_York")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone}
        subprocess.run([sys.executable, "-c", code, str(tmp_path / name)], check=True, env=environment)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        digests.append({p.relative_to(tmp_path / name): hashlib.sha256(p.read_bytes()).hexdigest() for p in files})
    assert len(digests[0]) > 40
    assert digests[0] == digests[1]
