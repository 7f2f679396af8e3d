"""What runs the nights on a server: containers and units, checked without an engine, their commands run here."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from cryptography.fernet import Fernet
from sqlalchemy import make_url

from persona_warehouse.night.wiring import WRITER_POOL
from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("persona-*"))
BIN = Path(sys.executable).parent
# of the Compose Specification, as the package brings it
SCHEMA = resources.files("check_jsonschema.builtin_schemas") / "vendor" / "compose-spec.json"
# who is kept out of the home: what they need of it is a volume of its own
WITHOUT_HOME = {"postgres", "airflow-migrate", "api-server", "triggerer", "spark-master", "broker"}
READS_HOME = {"report", "superset", "spark-worker"}
AIRFLOW = {"airflow-migrate", "api-server", "scheduler", "dag-processor", "triggerer"}


def read(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / name).read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return read("docker-compose.yml")


@pytest.fixture(scope="module")
def celery(compose: dict[str, Any]) -> dict[str, Any]:
    """What Compose makes of both files: mappings are merged, secrets are added, `extends` stands in."""
    over = read("deploy/compose.celery.yml")
    merged = {**compose, "secrets": compose["secrets"] | over["secrets"], "services": dict(compose["services"])}
    for name, service in over["services"].items():
        base = merged["services"].get(name) or compose["services"].get(service.get("extends", {}).get("service"), {})
        one = base | {key: value for key, value in service.items() if key != "extends"}
        for key in ("environment", "depends_on"):
            one[key] = base.get(key, {}) | service.get(key, {})
        one["secrets"] = [*base.get("secrets", []), *service.get("secrets", [])]
        merged["services"][name] = one
    return merged


@pytest.mark.parametrize("name", ["docker-compose.yml", "deploy/compose.celery.yml"])
def test_a_compose_file_keeps_to_the_specification(name: str) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(read(name))] == []
    wrong = read(name)
    next(iter(wrong["services"].values()))["helthcheck"] = {}
    assert list(validator.iter_errors(wrong))


@pytest.mark.parametrize("more", [(), ("-f", "deploy/compose.celery.yml")], ids=["alone", "celery"])
def test_compose_itself_reads_the_files(more: tuple[str, ...], tmp_path: Path) -> None:
    version = ["docker", "compose", "version"]
    if shutil.which("docker") is None or subprocess.run(version, capture_output=True, check=False).returncode:
        pytest.skip("docker compose is not on this machine; the schema was asked instead")
    told = subprocess.run(
        ["docker", "compose", "-f", "docker-compose.yml", *more, "--profile", "*", "config", "--quiet"],
        cwd=ROOT, env={**os.environ, "SOURCES_DIR": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr


@pytest.mark.parametrize("shape", ["compose", "celery"])
def test_every_service_is_bounded_watched_and_without_rights(shape: str, request: pytest.FixtureRequest) -> None:
    file: dict[str, Any] = request.getfixturevalue(shape)
    services: dict[str, Any] = file["services"]
    workers = {"broker", "worker", "worker-writer"} if shape == "celery" else set()
    assert set(services) == AIRFLOW | workers | {
        "postgres", "report", "wechat-receiver", "superset", "spark-master", "spark-worker",
    }  # fmt: skip
    built = {service["image"] for service in services.values() if "build" in service}
    assert built == {"persona-warehouse", "persona-superset"}
    for name, service in services.items():
        assert service["user"].split(":")[0] not in ("", "0", "root"), name
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"]), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "5"}}, name
        assert re.fullmatch(r"\d+[mg]", service["mem_limit"]) and service["pids_limit"] > 0, name
        if name == "airflow-migrate":
            assert service["restart"] == "on-failure:3"
        else:
            assert service["restart"] == "unless-stopped"
            assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name
        # a proxy with TLS stands before it
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        # an image is built here, or has an exact version
        assert service["image"] in built or re.search(r":\d+\.\d+[.\d]*-", service["image"]), name
        for volume in service.get("volumes", []):
            source, _, target = volume.removesuffix(":ro").rpartition(":")
            assert volume.endswith(":ro") or source in file["volumes"], volume
            assert target != "/data" or name not in WITHOUT_HOME, name
            assert target != "/data" or volume.endswith(":ro") == (name in READS_HOME), name
        assert set(service.get("secrets", [])) <= set(file["secrets"]), name


def test_what_is_mounted_is_there(compose: dict[str, Any]) -> None:
    mounted = {
        volume.split(":")[0]
        for service in compose["services"].values()
        for volume in service.get("volumes", [])
        if volume.startswith("./")
    }
    # made by `make up`
    for source in mounted - {"./deploy/secrets/connections"}:
        assert (ROOT / source).exists(), source


def test_services_wait_for_what_they_need(celery: dict[str, Any]) -> None:
    services = celery["services"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            ends = other == "airflow-migrate"
            assert how["condition"] == ("service_completed_successfully" if ends else "service_healthy"), name
            assert ends or "healthcheck" in services[other], name
    assert services["airflow-migrate"]["depends_on"].keys() == {"postgres"}
    for name in AIRFLOW - {"airflow-migrate"} | {"worker", "worker-writer"}:
        assert "airflow-migrate" in services[name]["depends_on"]
    # a task talks to the API server from its first moment
    for name in ("scheduler", "worker", "worker-writer"):
        assert "api-server" in services[name]["depends_on"]


def test_no_secret_stands_in_a_file_or_goes_into_the_image(celery: dict[str, Any]) -> None:
    for name, service in celery["services"].items():
        for variable, value in service.get("environment", {}).items():
            if re.search("KEY|SECRET|PASSWORD|CONN|BROKER|BACKEND", variable):
                # asked for by a command, or the name of a file: and the service is given that file
                assert variable.endswith(("_CMD", "_FILE")), variable
                (secret,) = re.findall(r"/run/secrets/(\w+)", value)
                assert secret in service["secrets"], name
    kept = subprocess.run(
        ["git", "check-ignore", "deploy/secrets/PERSONA_HASH_KEY"], cwd=ROOT, capture_output=True, check=False
    )
    assert kept.returncode == 0
    assert "deploy/secrets" in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def test_secrets_that_are_missing_are_made_and_others_stay(celery: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "PERSONA_HASH_KEY").write_text("one that is used already, and must stay")
    make = [sys.executable, DEPLOY / "make_secrets.py", folder]
    said = subprocess.run(make, capture_output=True, text=True, check=True).stdout
    made = {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}
    assert set(made) == set(celery["secrets"])
    assert made["PERSONA_HASH_KEY"] == "one that is used already, and must stay"
    assert all(len(value) >= 32 and value == value.strip() for value in made.values())
    assert {line.split("/")[-1] for line in said.splitlines()} == set(made) - {"PERSONA_HASH_KEY"}
    assert not any(value in said for value in made.values())
    Fernet(made["AIRFLOW_FERNET_KEY"])
    # nobody else of the machine comes through the folder; a container sees the files themselves
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "POSTGRES_PASSWORD").stat().st_mode) == 0o644
    assert stat.S_IMODE((folder / "connections").stat().st_mode) == 0o755
    assert subprocess.run(make, capture_output=True, text=True, check=True).stdout == ""
    assert {path.name: path.read_text() for path in folder.iterdir() if path.is_file()} == made


def test_an_address_is_given_its_password_from_a_file(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("p@ss/w%rd: 'of' mine\n")
    address = "postgresql+psycopg2://airflow@postgres:5432/airflow"
    command = [sys.executable, DEPLOY / "with_password.py", address, password]
    url = make_url(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert (url.username, url.password, url.host) == ("airflow", "p@ss/w%rd: 'of' mine", "postgres")


def test_a_part_is_healthy_when_the_api_server_says_so() -> None:
    answer = {
        "metadatabase": {"status": "healthy"},
        "triggerer": {"status": "unhealthy"},
        "scheduler": {"status": None},
    }

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/api/v2/monitor/health" else 404)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: Any) -> None:
            pass

    def ends(port: int, part: str) -> int:
        command = [sys.executable, DEPLOY / "healthy.py", f"http://127.0.0.1:{port}", part]
        return subprocess.run(command, capture_output=True, check=False).returncode

    with HTTPServer(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        assert [ends(port, part) for part in ("metadatabase", "triggerer", "scheduler")] == [0, 1, 1]
        server.shutdown()
    assert ends(port, "metadatabase") == 1


def test_the_commands_of_the_services_are_commands_of_this_version(celery: dict[str, Any]) -> None:
    """Those of docker-compose.yml are given for real by tests/e2e/test_services.py."""
    for name, service in celery["services"].items():
        command = service.get("command", [""])
        if command[0] != "persona" or command[1:3] == ["airflow", "celery"]:
            continue
        words = [BIN / "persona", command[1]] if command[1] != "airflow" else [BIN / "airflow", command[2]]
        said = subprocess.run([*words, "--help"], capture_output=True, text=True, check=True).stdout
        assert all(option in said for option in command if option.startswith("--")), name


def test_builds_have_a_queue_with_one_worker_that_does_one_thing_at_a_time(celery: dict[str, Any]) -> None:
    commands = {name: celery["services"][name]["command"] for name in ("worker", "worker-writer")}
    queues = {name: command[command.index("--queues") + 1] for name, command in commands.items()}
    assert queues == {"worker": "default", "worker-writer": WRITER_POOL}
    assert commands["worker-writer"][-2:] == ["--concurrency", "1"]
    assert "deploy" not in celery["services"]["worker-writer"]  # no replicas


@pytest.mark.parametrize("executor", ["CeleryExecutor", "KubernetesExecutor"])
def test_airflow_reads_the_settings_of_an_executor(
    executor: str, celery: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if executor == "CeleryExecutor":
        given = dict(celery["services"]["scheduler"]["environment"])
        database = "postgresql+psycopg2://airflow:a%20b@postgres:5432/airflow"
        wanted = {("database", "sql_alchemy_conn"): database}
        # what is a secret of a provider, to be fetched by a command, Airflow knows from the provider
        if find_spec("airflow.providers.celery"):
            wanted |= {
                ("celery", "broker_url"): "redis://default:a%20b@broker:6379/0",
                ("celery", "result_backend"): f"db+{database}",
            }
    else:
        given = dict(read("deploy/kubernetes/settings.yaml")["data"])
        wanted = {("kubernetes_executor", "pod_template_file"): str(DEPLOY / "kubernetes" / "pod_template.yaml")}
    for secret in ("POSTGRES_PASSWORD", "BROKER_PASSWORD"):
        (tmp_path / secret).write_text("a b")
    here = {"/run/secrets": str(tmp_path), "/app/": f"{ROOT}/", "python ": f"{sys.executable} ", "/data": str(tmp_path)}
    for name, value in given.items():
        for there, instead in here.items():
            value = value.replace(there, instead)
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("PERSONA_HOME", str(tmp_path))
    asked = "from airflow.configuration import conf; import json, sys; print(json.dumps([conf.get(*one) for one in"
    script = f"{asked} {[('core', 'executor'), *wanted]!r}]))"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert json.loads(said.stdout.splitlines()[-1]) == [executor, *wanted.values()]
    provider = {"CeleryExecutor": "celery", "KubernetesExecutor": "cncf.kubernetes"}[executor]
    listed = (ROOT / f"requirements-{provider.rpartition('.')[2]}.in").read_text(encoding="utf-8")
    assert f"apache-airflow-providers-{provider.replace('.', '-')}>=" in listed


@pytest.mark.parametrize(
    "module", ["celery.executors.celery_executor", "cncf.kubernetes.executors.kubernetes_executor"]
)
def test_an_executor_goes_with_this_airflow_where_its_provider_is_installed(module: str, tmp_path: Path) -> None:
    name = f"airflow.providers.{module}"
    pytest.importorskip(name.rpartition(".executors")[0], reason="the provider is not installed: requirements-*.txt")
    command = [sys.executable, "-c", f"import {name}"]
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr


def test_the_pod_of_a_task_is_one_that_kubernetes_knows_and_has_no_rights() -> None:
    client = pytest.importorskip("kubernetes.client")
    template = read("deploy/kubernetes/pod_template.yaml")

    class Answer:
        data = json.dumps(template)

    api = client.ApiClient()
    pod = api.deserialize(Answer, client.V1Pod)
    # a field that the client does not know is lost on the way
    assert api.sanitize_for_serialization(pod) == template
    (container,) = pod.spec.containers
    assert (container.name, container.command, container.args) == ("base", None, None)  # the executor gives the rest
    assert pod.spec.security_context.run_as_non_root and pod.spec.automount_service_account_token is False
    assert container.security_context.read_only_root_filesystem
    assert container.security_context.capabilities.drop == ["ALL"]
    assert container.resources.limits["memory"]
    mounts = {mount.mount_path: mount for mount in container.volume_mounts}
    assert {path for path, mount in mounts.items() if not mount.read_only} == {"/data", "/tmp", "/run/persona"}  # noqa: S108
    assert {mount.name for mount in mounts.values()} == {volume.name for volume in pod.spec.volumes}
    settings = read("deploy/kubernetes/settings.yaml")
    assert container.env_from[0].config_map_ref.name == settings["metadata"]["name"]
    # what a pod of the chart would set, the template must: the command line of this project does not start it
    assert settings["data"]["AIRFLOW__CORE__DAGS_FOLDER"] == "/app/dags"
    assert not any(re.search("KEY|SECRET|PASSWORD|CONN", name) for name in settings["data"])


@pytest.mark.parametrize("name", ["requirements-celery.txt", "requirements-kubernetes.txt"])
def test_what_an_executor_needs_goes_with_the_lock(name: str) -> None:
    def pins(file: str) -> set[str]:
        return set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / file).read_text(encoding="utf-8"), re.M))

    text = (ROOT / name).read_text(encoding="utf-8")
    assert pins(name) and not pins(name) & pins("requirements.txt")
    assert text.count("--hash=sha256:") >= len(pins(name))


def test_the_report_is_served_and_follows_the_pointer(compose: dict[str, Any], tmp_path: Path) -> None:
    for release in ("one", "two"):
        (tmp_path / release / "report").mkdir(parents=True)
        (tmp_path / release / "report" / "index.html").write_text(release)
        (tmp_path / release / "persona_marts.duckdb").write_text("not for everybody")
    (tmp_path / "current").symlink_to("one")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(port) if part == "8082" else part for part in compose["services"]["report"]["command"]]
    command = [part.replace("/data", str(tmp_path)) for part in command]
    server = subprocess.Popen([BIN / command[0], *command[1:]], stderr=subprocess.DEVNULL)
    try:
        assert _fetched(port, "/index.html") == "one"
        (tmp_path / "next").symlink_to("two")
        (tmp_path / "next").replace(tmp_path / "current")
        assert _fetched(port, "/index.html") == "two"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            _fetched(port, "/../persona_marts.duckdb")
    finally:
        server.terminate()
        server.wait()


def _fetched(port: int, path: str) -> str:
    for _ in range(100):
        try:
            return str(urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10).read().decode())
        except urllib.error.HTTPError:
            raise
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server never answered")


def test_the_entry_point_takes_secrets_from_files_and_gives_its_place_to_the_command(tmp_path: Path) -> None:
    secrets, connections = tmp_path / "secrets", tmp_path / "connections"
    (secrets / "folder").mkdir(parents=True)
    connections.mkdir()
    (secrets / "PERSONA_HASH_KEY").write_text("one secret, with 'signs' and $dollars\n")
    (secrets / "POSTGRES_PASSWORD").write_text("no variable")
    (connections / "AIRFLOW_CONN_WECHAT_MAIN").write_text('{"conn_type": "http"}')
    script = "import json, os; print(json.dumps([os.getpid(), dict(os.environ)]))"
    started = subprocess.Popen(
        [DEPLOY / "entrypoint.sh", sys.executable, "-c", script],
        env={"PATH": os.environ["PATH"], "SECRETS_DIR": str(secrets), "CONNECTIONS_DIR": str(connections)},
        stdout=subprocess.PIPE,
        text=True,
    )
    pid, environment = json.loads(started.communicate(timeout=60)[0])
    assert pid == started.pid
    assert environment["PERSONA_HASH_KEY"] == "one secret, with 'signs' and $dollars"
    assert environment["AIRFLOW_CONN_WECHAT_MAIN"] == '{"conn_type": "http"}'
    assert "POSTGRES_PASSWORD" not in environment


def test_the_image_has_a_pinned_base_two_stages_and_a_user_without_rights() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert re.fullmatch(r"ARG PYTHON=3\.1[123]\.\d+-slim-\w+", lines[0])
    assert [line.split()[1] for line in lines if line.startswith("FROM")] == ["python:${PYTHON}"] * 2
    assert [line for line in lines if line.startswith("USER")] == ["USER persona"]
    for line in (line for line in lines if line.startswith("COPY") and "--from" not in line):
        for source in line.split()[1:-1]:
            assert source == "." or list(ROOT.glob(source)), line
    # what `make setup` reads is there before it runs
    before = text.partition("RUN make setup")[0]
    assert "ARG MORE=" in text.partition("RUN make setup")[2]
    for name in ("requirements.txt", "requirements.in", "pyproject.toml", "Makefile", "README.md", "LICENSE"):
        assert re.search(rf"^COPY .*\b{re.escape(name)}\b", before, re.M), name
    assert 'ENTRYPOINT ["/app/deploy/entrypoint.sh"]' in lines


def test_the_package_is_found_in_what_the_image_has_when_it_is_installed(tmp_path: Path) -> None:
    """The step of the build that could fail late: an editable install of a tree that is not yet whole."""
    (tmp_path / "persona_warehouse").mkdir()
    (tmp_path / "expectations").mkdir()
    for name in (
        "requirements.in", "pyproject.toml", "README.md", "LICENSE", "persona_warehouse/__init__.py",
        "expectations/__init__.py",
    ):  # fmt: skip
        shutil.copy(ROOT / name, tmp_path / name)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--quiet", "--target",
         tmp_path / "site", "--editable", tmp_path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = " ".join(path.read_text() for path in (tmp_path / "site").glob("__editable__*"))
    assert "persona_warehouse" in told or str(tmp_path) in told
    assert "expectations" in told or str(tmp_path) in told


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_is_right_and_bounded(path: Path, tmp_path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".service":
        for line in ("User=persona", "NoNewPrivileges=yes", "ProtectSystem=strict", "StateDirectory=persona"):
            assert line in text
        assert "MemoryMax=" in text
        command = re.search(r"^ExecStart=/opt/persona/.venv/bin/(.*)$", text, re.M)
        assert command is not None
        name, *arguments = command[1].split()
        assert name == "persona"
        if arguments[0] != "airflow":
            done = subprocess.run([BIN / name, arguments[0], "--help"], capture_output=True, text=True, check=True)
            assert all(one in done.stdout for one in arguments if one.startswith("--"))
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not on this machine")
    for one in UNITS:
        here = one.read_text(encoding="utf-8").replace("/opt/persona/.venv/bin", str(BIN))
        (tmp_path / one.name).write_text(here)
        if "@." in one.name:
            (tmp_path / one.name.replace("@", "@scheduler")).write_text(here)
    asked = tmp_path / path.name.replace("@", "@scheduler")
    done = subprocess.run(["systemd-analyze", "verify", asked], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_units_are_the_services_with_the_same_settings(compose: dict[str, Any]) -> None:
    target = (DEPLOY / "systemd" / "persona-airflow.target").read_text(encoding="utf-8")
    assert set(re.findall(r"persona-airflow@([\w-]+)\.service", target)) == AIRFLOW - {"airflow-migrate"}
    given = set(re.findall(r"^(AIRFLOW__\w+)=", (DEPLOY / "systemd" / "airflow.env").read_text(encoding="utf-8"), re.M))
    assert given - {"AIRFLOW__API__HOST", "AIRFLOW__API__WORKERS"} == {
        name
        for name in compose["services"]["scheduler"]["environment"]
        if name.startswith("AIRFLOW__") and not name.endswith(("__BASE_URL", "_MANAGER_USERS"))
    }
