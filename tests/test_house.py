"""The rules of the house that a tool can hold."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT

BIN = Path(sys.executable).parent


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).is_file()]


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("mypy",),
        ("lint-imports",),
        # two minutes
        pytest.param(("sqlfluff", "lint", "dbt_project/models", "dbt_project/tests"), marks=pytest.mark.heavy),
    ],
    ids=lambda command: " ".join(command),
)
def test_the_tree_is_in_form(command: tuple[str, ...]) -> None:
    done = subprocess.run([BIN / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_nothing_names_a_machine_or_a_package_index() -> None:
    forbidden = re.compile(
        "|".join(["--index" + "-url", "--extra-index" + "-url", r"/ho" + r"me/\w", "/ro" + "ot/", "/wo" + "rk/"])
    )
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in tracked()
        if path.suffix not in (".png",)
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if forbidden.search(line)
    ]
    assert found == []


def test_the_lock_is_pinned_with_hashes() -> None:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if re.match(r"^[a-zA-Z0-9]", line)]
    assert len(pins) > 100
    assert all("==" in pin and pin.endswith("\\") for pin in pins)
    assert sum("--hash=sha256:" in line for line in lines) >= len(pins)


def marts() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in (ROOT / "dbt_project" / "models" / "marts").rglob("_*__models.yml"):
        for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]:
            found[model["name"]] = {column["name"] for column in model["columns"]}
    return found


def coverage_rows() -> list[dict[str, str]]:
    with (ROOT / "docs" / "seed_coverage.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("row", coverage_rows(), ids=lambda row: f"{row['row']}-{row['mart']}.{row['column']}")
def test_every_answered_question_points_at_something_real(row: dict[str, str]) -> None:
    assert 1 <= int(row["row"]) <= 227
    assert row["column"] in marts()[row["mart"]]
    path, *classes, name = row["test"].split("::")
    text = (ROOT / path).read_text(encoding="utf-8")
    assert all(re.search(rf"^class {each}\b", text, re.M) for each in classes)
    assert re.search(rf"^ *def {name}\(", text, re.M)


def test_readme_tells_every_mart_and_command() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in marts():
        assert f"`marts.{name}`" in text
    from persona_warehouse.cli import app

    for command in app.registered_commands:
        name = command.name or (command.callback.__name__ if command.callback else "")
        assert name == "version" or f"persona {name}" in text


def test_links_in_the_documentation_lead_somewhere() -> None:
    for path in (path for path in tracked() if path.suffix == ".md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.relative_to(ROOT)} -> {target}"


def test_every_connector_and_target_is_documented() -> None:
    from persona_warehouse.sources.config import CONNECTORS

    for name in {name for names in CONNECTORS.values() for name in names}:
        assert (ROOT / "persona_warehouse" / "sources" / name / "README.md").is_file()
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^([a-z-]+):(?!=)", makefile, re.M):
        assert re.search(rf"^{target}:.*## ", makefile, re.M), target
