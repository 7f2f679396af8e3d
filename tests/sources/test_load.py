"""One stream into the landing zone: all of it or nothing, once, and with a manifest that tells the truth."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from persona_warehouse.errors import ConfigError, ExitCode, PersonaError, SourceFault
from persona_warehouse.files import read_json, sha256_of
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import landing_schema, objects
from persona_warehouse.settings import Settings
from persona_warehouse.sources import load
from persona_warehouse.sources.load import load_stream

CRM = """
sources:
  crm:
    - connector: files
      path: crm
      objects:
        companies: {file: companies.csv}
        deals: {file: deals.csv, currency: CNY}
  website:
    - {connector: events, path: "web/*.jsonl"}
    - {connector: access_log, path: web/access.log}
"""
LINE = '203.0.113.7 - - [20/Nov/2026:10:00:00 +0800] "GET / HTTP/1.1" 200 5 "-" "Mozilla/5.0"\n'
EVENT = {"event_id": "e1", "anonymous_id": "a1", "occurred_at": "2026-11-20 10:00:00"}


class World:
    """Source files and a home of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings(folder / "home", folder / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)
        self.write("sources.yml", CRM)
        self.write("crm/companies.csv", "company_id,name\nc1,海河科技\nc2,\n")
        self.write("crm/deals.csv", "deal_id,amount,memo\nd1,1.2亿,x\nd2,面议,\nd3\n")
        self.write("web/1.jsonl", json.dumps(EVENT) + "\n")
        self.write("web/access.log", LINE * 2 + "free text\n")

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def landed(self, stream: str, name: str) -> list[dict[str, Any]]:
        """The rows of every load of an object, oldest first."""
        root = self.settings.landing / stream
        files = [f.path for m in store.manifests(self.settings, stream) for f in m.files if f.object == name]
        return [row for file in files for row in pq.read_table(root / file, partitioning=None).to_pylist()]

    def digest(self) -> dict[str, str]:
        """Every file of the landing zone with its hash."""
        root = self.settings.landing
        return {str(p.relative_to(root)): sha256_of(p) for p in sorted(root.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module", autouse=True)
def loggers_as_they_were() -> Iterator[None]:
    # dlt silences this one for the whole process; the connectors' own tests listen to it
    logger = logging.getLogger("httpx")
    level = logger.level
    yield
    logger.setLevel(level)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_load_lands_every_row_and_says_so_in_its_manifest(world: World) -> None:
    result = load_stream(world.settings, "crm")
    assert (result.status, result.rows, result.rows_in_error) == ("loaded", 5, 3)
    assert str(result) == "5 rows, 3 to quarantine"
    [manifest] = store.manifests(world.settings, "crm")
    assert (manifest.load_id, manifest.stream, manifest.business_date) == (result.load_id, "crm", "2026-11-20")
    # the night of 20 November in Shanghai
    assert manifest.window == ("2026-11-19T16:00:00+00:00", "2026-11-20T16:00:00+00:00")
    assert [(o.connector, o.object, o.origin, o.landed) for o in manifest.origins] == [
        ("files", "companies", "crm/companies.csv", True),
        ("files", "deals", "crm/deals.csv", True),
    ]
    assert {f.object: (f.rows, f.rows_in_error) for f in manifest.files} == {"companies": (2, 1), "deals": (3, 2)}
    root = world.settings.landing / "crm"
    for file in manifest.files:
        content = (root / file.path).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (file.sha256, file.bytes)
        assert pq.read_schema(root / file.path).names == landing_schema("crm", file.object).names
    deals = world.landed("crm", "deals")
    assert [(row["deal_id"], row["currency"], row["source_row"]) for row in deals[:1]] == [("d1", "CNY", 1)]
    assert sorted(json.loads(row["row_errors"])[0]["rule"] for row in deals if row["row_errors"]) == [
        "malformed_row", "not_decimal",
    ]  # fmt: skip


def test_landed_columns_have_the_contract_s_types(world: World) -> None:
    load_stream(world.settings, "crm")
    [manifest] = store.manifests(world.settings, "crm")
    for file in manifest.files:
        schema = pq.read_schema(world.settings.landing / "crm" / file.path)
        for field in landing_schema("crm", file.object):
            assert schema.field(field.name).type == field.type, field.name


def test_two_connectors_fill_one_stream(world: World) -> None:
    result = load_stream(world.settings, "website")
    assert (result.rows, result.rows_in_error) == (4, 1)
    [manifest] = store.manifests(world.settings, "website")
    assert [(o.connector, o.origin) for o in manifest.origins] == [
        ("events", "web/1.jsonl"),
        ("access_log", "web/access.log"),
    ]
    assert {row["source_file"] for row in world.landed("website", "events")} == {"1.jsonl", "access.log"}


def test_what_has_not_changed_is_not_landed_again(world: World) -> None:
    load_stream(world.settings, "crm")
    before = [m.files for m in store.manifests(world.settings, "crm")]
    again = load_stream(world.settings, "crm")
    assert (again.status, again.rows, str(again)) == ("unchanged", 0, "nothing new")
    manifests = store.manifests(world.settings, "crm")
    assert [m.files for m in manifests] == [*before, []]
    assert [o.landed for o in manifests[-1].origins] == [False, False]
    assert manifests[-1].load_id == again.load_id


def test_only_what_has_changed_is_landed_also_when_it_changes_back(world: World) -> None:
    load_stream(world.settings, "crm")
    first = (world.folder / "crm/deals.csv").read_bytes()
    for content in (b"deal_id,amount\nd9,5\n", first):
        world.write("crm/deals.csv", content)
        assert load_stream(world.settings, "crm").status == "loaded"
        last = store.manifests(world.settings, "crm")[-1]
        assert [file.object for file in last.files] == ["deals"]
        assert {o.object: o.landed for o in last.origins} == {"companies": False, "deals": True}
    assert load_stream(world.settings, "crm").status == "unchanged"
    assert [row["deal_id"] for row in world.landed("crm", "deals") if row["deal_id"]] == ["d1", "d2", "d9", "d1", "d2"]


def test_a_column_that_comes_new_is_kept_and_named(world: World) -> None:
    first = load_stream(world.settings, "crm")
    # what the first load brings is how the source is, not news
    assert (first.new_columns, store.new_columns(world.settings, "crm")) == ((), [])
    assert store.manifests(world.settings, "crm")[-1].leftovers == {"companies": [], "deals": ["memo"]}
    world.write("crm/deals.csv", "deal_id,amount,memo,预算,ann@firm.example\nd1,5,x,9,1\n")
    world.write("crm/companies.csv", "company_id,name,region_code,empty\nc1,海河科技,R2,\n")
    later = replace(world.settings, business_date=date(2026, 11, 21))
    second = load_stream(later, "crm")
    # a column in which nothing stands tells nothing, and a name that may be somebody's is not told
    assert second.new_columns == ("companies.region_code", "deals.预算")
    assert str(second) == "2 rows, new columns companies.region_code, deals.预算"
    assert json.loads(world.landed("crm", "deals")[-1]["properties"]) == {
        "memo": "x", "预算": "9", "ann@firm.example": "1",
    }  # fmt: skip
    assert [(one.object, one.name, one.since) for one in store.new_columns(world.settings, "crm")] == [
        ("companies", "region_code", "2026-11-21"),
        ("deals", "预算", "2026-11-21"),
    ]
    again = load_stream(later, "crm", force=True)
    assert (again.rows, again.new_columns) == (2, ())


def test_many_new_columns_are_counted_after_the_first(world: World) -> None:
    load_stream(world.settings, "crm")
    world.write("crm/companies.csv", f"company_id,name,{','.join(f'n{i}' for i in range(8))}\nc1,x,1,1,1,1,1,1,1,1\n")
    result = load_stream(world.settings, "crm")
    assert len(result.new_columns) == 8
    named = ", ".join(f"companies.n{i}" for i in range(5))
    assert str(result) == f"1 rows, new columns {named}, 3 more"


def test_a_changed_setting_and_force_land_the_same_bytes_again(world: World) -> None:
    load_stream(world.settings, "crm")
    world.write("sources.yml", CRM.replace("currency: CNY", "currency: USD"))
    load_stream(world.settings, "crm")
    assert [row["currency"] for row in world.landed("crm", "deals") if row["deal_id"] == "d1"] == ["CNY", "USD"]
    assert load_stream(world.settings, "crm", force=True).rows == 5
    assert len(world.landed("crm", "companies")) == 4
    ids = [manifest.load_id for manifest in store.manifests(world.settings, "crm")]
    assert sorted(ids) == sorted(ids, key=float) == ids
    assert len(set(ids)) == 3


def test_a_stream_without_a_source_is_absent_and_can_still_be_read(world: World) -> None:
    result = load_stream(world.settings, "wechat")
    assert (result.status, str(result)) == ("absent", "no source configured")
    for name in objects("wechat"):
        table = pq.read_table(world.settings.landing / "wechat" / name / "_schema.parquet")
        assert (table.num_rows, table.schema) == (0, landing_schema("wechat", name))


def test_a_file_with_its_header_only_lands_no_rows(world: World) -> None:
    world.write("crm/deals.csv", "deal_id,amount\n")
    assert load_stream(world.settings, "crm").rows == 2
    [manifest] = store.manifests(world.settings, "crm")
    assert {file.object: file.rows for file in manifest.files} == {"companies": 2, "deals": 0}


def half_parquet(world: World) -> bytes:
    path = world.folder / "whole.parquet"
    pq.write_table(pa.table({"deal_id": ["d1"] * 1_000}), path)
    return path.read_bytes()[: path.stat().st_size // 2]


def test_a_bad_file_stops_the_load_nothing_is_kept_and_the_earlier_loads_remain(world: World) -> None:
    load_stream(world.settings, "crm")
    before = world.digest()
    # a good file first: not even that one may stay
    world.write("crm/companies.csv", "company_id,name\nc3,新\n")
    gone = gzip.compress(b"deal_id,amount\n" + b"d1,5\n" * 50_000)
    cases: list[tuple[str, str | bytes, type[PersonaError], str]] = [
        ("deals.csv", "", SourceFault, "the file is empty"),
        ("deals.csv.gz", gone[: len(gone) // 2], SourceFault, "cannot be read to its end"),
        ("deals.parquet", half_parquet(world), SourceFault, "cannot be read to its end"),
        ("deals.csv", "<!DOCTYPE html><html>sign in</html>", SourceFault, "web page"),
        ("deals.xlsx", "<html>sign in</html>", SourceFault, "workbook"),
        ("deals.csv", "deal id,amount\nd1,5\n", ConfigError, "a required column is not in the file"),
        ("deals.csv", "deal_id,amount\nd1,五\n".encode("gb18030"), ConfigError, "another encoding"),
        ("missing.csv", b"", ConfigError, "is missing"),
    ]
    for name, content, kind, problem in cases:
        if name != "missing.csv":
            world.write(f"crm/{name}", content)
        world.write("sources.yml", CRM.replace("deals.csv", name))
        with pytest.raises(kind, match=problem) as caught:
            load_stream(world.settings, "crm")
        error = caught.value
        assert (error.source, error.object, error.file) == ("crm", "deals", str(world.folder / "crm" / name))
        assert error.exit_code == (ExitCode.WRONG_USE if kind is ConfigError else ExitCode.FAULT)
        assert world.digest() == before, name
    assert load_stream(world.settings, "website").status == "loaded"


def test_a_fault_of_the_loader_itself_is_one_error_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    load_stream(world.settings, "crm")
    before = world.digest()

    def broken(*_: Any) -> Iterator[pa.Table]:
        raise RuntimeError("out of order\nmore")
        yield

    monkeypatch.setattr(load, "_rows", broken)
    with pytest.raises(SourceFault, match="loading failed") as caught:
        load_stream(world.settings, "crm", force=True)
    assert (caught.value.source, caught.value.found) == ("crm", "RuntimeError: out of order")
    assert world.digest() == before


def test_what_a_killed_load_left_is_swept_and_never_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    load_stream(world.settings, "crm")
    kept = world.landed("crm", "deals")

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    # killed when its files are in place and its manifest is not
    world.write("crm/deals.csv", "deal_id,amount\nghost,1\n")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(store, "write_manifest", killed)
        load_stream(world.settings, "crm")
    orphans = [p for p in world.settings.landing.rglob("load_date=*/*.parquet") if "ghost" in str(pq.read_table(p))]
    assert len(orphans) == 1
    assert world.landed("crm", "deals") == kept

    # killed when a package was ready and not yet loaded
    import dlt
    from dlt.destinations import filesystem

    pipeline = dlt.pipeline(
        pipeline_name="crm",
        pipelines_dir=str(world.settings.home / "dlt"),
        destination=filesystem(bucket_url=world.settings.landing.as_uri(), layout=load.LAYOUT),
        dataset_name="crm",
    )
    ghost = pa.Table.from_pylist([{"deal_id": "ghost"}], landing_schema("crm", "deals"))
    pipeline.extract([ghost], table_name="deals", loader_file_format="parquet")
    pipeline.normalize()
    assert pipeline.list_normalized_load_packages()

    world.write("crm/deals.csv", "deal_id,amount\nd7,1\n")
    assert load_stream(world.settings, "crm").rows == 1
    assert not orphans[0].exists()
    assert [row["deal_id"] for row in world.landed("crm", "deals")] == [*(row["deal_id"] for row in kept), "d7"]
    found = [
        p for p in world.settings.landing.rglob("*.parquet") if "ghost" in str(pq.read_table(p, partitioning=None))
    ]
    assert found == []


def test_a_killed_load_s_file_is_landed_by_the_next_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(load, "_run_dlt", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        load_stream(world.settings, "crm")
    assert store.manifests(world.settings, "crm") == []
    assert load_stream(world.settings, "crm").rows == 5


def test_the_loader_keeps_no_copy_of_the_data(world: World) -> None:
    load_stream(world.settings, "crm")
    assert not list((world.settings.home / "dlt").rglob("*.parquet"))


def test_a_damaged_landing_file_is_noticed(world: World) -> None:
    load_stream(world.settings, "crm")
    assert store.damaged_files(world.settings, "crm") == []
    [manifest] = store.manifests(world.settings, "crm")
    path = world.settings.landing / "crm" / manifest.files[0].path
    path.write_bytes(path.read_bytes() + b" ")
    assert store.damaged_files(world.settings, "crm") == [manifest.files[0].path]


def test_a_broken_manifest_stops_the_load_before_anything_is_swept(world: World) -> None:
    load_id = load_stream(world.settings, "crm").load_id
    path = world.settings.landing / "_manifests" / "crm" / f"{load_id}.json"
    path.write_text(path.read_text()[:100])
    before = world.digest()
    with pytest.raises(PersonaError, match="a load's manifest cannot be read") as caught:
        load_stream(world.settings, "crm")
    assert (caught.value.source, caught.value.file) == ("crm", str(path))
    assert world.digest() == before
    # as the error says: removed, it is forgotten and loaded again
    path.unlink()
    assert load_stream(world.settings, "crm").rows == 5
    assert len(world.landed("crm", "deals")) == 3


def test_manifests_hold_no_personal_data(world: World) -> None:
    world.write(
        "crm/contacts.csv", "contact_id,full_name,email,phone\nk1,张三丰,zhang@example.com,x\n,李四,l@example.com,1\n"
    )
    world.write("sources.yml", CRM.replace("companies", "contacts"))
    load_stream(world.settings, "crm")
    for path in (world.settings.landing / "_manifests").rglob("*.json"):
        assert read_json(path)
        assert not [word for word in ("张三丰", "李四", "example.com") if word in path.read_text()]


def test_a_load_after_the_clock_went_back_counts_after_the_others(world: World) -> None:
    """Models take what is above the newest load that they have: a lower id would never be taken."""
    ahead = "4102444800.1234567"
    store.prepare(world.settings)
    store.write_manifest(world.settings, store.Manifest(ahead, "crm", "2026-11-19", ("", ""), ""))
    first = load_stream(world.settings, "crm")
    second = load_stream(world.settings, "crm")
    assert ahead < str(first.load_id) < str(second.load_id)
    assert [one.load_id for one in store.manifests(world.settings, "crm")] == [ahead, first.load_id, second.load_id]
    assert [row["company_id"] for row in world.landed("crm", "companies")] == ["c1", "c2"]
    assert store.damaged_files(world.settings, "crm") == []
    assert store.sweep(world.settings, "crm") == []


def test_two_loads_of_a_stream_at_once_do_not_sweep_each_other_away(world: World) -> None:
    with store.alone(world.settings, "crm"):
        with pytest.raises(PersonaError, match="the landing zone of crm is in use by another process") as raised:
            load_stream(world.settings, "crm")
        assert load_stream(world.settings, "website").rows == 4
    assert "wait for the other night to end" in str(raised.value)
    assert load_stream(world.settings, "crm").rows == 5
