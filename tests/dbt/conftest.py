"""A warehouse into which nothing was ever loaded, built once: every relation is there, with its columns and no rows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from persona_warehouse import transform
from persona_warehouse.files import read_json
from persona_warehouse.identity import resolve
from persona_warehouse.settings import Settings, load_settings


@contextmanager
def environment_kept() -> Iterator[None]:
    """Running dbt sets environment variables for this process; the tests after these ones must not see them."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


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
    home = tmp_path_factory.mktemp("empty_world")
    settings = load_settings(home, home / "sources.yml", date(2026, 11, 20))
    with environment_kept():
        transform.build(settings, "staging")
        resolve.resolve(settings)
        transform.build(settings, "marts")
    return settings


@pytest.fixture(scope="session")
def project(empty_world: Settings) -> Project:
    return Project(read_json(empty_world.home / "dbt_target" / "manifest.json"))


@pytest.fixture(scope="session")
def unit_results(empty_world: Settings, project: Project) -> list[transform.NodeResult]:
    with environment_kept():
        return transform.unit_test(empty_world)
