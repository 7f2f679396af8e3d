"""The dashboard of Superset against the contracts: tables, columns and expressions are there, words are the seeds'."""

from __future__ import annotations

import csv
import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import duckdb
import pytest
import yaml

from bi.superset.bundle import ASSETS, bundle
from persona_warehouse.quality.results import COLUMN_TYPES
from tests.conftest import ROOT
from tests.contracts import mart_columns

TABLES = {f"marts.{name}": columns for name, columns in mart_columns().items()} | {
    "quality.validation_results": ", ".join(f"{name} {type_}" for name, type_ in COLUMN_TYPES.items())
}
SEEDS = ROOT / "dbt_project" / "seeds"


def read(kind: str) -> dict[str, dict[str, Any]]:
    """Name of the file -> what it says."""
    return {
        path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((ASSETS / kind).glob("*.yaml"))
    }


DATASETS, CHARTS = read("datasets"), read("charts")
(DATABASE,) = read("databases").values()
(DASHBOARD,) = read("dashboards").values()
BY_UUID = {dataset["uuid"]: dataset for dataset in DATASETS.values()}


def table(dataset: dict[str, Any]) -> str:
    return f"{dataset['schema']}.{dataset['table_name']}"


@pytest.fixture(scope="module")
def empty_release() -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables that the dashboard reads as their contracts have them, without rows."""
    with duckdb.connect() as connection:
        connection.execute("create schema marts; create schema quality")
        for dataset in DATASETS.values():
            connection.execute(f"create table {table(dataset)} ({TABLES[table(dataset)]})")
        yield connection


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_keeps_to_the_contract(empty_release: duckdb.DuckDBPyConnection, name: str) -> None:
    dataset = DATASETS[name]
    assert dataset["database_uuid"] == DATABASE["uuid"]
    described = empty_release.execute(f"select column_name, column_type from (describe {table(dataset)})").fetchall()
    types = {column: duckdb.sqltype(type_) for column, type_ in described}
    for column in dataset["columns"]:
        if "expression" not in column:
            assert types[column["column_name"]] == duckdb.sqltype(column["type"]), column["column_name"]
    for one in (*dataset["columns"], *dataset["metrics"]):
        if "expression" in one:
            empty_release.execute(f"select {one['expression']} from {table(dataset)}")


def used(params: dict[str, Any]) -> set[str]:
    """The columns and metrics that a chart names."""
    names = {params[key] for key in ("x_axis", "x_axis_sort", "metric") if key in params}
    for key in ("metrics", "all_columns"):
        names |= set(params.get(key, ()))
    names |= {params["groupby"]} if isinstance(params.get("groupby"), str) else set(params.get("groupby", ()))
    names |= {json.loads(each)[0] for each in params.get("order_by_cols", ())}
    names |= {each["subject"] for each in params.get("adhoc_filters", ()) if each["expressionType"] == "SIMPLE"}
    return names | set(params.get("column_config", ()))


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_names_what_its_dataset_has(empty_release: duckdb.DuckDBPyConnection, name: str) -> None:
    chart = CHARTS[name]
    dataset = BY_UUID[chart["dataset_uuid"]]
    known = {column["column_name"] for column in dataset["columns"]}
    known |= {metric["metric_name"] for metric in dataset["metrics"]}
    assert used(chart["params"]) - known == set()
    assert chart["params"]["viz_type"] == chart["viz_type"]
    for each in chart["params"].get("adhoc_filters", ()):
        if each["expressionType"] == "SQL":
            empty_release.execute(f"select 1 from {table(dataset)} where {each['sqlExpression']}")


def test_every_chart_has_its_place() -> None:
    placed = [each for each in DASHBOARD["position"].values() if isinstance(each, dict) and each["type"] == "CHART"]
    assert sorted(each["meta"]["uuid"] for each in placed) == sorted(chart["uuid"] for chart in CHARTS.values())
    titles = {chart["uuid"]: chart["slice_name"] for chart in CHARTS.values()}
    assert all(each["meta"]["sliceName"] == titles[each["meta"]["uuid"]] for each in placed)
    for row in (each for each in DASHBOARD["position"].values() if isinstance(each, dict) and each["type"] == "ROW"):
        assert sum(DASHBOARD["position"][child]["meta"]["width"] for child in row["children"]) == 12


def test_titles_are_in_both_languages() -> None:
    for title in (DASHBOARD["dashboard_title"], *(chart["slice_name"] for chart in CHARTS.values())):
        english, chinese = title.split(" · ")
        assert re.search(r"[A-Za-z]", english)
        assert re.search(r"[\u4e00-\u9fff]", chinese)


@pytest.mark.parametrize(
    ("dataset", "column", "seed", "key"),
    [
        ("journey_stages", "stage_name", "journey_stage_order", "journey_stage"),
        ("content_demand", "content_name", "behaviour/content_types", "content_type"),
        ("kpi_daily", "metric_name", "kpi/kpi_metrics", "metric"),
        ("kpi_alerts", "metric_name", "kpi/kpi_metrics", "metric"),
    ],
)
def test_words_are_those_of_the_seeds(dataset: str, column: str, seed: str, key: str) -> None:
    (expression,) = (one["expression"] for one in DATASETS[dataset]["columns"] if one["column_name"] == column)
    words = dict(re.findall(r"when '(\w+)' then '(.+)'", expression))
    with (SEEDS / f"{seed}.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row.get("is_sourcing") != "false"]
    assert {row[key]: row["name_zh"] for row in rows} == {code: text.split(" · ")[1] for code, text in words.items()}


def test_the_release_is_opened_to_read_and_nothing_else() -> None:
    connect = DATABASE["extra"]["engine_params"]["connect_args"]
    assert connect == {"read_only": True, "config": {"threads": 1, "enable_external_access": False}}
    assert not any(DATABASE[right] for right in ("allow_dml", "allow_ctas", "allow_cvas", "allow_csv_upload"))


def test_a_bundle_holds_the_path_of_the_home(tmp_path: Path) -> None:
    folder = tmp_path / "personas"
    uri = "sqlalchemy_uri: duckdb:////srv/persona/current/persona_marts.duckdb\n"
    for _ in range(2):
        packed = bundle(Path("/srv/persona"), folder)
        assert uri in (folder / "databases" / "persona_marts.yaml").read_text(encoding="utf-8")
        with ZipFile(packed) as archive:
            files = {name for name in archive.namelist() if not name.endswith("/")}
            assert uri in archive.read("personas/databases/persona_marts.yaml").decode()
        assert files == {f"personas/{path.relative_to(ASSETS)}" for path in ASSETS.rglob("*.yaml")}


def test_a_bundle_refuses_what_it_cannot_mean(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="absolute"):
        bundle(Path("var"), tmp_path / "personas")
    (tmp_path / "note.txt").touch()
    with pytest.raises(SystemExit, match="no bundle"):
        bundle(Path("/srv/persona"), tmp_path)
    assert (tmp_path / "note.txt").exists()


def test_superset_does_not_start_without_a_secret_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = str(ROOT / "bi" / "superset" / "superset_config.py")
    for name in ("SUPERSET_SECRET_KEY", "SUPERSET_SECRET_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit, match="secret key"):
        runpy.run_path(config)
    key = tmp_path / "key"
    key.write_text("k" * 40 + "\n", encoding="utf-8")
    monkeypatch.setenv("SUPERSET_SECRET_KEY_FILE", str(key))
    assert runpy.run_path(config)["SECRET_KEY"] == "k" * 40
