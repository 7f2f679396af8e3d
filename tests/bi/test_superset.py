"""The dashboard in a real Superset, in an environment of its own: every chart answers, with the release's figures."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from playwright.sync_api import Page, Response, sync_playwright

from bi.superset.bundle import bundle
from persona_warehouse.files import replace_link, sha256_of
from persona_warehouse.publish import DATABASE
from tests.bi.test_superset_assets import CHARTS, DASHBOARD
from tests.conftest import ROOT, persona

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1800)]

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FOLDER = ROOT / "bi" / "superset"
PASSWORD = "only-for-this-test"
# asks as the pages do: with the session's cookie and the token against forged requests
ASK = """async ([path, body]) => {
    const token = (await (await fetch('/api/v1/security/csrf_token/')).json()).result;
    const headers = {'Content-Type': 'application/json', 'X-CSRFToken': token};
    const answer = await fetch(path, {method: 'POST', headers, body});
    return [answer.status, await answer.json()];
}"""


@dataclass(frozen=True)
class Superset:
    """An environment with Superset in it, and a folder with what it keeps."""

    binaries: Path
    folder: Path

    @property
    def variables(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PERSONA_", "PYTHON"))}
        return inherited | {
            "SUPERSET_HOME": str(self.folder),
            "SUPERSET_CONFIG_PATH": str(FOLDER / "superset_config.py"),
            "SUPERSET_SECRET_KEY": "a key of this test alone, forty characters",
        }

    def run(self, *arguments: str | Path) -> str:
        done = subprocess.run(
            [self.binaries / arguments[0], *map(str, arguments[1:])],
            env=self.variables,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout + done.stderr

    @contextlib.contextmanager
    def served(self) -> Iterator[str]:
        """A server on a free port of this machine, stopped by its own handle."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command: list[str | Path] = [
            self.binaries / "gunicorn",
            "--bind",
            f"127.0.0.1:{port}",
            "--threads",
            "4",
            "superset.app:create_app()",
        ]
        log = self.folder / "server.log"
        with (
            log.open("w") as stream,
            subprocess.Popen(command, env=self.variables, cwd=self.folder, stdout=stream, stderr=stream) as server,
        ):
            try:
                until = time.monotonic() + 120
                while not healthy(f"http://127.0.0.1:{port}/health"):
                    assert server.poll() is None and time.monotonic() < until, log.read_text()[-3000:]
                    time.sleep(0.5)
                yield f"http://127.0.0.1:{port}"
            finally:
                server.terminate()


def healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - a port of this machine
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the release of a sample night."""
    home = tmp_path_factory.mktemp("sample") / "home"
    assert persona("simulate", "--out", home / "sample", "--companies", "60", "--seed", "5", home=home).code == 0
    answer = persona("nightly", "--date", "2026-10-31", home=home)
    assert answer.code == 0, answer.out + answer.err
    return home


@pytest.fixture(scope="module")
def superset(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Superset:
    """Superset with the dashboard imported both ways: from the zip, then over it from the folder."""
    if sys.version_info >= (3, 13):
        pytest.skip("Superset 6.1 is for Python 3.10 to 3.12")
    folder = tmp_path_factory.mktemp("superset")
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    uv = shutil.which("uv")
    install: list[str | Path] = [uv, "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install"]
    subprocess.run([*install, "-r", FOLDER / "requirements.txt"], check=True, timeout=900)
    superset = Superset(environment / "bin", folder)
    packed = bundle(home, folder / "personas")
    superset.run("superset", "db", "upgrade")
    superset.run("superset", "init")
    superset.run(
        *("superset", "fab", "create-admin", "--username", "admin", "--password", PASSWORD),
        *("--firstname", "A", "--lastname", "B", "--email", "admin@example.com"),
    )
    superset.run("superset", "import-dashboards", "--path", packed, "--username", "admin")
    superset.run("superset", "import-directory", "--overwrite", folder / "personas")
    return superset


@dataclass(frozen=True)
class Opened:
    """The dashboard as a browser opened it.

    Attributes:
        queries: title of a chart -> what the page asked for it.
        results: title of a chart -> what Superset answered.
        visited: where answers came from.
        hash_before: of the release's file, before Superset opened it.
    """

    page: Page
    queries: dict[str, str]
    results: dict[str, list[dict[str, Any]]]
    visited: set[str]
    hash_before: str

    def ask(self, path: str, body: str) -> tuple[int, dict[str, Any]]:
        status, answer = self.page.evaluate(ASK, [path, body])
        return int(status), dict(answer)

    def again(self, name: str) -> list[dict[str, Any]]:
        """The rows that the chart has now."""
        status, answer = self.ask("/api/v1/chart/data", self.queries[name])
        assert status == 200, answer
        return list(answer["result"][0]["data"])


@pytest.fixture(scope="module")
def opened(superset: Superset, home: Path) -> Iterator[Opened]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: `make browser` installs it where apt may")
    hash_before = sha256_of(home / "current" / DATABASE)
    with superset.served() as url, sync_playwright() as playwright:
        # a container's root has no sandbox to offer
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        # charts ask when they come into view, so that the window holds the whole page
        page = chromium.new_page(viewport={"width": 1500, "height": 4600})
        answers: list[Response] = []
        page.on("response", lambda answer: answers.append(answer))
        page.goto(f"{url}/login/")
        page.fill("#username", "admin")
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/welcome/")
        page.wait_for_load_state("networkidle")
        listed = page.evaluate("fetch('/api/v1/dashboard/personas/charts').then((answer) => answer.json())")["result"]
        titles = {chart["id"]: chart["slice_name"] for chart in listed}
        answers.clear()
        page.goto(f"{url}/superset/dashboard/{DASHBOARD['slug']}/")
        page.wait_for_load_state("networkidle")
        queries, results = {}, {}
        for answer in answers:
            if "/api/v1/chart/data" in answer.url:
                body = str(answer.request.post_data)
                name = titles[json.loads(body)["form_data"]["slice_id"]]
                queries[name], results[name] = body, answer.json()["result"]
        visited = {answer.url.removeprefix(url) for answer in answers}
        yield Opened(page, queries, results, visited, hash_before)
        chromium.close()


def title(name: str) -> str:
    return str(CHARTS[name]["slice_name"])


def answer_of(database: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(database, read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_importing_over_an_import_leaves_one_of_each(superset: Superset) -> None:
    with contextlib.closing(sqlite3.connect(superset.folder / "superset.db")) as kept:
        assert kept.execute("select slug from dashboards").fetchall() == [(DASHBOARD["slug"],)]
        assert kept.execute("select count(*), count(distinct slice_id) from dashboard_slices").fetchall() == [
            (len(CHARTS), len(CHARTS))
        ]


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_answers_with_rows(opened: Opened, name: str) -> None:
    (result,) = opened.results[title(name)]
    assert result["status"] == "success"
    (query,) = json.loads(opened.queries[title(name)])["queries"]
    # as many rows as asked for would mean that some were cut off
    assert 0 < result["rowcount"] < query.get("row_limit", 2)


def test_the_page_shows_every_chart_and_no_error(opened: Opened) -> None:
    assert opened.page.locator(".dashboard-chart").count() == len(CHARTS)
    assert opened.page.get_by_role("alert").count() == 0


def test_the_page_loads_nothing_from_elsewhere(opened: Opened) -> None:
    assert [url for url in opened.visited if not url.startswith(("/", "data:", "blob:"))] == []


def test_figures_are_those_of_the_release(opened: Opened, home: Path) -> None:
    release = home / "current" / DATABASE
    tiers = opened.results[title("accounts_by_tier")][0]["data"]
    assert {row["tier_name"][0]: row["accounts"] for row in tiers} == dict(
        answer_of(release, "select tier, count(*) from marts.accounts where tier is not null group by tier")
    )
    (revenue,) = opened.results[title("won_revenue")][0]["data"]
    assert [(revenue["won_revenue_cny"],)] == answer_of(
        release, "select cast(sum(won_revenue_cny) as double) from marts.accounts"
    )
    channels = opened.results[title("attribution_by_channel")][0]["data"]
    assert {row["channel_name"]: round(row["credited_cny"], 2) for row in channels} == dict(
        answer_of(
            release,
            """select replace(channel, '_', ' '), round(sum(credited_cny), 2) from marts.deal_attribution
                where attribution_model = 'linear' and deal_state = 'won' group by all""",
        )
    )
    # a series for each channel; the sum of all tells that none was cut off
    days = opened.results[title("sessions_by_day")][0]["data"]
    assert [(sum(value or 0 for row in days for name, value in row.items() if name != "day"),)] == answer_of(
        release, "select count(*) from marts.sessions where not is_bot and not is_own_traffic"
    )


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("create table marts.mine as select 1", "not allow"),
        ("select * from read_csv('/etc/passwd')", "disabled by configuration"),
    ],
)
def test_who_asks_by_sql_neither_writes_nor_reads_files(opened: Opened, sql: str, said: str) -> None:
    status, answer = opened.ask(
        "/api/v1/sqllab/execute/", json.dumps({"database_id": 1, "sql": sql, "schema": "marts", "runAsync": False})
    )
    assert status >= 400
    assert said in json.dumps(answer)


def test_the_next_question_reads_the_new_release_and_no_file_is_written(opened: Opened, home: Path) -> None:
    before = (home / "current").resolve()
    after = before.with_name("29990101T000000Z-00000000")
    shutil.copytree(before, after)
    with duckdb.connect(after / DATABASE) as connection:
        connection.execute("delete from marts.accounts where won_deal_count > 0 and tier = 'B'")
    hashes = {folder: sha256_of(folder / DATABASE) for folder in (before, after)}
    (was,) = opened.again(title("customers"))
    replace_link(home / "current", Path("releases") / after.name)
    (now,) = opened.again(title("customers"))
    query = "select count(*) from marts.accounts where won_deal_count > 0"
    assert [(was["customers"],)] == answer_of(before / DATABASE, query)
    assert [(now["customers"],)] == answer_of(after / DATABASE, query)
    assert now["customers"] < was["customers"]
    # after all that this module asked
    assert {folder: sha256_of(folder / DATABASE) for folder in (before, after)} == hashes
    assert sha256_of(before / DATABASE) == opened.hash_before
    assert not [*before.glob("*.wal"), *after.glob("*.wal")]
