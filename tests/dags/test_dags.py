"""The DAGs as Airflow sees them."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import ROOT

DAGS = {"ingest_crm", "ingest_website", "ingest_wechat", "build_personas"}


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Any:
    home = tmp_path_factory.mktemp("airflow")
    os.environ["AIRFLOW_HOME"] = str(home)
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(dag_folder=str((ROOT / "dags").resolve()))


def test_all_four_import(bag: Any) -> None:
    assert len(bag.dags) > 0
    assert bag.import_errors == {}
    assert set(bag.dags) == DAGS


def test_every_dag_has_documentation_an_owner_and_known_tags(bag: Any) -> None:
    from persona_warehouse.night.wiring import Tag

    for dag in bag.dags.values():
        assert len(dag.doc_md.strip()) > 80
        assert {task.owner for task in dag.tasks} == {"data_engineering"}
        assert dag.tags and dag.tags <= {str(tag) for tag in Tag}


def test_tasks_retry_with_backoff_and_end_in_time(bag: Any) -> None:
    for task in (task for dag in bag.dags.values() for task in dag.tasks):
        assert task.retries == 2
        assert task.retry_exponential_backoff
        assert task.execution_timeout is not None


def test_the_warehouse_has_one_writer(bag: Any) -> None:
    assert {task.pool for task in bag.dags["build_personas"].tasks} == {"duckdb_writer"}
    assert {task.pool for name in DAGS - {"build_personas"} for task in bag.dags[name].tasks} == {"default_pool"}


def test_the_build_goes_from_staging_to_the_release(bag: Any) -> None:
    order = [task.task_id for task in bag.dags["build_personas"].topological_sort()]
    assert order == [
        "build_staging", "audit_staging", "resolve_identities", "build_marts", "audit_marts", "publish_release",
    ]  # fmt: skip


def test_the_build_reads_like_the_picture(bag: Any) -> None:
    groups = {
        name: [task.task_id for task in group.iter_tasks()]
        for name, group in bag.dags["build_personas"].task_group.get_task_group_dict().items()
        if name
    }
    assert groups == {
        "staging": ["build_staging", "audit_staging"],
        "identity": ["resolve_identities"],
        "marts": ["build_marts", "audit_marts"],
        "release": ["publish_release"],
    }


def test_the_form_asks_for_date_sources_and_force(bag: Any) -> None:
    for name, dag in bag.dags.items():
        wanted = {"business_date"} | ({"sources", "force"} if name.startswith("ingest") else set())
        assert set(dag.params) == wanted
        for one in wanted:
            param = dag.params.get_param(one)
            assert param.schema["title"] and param.description


@pytest.mark.parametrize(("given", "expected"), [(None, "usual.yml"), ("/srv/other.yml", "/srv/other.yml")])
def test_a_run_may_read_another_sources_file(
    given: str | None, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from persona_warehouse.night import steps
    from persona_warehouse.sources import load

    read: list[str] = []
    monkeypatch.setattr(load, "load_stream", lambda settings, stream, force: read.append(str(settings.sources_file)))
    monkeypatch.setenv("PERSONA_HOME", str(tmp_path))
    monkeypatch.setenv("PERSONA_SOURCES", str(tmp_path / "usual.yml"))
    steps.ingest("crm", "2026-11-20", sources=given)
    assert read == [str(tmp_path / expected)]


@pytest.mark.parametrize("url", [None, "https://reports.example.com/"])
def test_the_event_of_a_release_tells_its_id_and_where_its_report_is(
    url: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from persona_warehouse import publish
    from persona_warehouse.night import wiring

    released = {"business_date": "2026-11-20", "tables": {"a": {"rows": 3}, "b": {"rows": 4}}}
    found = SimpleNamespace(release_id="20261121T000000000Z-1a2b3c4d", manifest=released)
    monkeypatch.setattr(publish, "current_release", lambda settings: found)
    monkeypatch.setenv("PERSONA_HOME", str(tmp_path))
    monkeypatch.setenv("PERSONA_REPORT_URL", url or "")
    event = SimpleNamespace(extra={})
    assert wiring.tell_release({"outlet_events": {wiring.RELEASE: event}}, "2 tables") == "2 tables"
    folder = url.rstrip("/") if url else (tmp_path / "current" / "report").as_uri()
    assert event.extra == {
        "release_id": "20261121T000000000Z-1a2b3c4d", "business_date": "2026-11-20", "tables": 2, "rows": 7,
        "report": f"{folder}/index.html",
    }  # fmt: skip


def test_the_embedded_night_knows_every_task(bag: Any) -> None:
    from persona_warehouse.night.embedded import NIGHT, STEPS

    assert set(STEPS) == {(dag.dag_id, task.task_id) for dag in bag.dags.values() for task in dag.tasks}
    assert set(NIGHT) == DAGS


@pytest.mark.parametrize("force", [False, True])
def test_the_embedded_night_tells_the_ingests_alone_to_read_all_again(
    force: bool, bag: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.dag_processing import dagbag

    from persona_warehouse.night import embedded
    from persona_warehouse.settings import load_settings

    given: dict[str, dict[str, Any]] = {}

    class Dag:
        def __init__(self, dag_id: str, params: set[str]) -> None:
            self.dag_id, self.params, self.tasks = dag_id, params, []

        def test(self, run_conf: dict[str, Any]) -> None:
            given[self.dag_id] = run_conf

    dags = {name: Dag(name, set(dag.params)) for name, dag in bag.dags.items()}
    found = SimpleNamespace(import_errors={}, dags=dags)
    monkeypatch.setattr(dagbag, "DagBag", lambda dag_folder: found)
    monkeypatch.setattr(embedded, "prepare", lambda settings, log: None)
    settings = replace(load_settings(tmp_path, tmp_path / "sources.yml", "2026-11-20"), force=force)
    embedded.run_night(settings, tmp_path / "night.log")
    night = {"business_date": "2026-11-20"}
    ingests = {name: night | {"force": force} for name in ("ingest_crm", "ingest_website", "ingest_wechat")}
    assert given == {"build_personas": night} | ingests


def test_ingests_feed_the_build_through_assets(bag: Any) -> None:
    given = {asset.uri for name in DAGS - {"build_personas"} for task in bag.dags[name].tasks for asset in task.outlets}
    assert given == {"persona://landing/crm", "persona://landing/website", "persona://landing/wechat"}
    timetable = bag.dags["build_personas"].timetable
    assert {asset.uri for asset in timetable.asset_condition.objects} == given


@pytest.mark.parametrize("path", sorted((ROOT / "dags").glob("*.py")), ids=lambda path: path.name)
def test_a_dag_file_is_wiring_named_like_its_dag(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    assert re.search(rf'dag_id="{path.stem}"|^{path.stem} = wiring.ingest_dag', text, re.M)
    tree = ast.parse(text)
    assert ast.get_docstring(tree)
    assert "Variable" not in text and "now()" not in text
    # a cron line has its meaning beside it
    assert all("#" in line for line in text.splitlines() if re.search(r'Timetable\("', line))


def test_importing_the_dags_imports_none_of_the_heavy_tools() -> None:
    code = (
        "import sys, runpy, pathlib\n"
        f"for path in pathlib.Path({str(ROOT / 'dags')!r}).glob('*.py'): runpy.run_path(str(path))\n"
        "print([name for name in ('dbt', 'great_expectations', 'dlt', 'splink', 'duckdb') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_the_timetable_tells_every_dag() -> None:
    text = (ROOT / "dags" / "README.md").read_text(encoding="utf-8")
    for name in DAGS:
        assert f"`{name}`" in text


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({"params": {"business_date": "2026-01-02"}}, "2026-01-02"),
        ({"params": {"business_date": None}}, None),
        (
            {"params": {}, "data_interval_start": "2026-11-19T17:00Z", "data_interval_end": "2026-11-20T17:00Z"},
            "2026-11-20",
        ),
        ({"params": {}, "data_interval_start": "2026-11-20T17:00Z", "data_interval_end": "2026-11-20T17:00Z"}, None),
    ],
)
def test_the_business_date_is_the_local_day_of_the_interval(context: dict[str, Any], expected: str | None) -> None:
    import pendulum

    from persona_warehouse.night.wiring import business_date

    moments = {k: pendulum.parse(v) if k.startswith("data_") else v for k, v in context.items()}
    assert business_date(moments) == expected


def test_people_are_told_of_failures_and_of_runs_that_do_not_end(bag: Any) -> None:
    hours = {name: [alert.interval.total_seconds() / 3600 for alert in dag.deadline] for name, dag in bag.dags.items()}
    assert hours == {"ingest_crm": [2], "ingest_website": [2], "ingest_wechat": [2], "build_personas": [3]}
    tasks = [task for dag in bag.dags.values() for task in dag.tasks]
    assert all(len(task.on_failure_callback) == 1 for task in tasks)
    assert [task.task_id for task in tasks if task.on_success_callback] == ["publish_release"]
