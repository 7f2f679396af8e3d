"""The DAGs under Airflow's real scheduler: `airflow standalone` on free ports, down to the published release."""

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
PATIENCE = 420.0  # seconds, on a busy machine


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
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        "AIRFLOW__DAG_PROCESSOR__PRINT_STATS_INTERVAL": "3",
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


def _airflow(environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [PERSONA, "airflow", *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def test_three_ingests_lead_to_a_published_release(airflow: tuple[Path, dict[str, str], Path]) -> None:
    home, environment, log = airflow
    deadline = time.monotonic() + PATIENCE

    def wait_for(place: Path, words: str = "") -> None:
        while not place.exists() or words not in place.read_text(encoding="utf-8", errors="replace"):
            assert time.monotonic() < deadline, log.read_text()[-6000:]
            time.sleep(1)

    wait_for(home / "airflow" / "prepared")
    # the processor has read the files when its table names them
    wait_for(log, "build_personas.py")
    unpaused = _airflow(environment, "dags", "unpause", "--yes", "--treat-dag-id-as-regex", ".*")
    said = unpaused.communicate(timeout=120)[0]
    assert unpaused.returncode == 0, said
    conf = f'{{"business_date": "{DATE}"}}'
    triggered = [
        _airflow(environment, "dags", "trigger", f"ingest_{stream}", "--conf", conf)
        for stream in ("crm", "website", "wechat")
    ]
    for process in triggered:
        said = process.communicate(timeout=120)[0]
        assert process.returncode == 0, said
    wait_for(home / "current" / "manifest.json")
    assert manifest(home)["audit"]["passed"]
    assert manifest(home)["business_date"] == DATE
    assert {one["status"] for one in manifest(home)["streams"].values()} == {"fresh"}
    ran = {path.stem for path in (home / "runs" / DATE).glob("*.json")}
    assert {"ingest_crm.load", "ingest_website.load", "ingest_wechat.load", "build_personas.publish_release"} <= ran
