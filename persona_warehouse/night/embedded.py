"""Airflow in this process: the environment it needs, its database, and a night of the four DAGs in order."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from persona_warehouse import __version__
from persona_warehouse.errors import PersonaError
from persona_warehouse.files import locked, write_atomically
from persona_warehouse.night.runs import StepRun, forget, recorded
from persona_warehouse.settings import Settings

NIGHT = ("ingest_crm", "ingest_website", "ingest_wechat", "build_personas")
STEPS = (
    ("ingest_crm", "load"), ("ingest_website", "load"), ("ingest_wechat", "load"), ("build_personas", "build_staging"),
    ("build_personas", "audit_staging"), ("build_personas", "resolve_identities"), ("build_personas", "build_marts"),
    ("build_personas", "audit_marts"), ("build_personas", "publish_release"),
)  # fmt: skip

DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


def _own_database(settings: Settings) -> str:
    """The SQLite file of this home; a command waits for the scheduler's writes, it does not fail after five seconds."""
    return f"sqlite:///{settings.airflow_home}/airflow.db?timeout=60"


def database_elsewhere(settings: Settings) -> bool:
    """Whether the environment names another database than the home's own, as it is or by a command or a secret."""
    if any(os.environ.get(DATABASE + suffix) for suffix in ("_CMD", "_SECRET")):
        return True
    return os.environ.get(DATABASE, _own_database(settings)) != _own_database(settings)


def airflow_environment(settings: Settings) -> dict[str, str]:
    """The environment of every Airflow process of this home; what the caller's environment says of Airflow wins."""
    defaults = {} if database_elsewhere(settings) else {DATABASE: _own_database(settings)}
    defaults |= {
        "AIRFLOW_HOME": str(settings.airflow_home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(settings.dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DEFAULT_TIMEZONE": "utc",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(settings.airflow_home / "logs"),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW__API__EXPOSE_CONFIG": "False",
    }
    port = os.environ.get("AIRFLOW__API__PORT")
    if port:
        # tasks talk to the API server, wherever it listens
        defaults["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] = f"http://localhost:{port}/execution/"
    # standalone starts its parts by the name `airflow`, also when the virtual environment was not activated
    beside = str(Path(sys.executable).parent)
    path = {"PATH": os.pathsep.join([beside, os.environ.get("PATH", os.defpath)])}
    return {name: os.environ.get(name, value) for name, value in defaults.items()} | settings.environment() | path


def prepare(settings: Settings, log: Path, *, again: bool = False) -> None:
    """Makes or upgrades Airflow's database and its pools, once for each version of this package and of Airflow.

    Two processes that come at once do not get into each other's way: the second waits.

    Args:
        again: also where it was done before: a database elsewhere may have been lost, which the home does not see.

    Raises:
        PersonaError: the database could not be made.
    """
    from importlib.metadata import version

    os.environ.update(airflow_environment(settings))
    settings.airflow_home.mkdir(parents=True, exist_ok=True)
    elsewhere = database_elsewhere(settings)
    place = "elsewhere" if elsewhere else "airflow.db"
    wanted = f"persona {__version__}, airflow {version('apache-airflow')}, {place}\n"
    marker = settings.airflow_home / "prepared"
    with locked(marker):
        there = elsewhere or (settings.airflow_home / "airflow.db").exists()
        if not again and there and marker.exists() and marker.read_text() == wanted:
            return
        _migrate(settings, log)
        write_atomically(marker, wanted)


def _migrate(settings: Settings, log: Path) -> None:
    airflow = [sys.executable, "-m", "airflow"]
    log.parent.mkdir(parents=True, exist_ok=True)
    for arguments in (["db", "migrate"], ["pools", "set", "duckdb_writer", "1", "DuckDB has one writer"]):
        with log.open("a") as stream:
            done = subprocess.run([*airflow, *arguments], stdout=stream, stderr=stream, check=False)  # noqa: S603
        if done.returncode:
            raise PersonaError(
                f"`airflow {' '.join(arguments[:2])}` failed",
                file=str(log),
                remedy=f"read the log: is the database there? {settings.airflow_home} may be removed, it holds no data",
            )


def run_night(settings: Settings, log: Path, dags: Sequence[str] = NIGHT) -> list[StepRun]:
    """Runs the four DAGs one after the other in this process; an ingest that fails does not stop the night.

    What Airflow and the tools print goes to `log`. Tasks are tried once: whoever waits for the night can run it again.

    Args:
        dags: which of them, in order; what the others noted of this date stays.

    Returns:
        What every step of these DAGs did.
    """
    prepare(settings, log)
    forget(settings, dags)
    with _output_to(log), _full_disk_told(settings):
        from airflow.dag_processing.dagbag import DagBag

        bag = DagBag(dag_folder=str(settings.dags))
        if bag.import_errors:
            name, problem = next(iter(bag.import_errors.items()))
            raise PersonaError("a DAG cannot be imported", file=name, found=str(problem).splitlines()[-1])
        for dag_id in dags:
            dag = bag.dags[dag_id]
            for task in dag.tasks:
                task.retries = 0
            # deadlines are the scheduler's to watch; a run in one process knows none of their rows in the database
            dag.deadline = None
            given = {"business_date": settings.business_date.isoformat(), "force": settings.force}
            dag.test(run_conf={name: value for name, value in given.items() if name in dag.params})
    return [run for run in recorded(settings) if run.dag in dags]


@contextmanager
def _full_disk_told(settings: Settings) -> Iterator[None]:
    """What Airflow's database says of a full disk, as an error that says what to do; steps say it by themselves."""
    try:
        yield
    except Exception as error:
        said = str(error)
        if getattr(error, "errno", None) != errno.ENOSPC and "disk is full" not in said and "No space left" not in said:
            raise
        raise PersonaError(
            "the disk is full; the night stopped, and readers see what they saw before",
            file=str(settings.home),
            expected="room for a second copy of the warehouse and a release",
            found=said.splitlines()[0] if said else "no space left on the device",
            remedy="make room (`persona releases prune --keep 2`, `persona retain`), then run the night again",
        ) from error


@contextmanager
def _output_to(log: Path) -> Iterator[None]:
    """Sends this process's standard output and error, of C libraries too, into a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with log.open("ab") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, handle in zip((1, 2), kept, strict=True):
                os.dup2(handle, number)
                os.close(handle)
