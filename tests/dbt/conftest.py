"""A warehouse into which nothing was ever loaded, built once: every relation is there, with its columns and no rows."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from persona_warehouse import transform
from persona_warehouse.files import read_json
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import landing_schema
from persona_warehouse.landing.store import Manifest
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import connect
from tests.made_once import environment_kept, give_empty_world


@dataclass(frozen=True)
class Project:
    """dbt's own description of the project: nodes by name."""

    manifest: dict[str, Any]

    def nodes(self, kind: str, schema: str | None = None) -> dict[str, dict[str, Any]]:
        """Nodes of a resource type (model, seed, test), of one schema if given."""
        return {
            node["name"]: node
            for node in self.manifest["nodes"].values()
            if node["resource_type"] == kind and schema in (None, node["schema"])
        }

    @property
    def marts(self) -> dict[str, dict[str, Any]]:
        return self.nodes("model", "marts")

    def tests_of(self, model: dict[str, Any], name: str) -> list[dict[str, Any]]:
        """The generic tests of one name (unique, not_null, …) on a model."""
        return [
            test
            for test in self.nodes("test").values()
            if test.get("attached_node") == model["unique_id"] and test["test_metadata"]["name"] == name
        ]


@pytest.fixture(scope="session")
def empty_world(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return give_empty_world(tmp_path_factory.mktemp("empty_world"))


@pytest.fixture
def world_copy(empty_world: Settings, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a copy of the empty world that a test may fill."""
    # compiled SQL names the database, which DuckDB calls after its file
    shutil.copy(empty_world.warehouse_file, tmp_path / empty_world.warehouse_file.name)
    with connect(tmp_path / empty_world.warehouse_file.name) as connection:
        yield connection


@pytest.fixture
def world_home(empty_world: Settings, tmp_path: Path) -> Settings:
    """A copy of the empty world into which a test may load."""
    shutil.copytree(empty_world.home, tmp_path / "home")
    return replace(empty_world, home=tmp_path / "home", sources_file=tmp_path / "home" / "sources.yml")


@pytest.fixture
def land(world_home: Settings) -> Callable[[str, str, str, list[dict[str, Any]]], None]:
    """Commits a load of one object, as the sources do: stream, object, load id, rows."""

    def committed(stream: str, name: str, load_id: str, rows: list[dict[str, Any]]) -> None:
        schema = landing_schema(stream, name)
        given = [{"source_file": "export.csv", "source_row": number} | row for number, row in enumerate(rows, 1)]
        columns = {field.name: pa.array([row.get(field.name) for row in given], field.type) for field in schema}
        folder = world_home.landing / stream / name / "load_date=2026-11-20"
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns, schema), folder / f"{load_id}.0.parquet")
        files = store.describe_files(world_home, stream, load_id)
        store.write_manifest(world_home, Manifest(load_id, stream, "2026-11-20", ("", ""), "", files=files))

    return committed


@pytest.fixture(scope="session")
def project(empty_world: Settings) -> Project:
    return Project(read_json(empty_world.home / "dbt_target" / "manifest.json"))


@pytest.fixture(scope="session")
def unit_results(empty_world: Settings, project: Project) -> list[transform.NodeResult]:
    with environment_kept():
        return transform.unit_test(empty_world)
