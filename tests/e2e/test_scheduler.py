"""The DAGs under Airflow's real scheduler: `airflow standalone` on free ports, its own home, down to the published release."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import manifest, persona

PERSONA = Path(sys.executable).with_name("persona")
DATE = "2026-10-31"
PATIENCE = 300.0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str], Path]]:
    """A running `persona airflow standalone`: its home, its environment and its log."""
    home = tmp_path_factory.mktemp("scheduler") / "home"
    assert persona("simulate", "--out", home / "sample", "--companies", "8", "--days", "30", home=home).code == 0
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PERSONA_", "AIRFLOW"))}
    environment = {
        **inherited,
        "PERSONA_HOME": str(home),
        "PERSONA_DATE": DATE,
        "AIRFLOW__API__PORT": str(free_port()),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(free_port()),
    }
    log = home.parent / "standalone.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [PERSONA, "airflow", "standalone"], env=environment, stdout=stream, stderr=stream, start_new_session=True
        )
    try:
        yield home, environment, log
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def _airflow(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PERSONA, "airflow", *arguments], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_three_ingests_lead_to_a_published_release(airflow: tuple[Path, dict[str, str], Path]) -> None:
    home, environment, log = airflow
    dags = ("ingest_crm", "ingest_website", "ingest_wechat", "build_personas")
    deadline = time.monotonic() + PATIENCE
    while "build_personas" not in (listed := _airflow(environment, "dags", "list", "--output", "plain")).stdout:
        assert time.monotonic() < deadline, listed.stderr + log.read_text()[-3000:]
        time.sleep(2)
    for dag in dags:
        done = _airflow(environment, "dags", "unpause", "--yes", dag)
        assert done.returncode == 0, done.stderr
    for dag in dags[:3]:
        done = _airflow(environment, "dags", "trigger", dag, "--conf", f'{{"business_date": "{DATE}"}}')
        assert done.returncode == 0, done.stderr
    while not (home / "current" / "manifest.json").exists():
        assert time.monotonic() < deadline, log.read_text()[-6000:]
        time.sleep(1)
    assert manifest(home)["audit"]["passed"]
    assert manifest(home)["business_date"] == DATE
    assert {one["status"] for one in manifest(home)["streams"].values()} == {"fresh"}
    pools = _airflow(environment, "pools", "list", "--output", "plain").stdout
    assert any(line.split()[:2] == ["duckdb_writer", "1"] for line in pools.splitlines())
