"""The DAGs under Airflow's real scheduler: `airflow standalone` on free ports, a published release, a backfill."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from persona_warehouse import transform
from persona_warehouse.errors import PersonaError
from persona_warehouse.landing import store
from persona_warehouse.landing.store import Manifest
from persona_warehouse.settings import Settings
from tests.conftest import manifest, persona
from tests.standins.hubspot import HubSpotStandin
from tests.standins.webhook import Webhook

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1200)]

PERSONA = Path(sys.executable).with_name("persona")
DATE = "2026-10-31"
PATIENCE = 420.0  # seconds, on a busy machine


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class Airflow:
    """A running `persona airflow standalone`, and the HubSpot portal and the webhook that its connections lead to."""

    home: Path
    environment: dict[str, str]
    log: Path
    portal: HubSpotStandin
    webhook: Webhook

    def ask(self, *arguments: str) -> tuple[int, str]:
        """How an Airflow command ends, and what it says."""
        command = [PERSONA, "airflow", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=180)
        return done.returncode, done.stdout + done.stderr

    def call(self, *arguments: str, passing: tuple[str, ...] = ()) -> None:
        """A command that succeeds, at once or when what is passing is over: SQLite has one writer."""

        def done() -> bool:
            code, said = self.ask(*arguments)
            assert code == 0 or any(words in said for words in ("database is locked", *passing)), said
            return code == 0

        self.wait(done)

    def wait(self, until: Callable[[], Any]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not until():
            assert time.monotonic() < deadline, self.log.read_text()[-6000:]
            time.sleep(1)

    def trigger(self, stream: str, night: str) -> None:
        self.call("dags", "trigger", f"ingest_{stream}", "--conf", json.dumps({"business_date": night}))

    @property
    def settings(self) -> Settings:
        return Settings(self.home, self.home / "sample" / "sources.yml", date.fromisoformat(DATE), "Asia/Shanghai", 7)

    def loads(self) -> list[Manifest]:
        return store.manifests(self.settings, "crm")


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    home = tmp_path_factory.mktemp("scheduler") / "home"
    assert persona("simulate", "--out", home / "sample", "--companies", "8", "--days", "30", home=home).code == 0
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PERSONA_", "AIRFLOW"))}
    log = home.parent / "standalone.log"
    with HubSpotStandin() as portal, Webhook() as webhook, log.open("w") as stream:
        environment = {
            **inherited,
            "PERSONA_HOME": str(home),
            "PERSONA_DATE": DATE,
            "AIRFLOW_CONN_HUBSPOT_MAIN": portal.connection_json(),
            "AIRFLOW_CONN_ALARMS_HEARTBEAT": webhook.connection("heartbeat"),
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
        process = subprocess.Popen(
            [PERSONA, "airflow", "standalone"], env=environment, stdout=stream, stderr=stream, start_new_session=True
        )
        found = Airflow(home, environment, log, portal, webhook)
        try:
            found.wait((home / "airflow" / "prepared").exists)
            # the processor has read the files when its table names them
            found.wait(lambda: "build_personas.py" in log.read_text(encoding="utf-8", errors="replace"))
            found.call("dags", "unpause", "--yes", "--treat-dag-id-as-regex", ".*")
            yield found
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)


def test_three_ingests_lead_to_a_published_release(airflow: Airflow) -> None:
    home = airflow.home
    for stream in ("crm", "website", "wechat"):
        airflow.trigger(stream, DATE)
    airflow.wait((home / "current" / "manifest.json").exists)
    assert manifest(home)["audit"]["passed"]
    assert manifest(home)["business_date"] == DATE
    assert {one["status"] for one in manifest(home)["streams"].values()} == {"fresh"}
    ran = {path.stem for path in (home / "runs" / DATE).glob("*.json")}
    assert {"ingest_crm.load", "ingest_website.load", "ingest_wechat.load", "build_personas.publish_release"} <= ran
    # told by the task that published, in the scheduler's own process of it
    airflow.wait(lambda: airflow.webhook.messages)
    title = f"画像仓库 {DATE}:已发布 · persona warehouse {DATE}: published"
    assert airflow.webhook.taken() == [("heartbeat", title, "9 steps, 0 failed · 9 步,0 步失败")]


# three business days, in Asia/Shanghai, and the night that was loaded before they are filled in
BACKFILLED = [date(2026, 11, day) for day in (16, 17, 18)]
BEFORE = "2026-11-20"


def business_day(day: date) -> tuple[datetime, datetime]:
    """Its beginning and its end."""
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=8)
    return begin, begin + timedelta(days=1)


def rows_of(airflow: Airflow, load: Manifest) -> Counter[str]:
    found: Counter[str] = Counter()
    for file in load.files:
        table = pq.read_table(airflow.settings.landing / "crm" / file.path, partitioning=None)
        rows = table.drop_columns([name for name in table.column_names if name.startswith("_dlt")]).to_pylist()
        found.update(f"{file.object} {row}" for row in rows)
    return found


def staged_contacts(airflow: Airflow) -> list[tuple[Any, ...]]:
    """What staging holds after a build; the scheduler's night may have the warehouse first."""
    found: list[tuple[Any, ...]] = []

    def read() -> bool:
        kept = dict(os.environ)
        try:
            transform.build(airflow.settings, "staging")
            with duckdb.connect(str(airflow.settings.warehouse_file), read_only=True) as connection:
                query = "select contact_id, email, updated_at from staging.stg_crm__contacts order by all"
                found[:] = connection.execute(query).fetchall()
        except (PersonaError, duckdb.IOException) as error:
            if "set lock on file" in str(error):
                return False
            raise
        finally:
            os.environ.clear()
            os.environ.update(kept)
        return True

    airflow.wait(read)
    return found


def test_a_backfill_fills_each_day_with_its_own_window_and_twice_is_once(airflow: Airflow) -> None:
    entry = {"connector": "hubspot", "connection": "hubspot_main", "backoff_seconds": 0.01}
    airflow.settings.sources_file.write_text(json.dumps({"sources": {"crm": [entry]}}), encoding="utf-8")
    portal = airflow.portal
    for number, day in enumerate([*BACKFILLED, date.fromisoformat(BEFORE)]):
        begin, end = business_day(day)
        # the first and the last moment of the day belong to it, and to no other
        portal.add("contacts", 100 * number + 1, begin, email=f"first{number}@c.example")
        portal.add("contacts", 100 * number + 2, end - timedelta(milliseconds=1), email=f"last{number}@c.example")
    loads = len(airflow.loads())
    airflow.trigger("crm", BEFORE)
    airflow.wait(lambda: len(airflow.loads()) == loads + 1)
    cursors = airflow.loads()[-1].cursors
    staged = staged_contacts(airflow)
    # corrected since, without a new time: only a backfill reads it again
    portal.records["contacts"][101]["properties"]["email"] = "corrected@c.example"

    def backfill() -> list[Manifest]:
        before = len(airflow.loads())
        # midnight in the business time zone: a run's date is where its interval begins, 01:00 there
        airflow.call(
            "backfill", "create", "--dag-id", "ingest_crm", "--max-active-runs", "1",
            "--from-date", f"{BACKFILLED[0]}T00:00:00+08:00", "--to-date", f"{BACKFILLED[-1]}T23:59:59+08:00",
            "--reprocess-behavior", "completed",
            # one that has just ended, or could not begin, is taken for a running one for a while
            passing=("AlreadyRunningBackfill",),
        )  # fmt: skip
        airflow.wait(lambda: len(airflow.loads()) >= before + len(BACKFILLED))
        return airflow.loads()[before:]

    first = backfill()
    assert [load.business_date for load in first] == [str(day) for day in BACKFILLED]
    for number, load in enumerate(first):
        begin, end = business_day(BACKFILLED[number])
        assert load.window == (begin.isoformat(), end.isoformat())
        assert {origin.origin.rpartition("/")[2] for origin in load.origins} == {"companies", "contacts", "deals"}
        contacts = [row for row in rows_of(airflow, load) if row.startswith("contacts ")]
        assert len(contacts) == 2
        assert all(f"'contact_id': '{100 * number + n}'" in "".join(contacts) for n in (1, 2))
        # it leaves the reading where it was
        assert load.cursors == cursors
    corrected = [(key, "corrected@c.example" if key == "101" else email, at) for key, email, at in staged]
    assert staged_contacts(airflow) == corrected

    second = backfill()
    assert [load.business_date for load in second] == [load.business_date for load in first]
    assert [rows_of(airflow, load) for load in second] == [rows_of(airflow, load) for load in first]
    assert staged_contacts(airflow) == corrected
    assert len({load.load_id for load in airflow.loads()}) == len(airflow.loads())
