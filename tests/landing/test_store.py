"""The landing zone on disk: what counts as landed, what is swept away, what is noticed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from persona_warehouse.errors import ExitCode, PersonaError
from persona_warehouse.files import sha256_of
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import STREAMS, landing_schema, objects
from persona_warehouse.landing.store import Manifest, Origin
from persona_warehouse.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "home", tmp_path / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)


def parquet(settings: Settings, load_id: str, *, rows: int = 2, in_error: int = 0) -> Path:
    """A file of a load of crm.deals, as dlt would leave it."""
    path = settings.landing / "crm" / "deals" / "load_date=2026-11-20" / f"{load_id}.abc.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    records = [{"deal_id": f"d{n}", "row_errors": "[]" if n < in_error else None} for n in range(rows)]
    pq.write_table(pa.Table.from_pylist(records, landing_schema("crm", "deals")), path)
    return path


def commit(settings: Settings, load_id: str, origins: list[Origin] | None = None) -> Manifest:
    files = store.describe_files(settings, "crm", load_id)
    manifest = Manifest(load_id, "crm", "2026-11-20", ("s", "e"), "now", origins or [], files)
    store.write_manifest(settings, manifest)
    return manifest


def test_every_object_can_be_read_before_anything_has_landed(settings: Settings) -> None:
    store.prepare(settings)
    for stream in STREAMS:
        for name in objects(stream):
            table = pq.read_table(settings.landing / stream / name / "_schema.parquet")
            assert (table.num_rows, table.schema) == (0, landing_schema(stream, name))
        assert store.manifests(settings, stream) == []


def test_preparing_again_changes_nothing_and_mends_a_half_written_file(settings: Settings) -> None:
    store.prepare(settings)
    path = settings.landing / "crm" / "deals" / "_schema.parquet"
    before = path.stat().st_mtime_ns
    store.prepare(settings)
    assert path.stat().st_mtime_ns == before
    path.write_bytes(path.read_bytes()[:40])
    store.prepare(settings)
    assert pq.read_schema(path) == landing_schema("crm", "deals")
    assert not list(settings.landing.rglob("*.tmp"))


def test_preparing_follows_a_contract_that_has_changed(settings: Settings) -> None:
    path = settings.landing / "crm" / "deals" / "_schema.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table({"deal_id": pa.array([], pa.string())}), path)
    store.prepare(settings)
    assert pq.read_schema(path) == landing_schema("crm", "deals")


def test_a_load_is_described_by_its_files(settings: Settings) -> None:
    path = parquet(settings, "1700000000.5", rows=3, in_error=1)
    parquet(settings, "1700000000.51")
    [file] = commit(settings, "1700000000.5").files
    assert (file.object, file.rows, file.rows_in_error) == ("deals", 3, 1)
    assert (settings.landing / "crm" / file.path) == path
    assert (file.bytes, file.sha256) == (path.stat().st_size, sha256_of(path))


def test_manifests_come_oldest_first_and_as_they_were_written(settings: Settings) -> None:
    store.prepare(settings)
    ids = ["1700000000.5", "1700000000.45", "999999999.1", "1700000000.1234567"]
    written = {load_id: commit(settings, load_id, [Origin("files", "deals", "a.csv", "f", True)]) for load_id in ids}
    found = store.manifests(settings, "crm")
    assert [manifest.load_id for manifest in found] == sorted(ids, key=float)
    assert {manifest.load_id: manifest for manifest in found} == written


def test_a_fingerprint_is_that_of_the_last_time_it_landed(settings: Settings) -> None:
    def origin(fingerprint: str, landed: bool) -> Origin:
        return Origin("files", "deals", "a.csv", fingerprint, landed)

    commit(settings, "1.0", [origin("one", True)])
    commit(settings, "2.0", [origin("two", True)])
    commit(settings, "3.0", [origin("three", False)])
    assert store.last_fingerprints(settings, "crm") == {("deals", "a.csv"): "two"}


def test_under_force_nothing_was_read_before(settings: Settings) -> None:
    manifest = Manifest("1.0", "crm", "2026-11-20", ("s", "e"), "now", [Origin("files", "deals", "a.csv", "one", True)])
    store.write_manifest(settings, replace(manifest, cursors={"any/deals": {"modified": "2026-11-19"}}))
    assert store.last_cursor(settings, "crm", "any/deals") == {"modified": "2026-11-19"}
    assert store.last_fingerprints(settings, "crm") == {("deals", "a.csv"): "one"}
    forced = replace(settings, force=True)
    assert store.last_cursor(forced, "crm", "any/deals") is None
    assert store.last_fingerprints(forced, "crm") == {}
    assert [load.load_id for load in store.manifests(forced, "crm")] == ["1.0"]


def test_only_files_without_a_manifest_are_swept(settings: Settings) -> None:
    store.prepare(settings)
    kept, orphan = parquet(settings, "1.0"), parquet(settings, "2.0")
    commit(settings, "1.0")
    assert store.sweep(settings, "crm") == [orphan]
    assert kept.exists()
    assert not orphan.exists()
    assert (settings.landing / "crm" / "deals" / "_schema.parquet").exists()
    assert store.sweep(settings, "crm") == []


def test_a_changed_or_missing_file_is_noticed(settings: Settings) -> None:
    changed, missing = parquet(settings, "1.0"), parquet(settings, "2.0")
    parquet(settings, "3.0")
    for load_id in ("1.0", "2.0", "3.0"):
        commit(settings, load_id)
    assert store.damaged_files(settings, "crm") == []
    changed.write_bytes(changed.read_bytes()[:-1] + b"\0")
    missing.unlink()
    damaged = [str(path.relative_to(settings.landing / "crm")) for path in (changed, missing)]
    assert store.damaged_files(settings, "crm") == damaged


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: '"1.0"',
        lambda text: text.replace('"window"', '"widow"'),
        lambda text: text.replace('"1.0"', '"one"'),
        lambda text: json.dumps({**json.loads(text), "colour": "red"}),
    ],
)
def test_a_broken_manifest_is_named_and_nothing_is_swept(settings: Settings, spoil) -> None:  # type: ignore[no-untyped-def]
    landed = parquet(settings, "1.0")
    commit(settings, "1.0")
    path = settings.landing / "_manifests" / "crm" / "1.0.json"
    path.write_text(spoil(path.read_text()))
    for read in (store.manifests, store.sweep, store.damaged_files, store.last_fingerprints):
        with pytest.raises(PersonaError, match="a load's manifest cannot be read") as caught:
            read(settings, "crm")
        assert (caught.value.source, caught.value.file) == ("crm", str(path))
        assert caught.value.expected and caught.value.found and "restore" in (caught.value.remedy or "")
        assert caught.value.exit_code == ExitCode.FAULT
    assert landed.exists()


def test_the_rows_of_a_load_are_those_of_its_files(settings: Settings) -> None:
    parquet(settings, "1.0", rows=5)
    manifest = commit(settings, "1.0")
    assert manifest.rows == 5
    assert replace(manifest, files=[]).rows == 0
