"""Landing and releases in a store that speaks S3: machines that share it, the pointer, what goes, what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from persona_warehouse import object_store, publish
from persona_warehouse.errors import ConfigError, PersonaError
from persona_warehouse.landing import store
from persona_warehouse.night import steps
from persona_warehouse.settings import Settings
from tests.test_publish import numbers_read, publish_night

BUCKET, PREFIX = "warehouse", "acme"
COMPANIES = "Account ID,Account Name\nC1,远山科技有限公司\nC2,Birch Tools\n"
SOURCES = """
sources:
  crm:
    - connector: files
      path: exports/
      objects:
        companies: {file: companies*.csv, columns: {company_id: Account ID, name: Account Name}}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server of its own, on a free port."""
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "who",
        "AWS_SECRET_ACCESS_KEY": "not-a-secret",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    found = boto3.resource("s3", endpoint_url=server, region_name="us-east-1").Bucket(BUCKET)
    found.create()
    yield found
    found.objects.all().delete()
    found.delete()


def machine(folder: Path) -> Settings:
    return Settings(
        folder, folder.parent / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 3, objects=f"s3://{BUCKET}/{PREFIX}"
    )


def names(bucket: Any) -> set[str]:
    return {one.key.removeprefix(f"{PREFIX}/") for one in bucket.objects.all()}


def told(bucket: Any) -> dict[str, Any]:
    return dict(json.loads(bucket.Object(f"{PREFIX}/current.json").get()["Body"].read()))


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    (tmp_path / "sources.yml").write_text(SOURCES, encoding="utf-8")
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "companies.csv").write_text(COMPANIES, encoding="utf-8")
    return folder


def ingest(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    return steps.ingest("crm", "2026-11-20")


class TestLanding:
    def test_what_one_machine_lands_another_goes_on_from(
        self, bucket: Any, exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one, other = machine(tmp_path / "one"), machine(tmp_path / "other")
        assert ingest(one, monkeypatch).rows == 2
        # a machine with an empty disk knows what has been loaded, and loads what is new
        assert ingest(other, monkeypatch).rows == 0
        (exports / "companies_2.csv").write_text("Account ID,Account Name\nC3,三号\n", encoding="utf-8")
        assert ingest(other, monkeypatch).rows == 1
        assert object_store.fetch_landing(one) > 0
        assert [load.rows for load in store.manifests(one, "crm")] == [2, 0, 1]
        assert not store.damaged_files(one, "crm")
        # and nothing is sent or fetched twice
        assert (object_store.fetch_landing(one, ["crm"]), object_store.send_landing(one, ["crm"])) == (0, 0)

    def test_what_is_taken_away_on_one_machine_goes_from_all(
        self, bucket: Any, exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one, other = machine(tmp_path / "one"), machine(tmp_path / "other")
        ingest(one, monkeypatch)
        object_store.fetch_landing(other)
        load = store.manifests(one, "crm")[0]
        gone = one.landing / "crm" / load.files[0].path
        gone.unlink()
        kept = other.landing / "crm" / "companies" / "never_sent.parquet"
        kept.write_bytes(b"of a load that was cut off before it was sent")
        object_store.send_landing(one)
        object_store.fetch_landing(other)
        assert not (other.landing / "crm" / load.files[0].path).exists()
        assert kept.exists()

    def test_a_load_is_there_before_its_manifest(
        self, bucket: Any, exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import obstore

        sent: list[str] = []
        put = obstore.put

        def noted(where: Any, name: str, *rest: Any, **more: Any) -> Any:
            sent.append(name)
            return put(where, name, *rest, **more)

        monkeypatch.setattr(obstore, "put", noted)
        ingest(machine(tmp_path / "one"), monkeypatch)
        manifests = [place for place, name in enumerate(sent) if name.startswith("landing/_manifests/")]
        assert manifests
        assert min(manifests) == len(sent) - len(manifests)


class TestReleases:
    def test_readers_see_a_release_whole_and_then_the_next(self, bucket: Any, tmp_path: Path) -> None:
        settings = machine(tmp_path / "home")
        first = publish_night(settings, 1)
        object_store.send_releases(settings)
        assert told(bucket)["release_id"] == first.release_id
        files = {f"releases/{first.release_id}/{name}" for name in (*first.manifest["files"], publish.MANIFEST)}
        assert names(bucket) == files | {"current.json"}
        second = publish_night(settings, 2)
        assert object_store.current_id(settings) == first.release_id
        object_store.send_releases(settings)
        assert object_store.current_id(settings) == second.release_id
        # what readers of the first release have open is still there
        assert files < names(bucket)
        assert object_store.send_releases(settings) == 0

    def test_what_is_there_is_what_was_published(self, bucket: Any, tmp_path: Path) -> None:
        settings = machine(tmp_path / "home")
        release = publish_night(settings, 7)
        object_store.send_releases(settings)
        fetched = tmp_path / "fetched"
        fetched.mkdir()
        path = told(bucket)["path"]
        bucket.download_file(f"{PREFIX}/{path}{publish.DATABASE}", str(fetched / publish.DATABASE))
        assert numbers_read(fetched) == numbers_read(release.path)

    def test_rollback_and_pruning_reach_the_store(self, bucket: Any, tmp_path: Path) -> None:
        settings = machine(tmp_path / "home")
        made = [publish_night(settings, number).release_id for number in (1, 2, 3)]
        object_store.send_releases(settings)
        publish.rollback(settings, made[1])
        publish.prune(settings, 1)
        object_store.send_releases(settings)
        assert told(bucket)["release_id"] == made[1]
        assert {name.split("/")[1] for name in names(bucket) if "/" in name} == set(made[1:])

    def test_of_two_who_publish_at_once_one_is_refused(
        self, bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one, other = machine(tmp_path / "one"), machine(tmp_path / "other")
        for settings, number in ((one, 1), (other, 2)):
            publish_night(settings, number)
        pointer = object_store._pointer

        def overtaken(where: Any) -> Any:
            found = pointer(where)
            monkeypatch.setattr(object_store, "_pointer", pointer)
            object_store.send_releases(other)
            return found

        monkeypatch.setattr(object_store, "_pointer", overtaken)
        with pytest.raises(PersonaError, match="somebody else has published"):
            object_store.send_releases(one)
        assert told(bucket)["release_id"] == publish.folders(other)[0].name

    def test_cut_off_before_the_pointer_it_ends_the_next_time(
        self, bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings = machine(tmp_path / "home")
        first = publish_night(settings, 1)
        object_store.send_releases(settings)
        second = publish_night(settings, 2)
        with monkeypatch.context() as cut:
            cut.setattr(object_store, "_point", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                object_store.send_releases(settings)
        assert told(bucket)["release_id"] == first.release_id
        object_store.send_releases(settings)
        assert told(bucket)["release_id"] == second.release_id


class TestMistakes:
    @pytest.mark.parametrize("given", ["warehouse", "s3://", "s3://key:secret@warehouse/acme"])
    def test_an_address_that_is_none_is_refused_and_not_repeated(self, given: str, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="no address of an object store") as caught:
            object_store.fetch_landing(replace(machine(tmp_path), objects=given))
        assert "secret" not in str(caught.value)

    def test_a_bucket_that_is_not_there_is_named(self, bucket: Any, tmp_path: Path) -> None:
        settings = replace(machine(tmp_path), objects="s3://nobodys/acme")
        with pytest.raises(PersonaError, match="did not do what it was asked") as caught:
            object_store.fetch_landing(settings)
        assert caught.value.object == "s3://nobodys"
