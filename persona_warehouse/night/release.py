"""Putting a release together: marts, quality tables, report, quality report, model documentation, manifest."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from persona_warehouse import memory, publish, transform, warehouse
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import STREAMS
from persona_warehouse.night.runs import recorded
from persona_warehouse.quality.freshness import (
    Freshness,
    freshness,
    write_freshness,
    write_new_columns,
    write_quarantined_rows,
)
from persona_warehouse.quality.reconciliation import write_reconciliation
from persona_warehouse.quality.results import audit_folder, read_results, write_results
from persona_warehouse.report import render_dictionary, render_report
from persona_warehouse.settings import PROJECT_ROOT, Settings
from persona_warehouse.transform import lineage
from persona_warehouse.versions.changes import write_changes


def publish_night(settings: Settings) -> publish.Release:
    """Publishes what the night built and audited.

    Raises:
        PersonaError: another publication is under way, or the candidate could not be written.
    """
    failures = {
        run.dag.removeprefix("ingest_"): run.message
        for run in recorded(settings)
        if run.dag.startswith("ingest_") and run.status == "failed"
    }
    with warehouse.connect(settings.warehouse_file, read_only=True) as connection:
        streams = freshness(settings, connection, failures)
    with publish.candidate(settings) as folder:
        former = publish.current_release(settings)
        transform.write_docs(settings, folder / "dbt_docs", former.path / "dbt_docs" if former else None)
        order, comments = transform.describe_marts(settings)
        publish.write_database(
            settings,
            folder,
            order,
            comments,
            lambda connection, source: _quality(settings, connection, source, streams, former, folder / "dbt_docs"),
        )
        if settings.publish_restricted:
            publish.write_restricted(settings, folder)
        tables = publish.describe_tables(folder)
        publish.write_files(folder, tables, former)
        manifest = _manifest(settings, tables, streams)
        shutil.copytree(audit_folder(settings) / "quality", folder / "quality")
        shutil.copy(audit_folder(settings) / "results.json", folder / "quality" / "results.json")
        render_report(folder / publish.DATABASE, manifest, folder / "report")
        told = transform.described_tables(settings)
        render_dictionary(folder / publish.DATABASE, manifest, told, folder / "dictionary")
        # before anybody is shown it: what a reader saw is remembered, whatever becomes of the warehouse
        with warehouse.connect(settings.warehouse_file, read_only=True) as connection:
            memory.remember(settings, connection)
        return publish.publish(settings, folder, manifest)


def _quality(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    source: str,
    streams: list[Freshness],
    former: publish.Release | None,
    docs: Path,
) -> None:
    """The schema `quality`: what the audit said, how fresh the streams are, what was held back or is new, what ran,
    what changes for readers, from where columns come."""
    write_results(connection, read_results(settings))
    write_freshness(connection, streams)
    write_quarantined_rows(connection, source)
    write_new_columns(connection, settings)
    write_reconciliation(connection, settings)
    write_changes(connection, former)
    lineage.write_table(connection, docs / transform.LINEAGE)
    runs = [
        (
            f"{run.business_date}/{run.dag}",
            run.business_date,
            run.dag,
            run.task,
            run.status,
            run.started_at,
            run.seconds,
        )
        for run in recorded(settings)
        if run.status != "running"
    ]
    connection.execute(
        """create table quality.pipeline_runs (run_id varchar, as_of_date date, dag varchar, task varchar,
           status varchar, started_at timestamptz, seconds double)"""
    )
    warehouse.insert(connection, "quality.pipeline_runs", runs)
    connection.execute(
        """create table quality.dbt_results (as_of_date date, node varchar, resource_type varchar, status varchar,
           seconds double, rows_affected bigint, message varchar)"""
    )
    nodes = [
        (
            settings.business_date,
            r["node"],
            r["resource_type"],
            r["status"],
            r["seconds"],
            r["rows_affected"],
            r["message"],
        )
        for r in transform.last_results(settings)
    ]
    warehouse.insert(connection, "quality.dbt_results", nodes)


def _manifest(settings: Settings, tables: dict[str, Any], streams: list[Freshness]) -> dict[str, Any]:
    results = read_results(settings)
    failed = {
        severity: sum(not r.success and r.severity == severity for r in results)
        for severity in ("critical", "warning", "info")
    }
    windows = {stream: _window(settings, stream) for stream in STREAMS}
    return {
        "release_id": publish.new_release_id(tables),
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "business_date": settings.business_date.isoformat(),
        "timezone": settings.timezone,
        "git_commit": _git_commit(PROJECT_ROOT),
        "engine": f"duckdb {duckdb.__version__}",
        "streams": {
            one.stream: {
                "status": one.status,
                "last_load_date": one.last_load_date.isoformat() if one.last_load_date else None,
                "data_through": one.data_through.isoformat() if one.data_through else None,
                "rows_landed": one.rows_landed,
                "rows_quarantined": one.rows_quarantined,
                "window": windows[one.stream],
                "message": one.message,
            }
            for one in streams
        },
        "audit": {
            "passed": failed["critical"] == 0,
            "evaluated": len(results),
            **{f"{severity}_failed": number for severity, number in failed.items()},
        },
        "tables": tables,
    }


def _window(settings: Settings, stream: str) -> list[str] | None:
    """The data interval of the stream's last load."""
    loads = store.manifests(settings, stream)
    return list(loads[-1].window) if loads else None


def _git_commit(root: Path) -> str | None:
    try:
        answer = subprocess.run(  # noqa: S603
            ["git", "-C", str(root), "rev-parse", "HEAD"],  # noqa: S607 - the git of the path is meant
            capture_output=True, text=True, check=True, timeout=10,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
