"""kill -9 of an ingest, whenever it comes: the load counts whole or not at all, and the next one heals."""

from __future__ import annotations

import json
import os
import random
import shutil
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from persona_warehouse import transform
from persona_warehouse.landing import store
from persona_warehouse.settings import Settings
from persona_warehouse.simulate import simulate
from tests.killing import KILLED, STEPS, Ended, Loads
from tests.standins.espocrm import EspoCrm
from tests.standins.hubspot import EPOCH, HubSpotStandin

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1200)]

SEED = 20261120
POINTS = 10
NIGHT = date(2026, 11, 20)
# what tells of the run, not of the data
OF_THE_RUN = ("_dlt_load_id", "_dlt_id", "load_id")
# when changes are read again, a row has another place among them
OF_THE_READING = (*OF_THE_RUN, "source_row")

Rows = Counter[str]


class Source(ABC):
    """A stream `crm` that can be loaded twice: as it was, and after a day has passed."""

    environment: dict[str, str]
    aside: tuple[str, ...] = OF_THE_READING

    @abstractmethod
    def write(self, folder: Path) -> None:
        """Writes sources.yml, and what it names."""

    @abstractmethod
    def a_day_later(self, folder: Path) -> None:
        """New, changed and deleted rows."""


class Files(Source):
    """The CRM of a sample world, in five formats."""

    environment: dict[str, str] = {}  # noqa: RUF012
    aside = OF_THE_RUN

    def write(self, folder: Path) -> None:
        simulate(folder, companies=25, days=60)

    def a_day_later(self, folder: Path) -> None:
        crm = folder / "crm"
        header, first, *rest = (crm / "companies.csv").read_text(encoding="utf-8-sig").splitlines()
        (crm / "companies.csv").write_text("\n".join([header, *rest, first, first.replace(",", "9,", 1)]), "utf-8")
        deals = (crm / "deals.csv").read_text(encoding="utf-8-sig").splitlines()
        (crm / "deals.csv").write_text("\n".join(deals[:-3]), "utf-8")


class Api(Source):
    """A HubSpot portal, with changed, archived and merged records on the second day."""

    def __init__(self, portal: HubSpotStandin) -> None:
        self.portal = portal
        self.environment = {"AIRFLOW_CONN_HUBSPOT_MAIN": portal.connection_json()}

    def write(self, folder: Path) -> None:
        self.portal.fill()
        entry = {"connector": "hubspot", "connection": "hubspot_main", "backoff_seconds": 0.01}
        (folder / "sources.yml").write_text(json.dumps({"sources": {"crm": [entry]}}), encoding="utf-8")

    def a_day_later(self, folder: Path) -> None:
        at = EPOCH + timedelta(days=10)
        for kind in ("companies", "contacts", "deals"):
            for number in range(20, 60):
                self.portal.change(kind, number, at + timedelta(minutes=number), note="changed")
            self.portal.add(kind, 9_000, at, name="new", dealname="new", email="new@c.example")
            self.portal.archive(kind, 12, at)
            self.portal.merge(kind, 30, 31, at + timedelta(hours=1))
        self.portal.change("deals", 15, at, dealstage="closedlost")


class Sql(Source):
    """EspoCRM's tables in PostgreSQL."""

    ROWS = """
        create function numbered(many int) returns table (n int, at timestamp) language sql
            as 'select i, timestamp ''2026-11-01'' + i * interval ''1 minute'' from generate_series(1, many) i';
        insert into account (id, name, industry, c_headcount, created_at, modified_at)
            select 'a' || n, '海河科技' || n, 'Technology', n, '2026-01-01', at from numbered(900);
        insert into contact (id, first_name, last_name, account_id, created_at, modified_at)
            select 'c' || n, '三', '张', 'a' || n / 4, '2026-01-01', at from numbered(4000);
        insert into opportunity (id, name, amount, amount_currency, stage, account_id, modified_at)
            select 'o' || n, 'p' || n, n, 'CNY', 'Prospecting', 'a' || n, at from numbered(400);
        insert into contact_opportunity (opportunity_id, contact_id, role)
            select 'o' || n, 'c' || n, 'Evaluator' from generate_series(1, 400) n;
    """

    def __init__(self, server: EspoCrm) -> None:
        self.server = server
        self.environment = {"AIRFLOW_CONN_CRM_DB": server.connection_json("killed")}

    def write(self, folder: Path) -> None:
        self.server.create("killed", self.ROWS)
        entry = {"connector": "sql", "connection": "crm_db", "mapping": "espocrm"}
        (folder / "sources.yml").write_text(json.dumps({"sources": {"crm": [entry]}}), encoding="utf-8")

    def a_day_later(self, folder: Path) -> None:
        self.server.sql(
            "killed",
            """update account set name = name || ' Ltd', modified_at = '2026-11-19' where id like 'a1%';
            update contact set deleted = true, modified_at = '2026-11-19 01:00' where id like 'c2%';
            insert into opportunity (id, name, modified_at) values ('new', 'new', '2026-11-19 02:00');
            delete from contact_opportunity where opportunity_id = 'o7';""",
        )


class Proof:
    """A home with the first night, and what the second night comes to when nobody kills it."""

    def __init__(self, folder: Path, source: Source, loads: Loads) -> None:
        self.folder, self.loads, self.aside = folder, loads, source.aside
        self.sources = folder / "sources"
        self.sources.mkdir()
        source.write(self.sources)
        self.first = self.home("first")
        assert loads.run(self.first, "crm").code == 0
        self.before = landed(self.first, self.aside)
        source.a_day_later(self.sources)
        self.never_killed = self.after_first("never-killed")
        done = loads.run(self.never_killed, "crm")
        assert done.code == 0
        self.seconds = done.seconds
        self.after = landed(self.never_killed, self.aside)
        assert self.before.total() > 100
        assert self.after - self.before

    def home(self, name: str) -> Settings:
        return Settings(self.folder / name, self.sources / "sources.yml", NIGHT, "Asia/Shanghai", 7)

    def after_first(self, name: str) -> Settings:
        """A home in which the first night has been."""
        settings = self.home(name)
        shutil.copytree(self.first.home, settings.home)
        return settings

    def kill(self, settings: Settings, point: float) -> Ended:
        """Kills a load after that share of the time that a whole one takes; sooner when it was done by then."""
        delay = self.seconds * point
        while True:
            loads_before = len(store.manifests(settings, "crm"))
            ended = self.loads.run(settings, "crm", delay=delay)
            if ended.code == KILLED:
                return ended
            assert ended.code == 0
            # it was faster than the measured one: what it landed is taken back, and it is killed earlier
            assert len(store.manifests(settings, "crm")) == loads_before + 1
            shutil.rmtree(settings.home)
            shutil.copytree(self.first.home, settings.home)
            delay *= 0.7

    def counts_whole_or_not_at_all(self, settings: Settings) -> bool:
        """Whether the killed load counts."""
        now = landed(settings, self.aside)
        assert now in (self.before, self.after)
        assert store.damaged_files(settings, "crm") == []
        return now == self.after

    def heals(self, settings: Settings) -> None:
        """The next load brings what the killed one did not, and nothing else; nothing lies about."""
        counted = self.counts_whole_or_not_at_all(settings)
        assert self.loads.run(settings, "crm").code == 0
        now = landed(settings, self.aside)
        # an API is asked again from an overlap on: the same rows once more, and no other; else not one row more
        assert set(now) == set(self.after)
        if not counted:
            assert now == self.after
        committed = {file.path for load in store.manifests(settings, "crm") for file in load.files}
        root = settings.landing / "crm"
        assert {str(path.relative_to(root)) for path in root.glob("*/load_date=*/*.parquet")} == committed
        assert store.damaged_files(settings, "crm") == []
        assert not list((settings.home / "dlt").rglob("*.parquet"))


def landed(settings: Settings, aside: tuple[str, ...]) -> Rows:
    """Every row of every committed load, with its object and how often it is there."""
    found: Rows = Counter()
    root = settings.landing / "crm"
    for load in store.manifests(settings, "crm"):
        for file in load.files:
            table = pq.read_table(root / file.path, partitioning=None)
            kept = table.select([name for name in table.column_names if name not in aside])
            found.update(f"{file.object} {row}" for row in kept.to_pylist())
    return found


def staged(settings: Settings, aside: tuple[str, ...]) -> dict[str, list[tuple[Any, ...]]]:
    """Every table of staging and quarantine, without what tells of the run."""
    kept = dict(os.environ)
    try:
        transform.build(settings, "staging")
    finally:
        os.environ.clear()
        os.environ.update(kept)
    with duckdb.connect(str(settings.warehouse_file), read_only=True) as connection:
        tables = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables()"
            " where schema_name in ('staging', 'quarantine')"
        ).fetchall()
        return {
            name: connection.execute(f"select columns(c -> c not in {aside}) from {name} order by all").fetchall()
            for (name,) in tables
        }


@pytest.fixture(scope="module", params=["files", "hubspot", "sql"])
def proof(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proof]:
    folder = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        source: Source = Files()
        if request.param == "hubspot":
            source = Api(stack.enter_context(HubSpotStandin()))
        elif request.param == "sql":
            source = Sql(stack.enter_context(EspoCrm.running()))
        loads = stack.enter_context(Loads.running(**source.environment))
        yield Proof(folder, source, loads)


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_a_step(proof: Proof, step: str) -> None:
    settings = proof.after_first(step.replace(" ", "-"))
    assert proof.loads.run(settings, "crm", step=step).code == KILLED
    assert proof.counts_whole_or_not_at_all(settings) == (step == "after the manifest")
    proof.heals(settings)


def test_a_kill_in_the_first_load_of_all(proof: Proof) -> None:
    settings = proof.home("nothing-before")
    assert proof.loads.run(settings, "crm", step="when a file is in place").code == KILLED
    assert landed(settings, proof.aside) == Counter()
    assert proof.loads.run(settings, "crm").code == 0
    # the sources have gone on since the first night: all that stands there now is landed once
    assert len(store.manifests(settings, "crm")) == 1
    assert set(landed(settings, proof.aside).values()) == {1}


def points() -> list[float]:
    """Ten moments of a load: one at random in each tenth of its time."""
    dice = random.Random(SEED)
    return [(number + dice.random()) / POINTS for number in range(POINTS)]


@pytest.mark.parametrize("point", points(), ids=lambda point: f"{point:.0%}")
def test_a_kill_at_a_moment(proof: Proof, point: float) -> None:
    settings = proof.after_first(f"at-{point:.3f}")
    proof.kill(settings, point)
    proof.heals(settings)


def test_ten_kills_in_a_row_and_staging_is_that_of_a_run_that_was_never_killed(proof: Proof) -> None:
    settings = proof.after_first("again-and-again")
    first_night = staged(settings, proof.aside)
    for point in points()[: POINTS // 2]:
        proof.kill(settings, point)
    # staging reads beside what the kills have left
    if not proof.counts_whole_or_not_at_all(settings):
        assert staged(settings, proof.aside) == first_night
    for point in points()[POINTS // 2 :]:
        proof.kill(settings, point)
    proof.heals(settings)
    never_killed = staged(proof.never_killed, proof.aside)
    assert staged(settings, proof.aside) == never_killed != first_night
    assert len(never_killed["staging.stg_crm__companies"]) > 10
