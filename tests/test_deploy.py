"""What runs the nights on a server: containers and units, checked without an engine, their commands run here."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("persona-*"))
BIN = Path(sys.executable).parent
# of the Compose Specification those that this file may use; a misspelt key would be passed over in silence
SERVICE_KEYS = {
    "image", "build", "restart", "user", "read_only", "cap_drop", "security_opt", "tmpfs", "logging", "command",
    "environment", "volumes", "ports", "mem_limit", "pids_limit", "stop_grace_period", "healthcheck", "profiles",
}  # fmt: skip
HEALTH_KEYS = {"test", "interval", "timeout", "start_period", "retries"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8")))


def test_every_service_is_bounded_watched_and_without_rights(compose: dict[str, Any]) -> None:
    assert set(compose) == {"x-persona", "services", "volumes"}
    assert set(compose["services"]) == {"airflow", "report", "wechat-receiver"}
    for name, service in compose["services"].items():
        assert set(service) <= SERVICE_KEYS, name
        assert (service["user"], service["read_only"], service["cap_drop"]) == ("10001", True, ["ALL"])
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "5"}}
        assert re.fullmatch(r"\d+[mg]", service["mem_limit"]) and service["pids_limit"] > 0
        assert set(service["healthcheck"]) <= HEALTH_KEYS and service["healthcheck"]["test"][0] == "CMD"
        for port in service["ports"]:
            # a proxy with TLS stands before it
            assert port.startswith("127.0.0.1:")
        for volume in service["volumes"]:
            source = volume.removesuffix(":ro").rpartition(":")[0]
            assert volume.endswith(":ro") or (source == "data" and name != "report"), volume
    assert set(compose["volumes"]) == {"data"}


def test_no_secret_stands_in_the_file_or_goes_into_the_image(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert not any(re.search("KEY|SECRET|PASSWORD|CONN", name) for name in service.get("environment", {}))
    kept = subprocess.run(
        ["git", "check-ignore", "deploy/secrets/PERSONA_HASH_KEY"], cwd=ROOT, capture_output=True, check=False
    )
    assert kept.returncode == 0
    assert "deploy/secrets" in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def test_the_commands_of_the_services_are_commands_of_this_version(compose: dict[str, Any]) -> None:
    receiver = compose["services"]["wechat-receiver"]["command"]
    said = subprocess.run([BIN / receiver[0], receiver[1], "--help"], capture_output=True, text=True, check=True).stdout
    assert all(option in said for option in receiver if option.startswith("--"))
    standalone = compose["services"]["airflow"]["command"]
    assert standalone[:2] == ["persona", "airflow"]
    known = subprocess.run(
        [sys.executable, "-m", "airflow", standalone[2], "--help"], capture_output=True, text=True, check=False
    )
    assert known.returncode == 0 and "standalone" in known.stdout


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
    (tmp_path / "PERSONA_HASH_KEY").write_text("one secret, with 'signs' and $dollars\n")
    (tmp_path / "folder").mkdir()
    script = "import os; print(os.environ['PERSONA_HASH_KEY'], os.getpid())"
    started = subprocess.Popen(
        [DEPLOY / "entrypoint.sh", sys.executable, "-c", script],
        env={"PATH": os.environ["PATH"], "SECRETS_DIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    out, _ = started.communicate(timeout=60)
    assert out == f"one secret, with 'signs' and $dollars {started.pid}\n"


def test_the_image_has_a_pinned_base_two_stages_and_a_user_without_rights() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert re.fullmatch(r"ARG PYTHON=3\.1[123]\.\d+-slim-\w+", lines[0])
    assert [line.split()[1] for line in lines if line.startswith("FROM")] == ["python:${PYTHON}"] * 2
    assert [line for line in lines if line.startswith("USER")] == ["USER persona"]
    for line in (line for line in lines if line.startswith("COPY") and "--from" not in line):
        for source in line.split()[1:-1]:
            assert (ROOT / source).exists(), line
    # what `make setup` reads is there before it runs
    before = text.partition("RUN make setup")[0]
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
    done = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / path.name], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
