"""The services of docker-compose.yml without containers: a real PostgreSQL, every command as it stands in the file."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT, manifest, persona
from tests.made_once import give_parsed_project
from tests.standins.postgres import postgres

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1200)]

DATE = "2026-10-31"
PATIENCE = 420.0  # seconds, on a busy machine
SERVICES = ("api-server", "scheduler", "dag-processor", "triggerer")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class Server:
    """A machine that stands for the containers' host: where the file says a path or an address, its own is taken.

    Attributes:
        here: what the compose file says, and what stands for it, longer ones first.
        environment: what the image and this machine bring to every service.
    """

    folder: Path
    here: dict[str, str]
    environment: dict[str, str]
    services: dict[str, Any]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def said(self, name: str, text: str) -> str:
        """A value of the compose file as Compose would give it to a container of the service, here."""
        here = {**self.here, "/run/secrets": str(self.secrets(name))}
        # in one pass: what was put in is not looked at again
        text = re.sub("|".join(map(re.escape, here)), lambda found: here[found[0]], text)
        return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)

    def secrets(self, name: str) -> Path:
        """A folder with the secrets that the service is given, and no others."""
        folder = self.folder / "run" / name
        if not folder.exists():
            folder.mkdir(parents=True)
            for secret in self.services[name]["secrets"]:
                (folder / secret).symlink_to(self.folder / "secrets" / secret)
        return folder

    def given(self, name: str) -> dict[str, str]:
        """The whole environment of a service, before its entry point."""
        of_file = {key: self.said(name, value) for key, value in self.services[name]["environment"].items()}
        return self.environment | of_file | {"SECRETS_DIR": str(self.secrets(name))}

    def command(self, name: str, *words: str) -> list[str]:
        return [str(ROOT / "deploy" / "entrypoint.sh"), *(self.said(name, word) for word in words)]

    def start(self, name: str) -> None:
        command = self.command(name, *self.services[name]["command"])
        with self.log(name).open("wb") as stream:
            self.running[name] = subprocess.Popen(
                command, env=self.given(name), stdout=stream, stderr=stream, start_new_session=True
            )

    def run(self, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        """A command inside of a service, as `docker compose exec` gives it."""
        command = self.command(name, *words)
        return subprocess.run(command, env=self.given(name), capture_output=True, text=True, timeout=300, check=False)

    def healthy(self, name: str) -> bool:
        test = self.services[name]["healthcheck"]["test"]
        assert test[0] == "CMD"
        return self.run(name, *test[1:]).returncode == 0

    def stop(self, name: str) -> int:
        """Stops a service as Docker does; how it ended. What it should have taken with it is taken, too."""
        process = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(60)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def wait(self, until: Callable[[], Any]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not until():
            for name, process in self.running.items():
                assert process.poll() is None, f"{name} ended:\n{self.log(name).read_text(errors='replace')[-6000:]}"
            assert time.monotonic() < deadline, "\n".join(
                f"{name}:\n{self.log(name).read_text(errors='replace')[-3000:]}" for name in self.running
            )
            time.sleep(1)

    def ask(self, path: str, body: dict[str, Any] | None = None, token: str = "") -> Any:
        request = urllib.request.Request(
            f"http://{self.here['api-server:8080']}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {}),
            method="PATCH" if body and "is_paused" in body else None,
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - on this machine
            return json.load(answer)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("services")
    home, secrets = folder / "home", folder / "secrets"
    assert persona("simulate", "--out", home / "sample", "--companies", "20", "--days", "60", home=home).code == 0
    give_parsed_project(home)
    subprocess.run([sys.executable, ROOT / "deploy" / "make_secrets.py", secrets], check=True)
    # one that an address must not take as it is
    (secrets / "POSTGRES_PASSWORD").write_text("p@ss/w%rd: 'of' somebody's own\n", encoding="utf-8")
    file = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    port = str(free_port())
    image = dict(
        word.split("=", 1)
        for line in re.findall(r"^ENV (.*)$", (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8"), re.M)
        for word in line.split()
    )
    password = (secrets / "POSTGRES_PASSWORD").read_text(encoding="utf-8").strip()
    with postgres("airflow", password) as database:
        database.psql("create database airflow owner airflow")
        here = {
            "@postgres:5432/airflow": f"@/airflow?host={database.pgdata}",
            "api-server:8080": f"127.0.0.1:{port}",
            "8080": port,
            "/sources/sources.yml": str(home / "sample" / "sources.yml"),
            "/app/": f"{ROOT}/",
            "/data": str(home),
        }
        inherited = {name: os.environ[name] for name in ("HOME", "LANG", "PYTHONPATH", "TMPDIR") if name in os.environ}
        environment = inherited | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PERSONA_HOME": str(home),
            "PERSONA_SOURCES": here[image["PERSONA_SOURCES"]],
            "CONNECTIONS_DIR": str(secrets / "connections"),
            "PERSONA_DATE": DATE,
            # of the test: other nights may run on this machine, and nobody wants to wait
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
        }
        found = Server(folder, here, environment, file["services"])
        try:
            yield found
        finally:
            for name in list(found.running):
                found.stop(name)


def test_the_services_start_in_order_and_publish_a_night(server: Server) -> None:
    migrated = server.run("airflow-migrate", *server.services["airflow-migrate"]["command"])
    assert migrated.returncode == 0, migrated.stderr + (server.home / "logs" / "airflow.log").read_text()
    for name in SERVICES:
        # Compose would wait for the health of what it depends on
        for condition in server.services[name]["depends_on"]:
            assert condition == "airflow-migrate" or server.healthy(condition)
        server.start(name)
        if name == "api-server":
            server.wait(lambda: server.healthy("api-server"))
    for name in SERVICES:
        server.wait(lambda name=name: server.healthy(name))
    health = server.ask("/api/v2/monitor/health")
    assert {part: one["status"] for part, one in health.items()} == dict.fromkeys(
        ("metadatabase", "scheduler", "triggerer", "dag_processor"), "healthy"
    )

    passwords = json.loads(
        (server.home / "airflow" / "simple_auth_manager_passwords.json.generated").read_text(encoding="utf-8")
    )
    token = server.ask("/auth/token", {"username": "admin", "password": passwords["admin"]})["access_token"]
    pool = server.ask("/api/v2/pools/duckdb_writer", token=token)
    assert pool["slots"] == 1
    server.wait(lambda: server.ask("/api/v2/dags", token=token)["total_entries"] == 4)
    for stream in ("crm", "website", "wechat"):
        run = {"logical_date": None, "conf": {"business_date": DATE}}
        server.ask(f"/api/v2/dags/ingest_{stream}/dagRuns", run, token)
    for dag in ("build_personas", "ingest_crm", "ingest_website", "ingest_wechat"):
        server.ask(f"/api/v2/dags/{dag}", {"is_paused": False}, token)
    server.wait((server.home / "current" / "manifest.json").exists)
    assert manifest(server.home)["audit"]["passed"]
    assert {one["status"] for one in manifest(server.home)["streams"].values()} == {"fresh"}


def test_no_password_of_the_metadata_is_a_variable_or_in_a_log(server: Server) -> None:
    kept = ("POSTGRES_PASSWORD", "AIRFLOW_FERNET_KEY", "AIRFLOW_API_SECRET", "AIRFLOW_JWT_SECRET")
    values = [(server.folder / "secrets" / name).read_text(encoding="utf-8").strip() for name in kept]
    for name in SERVICES:
        # what the entry point hands on; a running Airflow writes its title over its own
        handed = server.run(name, "env").stdout
        assert "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD=" in handed
        # the key of the hashes is for those alone who may read the home
        assert ("PERSONA_HASH_KEY=" in handed) == (name in ("scheduler", "dag-processor"))
        logged = server.log(name).read_text(encoding="utf-8", errors="replace")
        assert not any(value in text for value in values for text in (handed, logged)), name


def test_nothing_of_the_metadata_is_in_the_home(server: Server) -> None:
    assert not list(server.home.rglob("airflow.db"))


def test_every_service_ends_when_it_is_told_to(server: Server) -> None:
    ended = {name: server.stop(name) for name in reversed(SERVICES)}
    assert set(ended.values()) <= {0, -signal.SIGTERM, 128 + signal.SIGTERM}, ended
