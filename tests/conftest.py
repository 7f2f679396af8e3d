"""What all tests share: where real files are, and nights run as a user runs them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.made_once import FOLDER, give_parsed_project

ROOT = Path(__file__).resolve().parents[1]
REAL_DATA = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real files beside the project; tests that need it are skipped where it is absent."""
    if not REAL_DATA.is_dir():
        pytest.skip("the real files (../shared/data) are not on this machine")
    return REAL_DATA


@dataclass(frozen=True)
class Answer:
    """What a command answered."""

    code: int
    out: str
    err: str


def persona(*arguments: str | Path, home: Path, timeout: int = 1000, **environment: str) -> Answer:
    """Runs the command line in a process of its own, with no PERSONA_* variable but the given ones."""
    if arguments[0] == "nightly" and not (home / "dbt_target").exists():
        give_parsed_project(home)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PERSONA_", "AIRFLOW"))}
    done = subprocess.run(
        [Path(sys.executable).with_name("persona"), *map(str, arguments)],
        env={**inherited, "PERSONA_HOME": str(home), **environment},
        cwd=home.parent,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def manifest(home: Path) -> dict[str, Any]:
    """The manifest of the current release."""
    return dict(json.loads((home / "current" / "manifest.json").read_text(encoding="utf-8")))


def content_hashes(home: Path) -> dict[str, str]:
    """The content hash of every table of the current release that tells of the data, not of the run."""
    return {name: one["sha256"] for name, one in manifest(home)["tables"].items() if not one["is_of_the_run"]}


def pytest_configure(config: pytest.Config) -> None:
    """The first process of a run makes the folder of what is made once, and takes it away when the run is over."""
    if FOLDER not in os.environ:
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="persona_tests_")
        config.add_cleanup(lambda: shutil.rmtree(os.environ.pop(FOLDER), ignore_errors=True))
