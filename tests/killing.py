"""Loads in processes of their own that are killed: at a moment, or at a step.

    with Loads.running(AIRFLOW_CONN_CRM_DB=…) as loads:
        loads.run(settings, "crm")                                  # to its end
        loads.run(settings, "crm", step="the manifest")             # killed when it comes there
        loads.run(settings, "crm", delay=0.7)                       # killed then, or done before

One process imports everything and forks a child for every load, which is faster than starting one.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Self

import dlt.destinations  # noqa: F401 - here once for all children

from persona_warehouse.settings import Settings
from persona_warehouse.sources import files, hubspot, load, official_account, sql  # noqa: F401 - the same
from persona_warehouse.sources.load import load_stream

ROOT = Path(__file__).resolve().parents[1]
KILLED = -signal.SIGKILL


@dataclass(frozen=True)
class Ended:
    """How a load ended: 0 done, KILLED, anything else a fault; and after how long."""

    code: int
    seconds: float


class Loads:
    """The process that forks."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @classmethod
    @contextmanager
    def running(cls, **environment: str) -> Iterator[Self]:
        """Starts it, with these variables besides those of the tests; its children's errors are those of the tests."""
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.killing"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield cls(process)
        finally:
            process.communicate(timeout=60)

    def run(self, settings: Settings, stream: str, *, step: str | None = None, delay: float | None = None) -> Ended:
        """One load of a stream.

        Args:
            step: one of STEPS, at which it is killed.
            delay: seconds after which it is killed.
        """
        order = {
            "home": str(settings.home), "sources": str(settings.sources_file), "stream": stream,
            "date": settings.business_date.isoformat(), "step": step, "delay": delay,
        }  # fmt: skip
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Ended(**json.loads(self._process.stdout.readline()))


# in the child


def _die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _before(owner: Any, name: str) -> None:
    setattr(owner, name, _die)


def _after(owner: Any, name: str, when: Callable[..., bool] = lambda *_, **__: True) -> None:
    """Has a function do its work, and die then, when the condition holds for its arguments."""
    own = getattr(owner, name)

    def then_die(*args: Any, **kwargs: Any) -> Any:
        found = own(*args, **kwargs)
        if when(*args, **kwargs):
            _die()
        return found

    setattr(owner, name, then_die)


def _in_fetch() -> None:
    own = load._rows

    def rows(*args: Any) -> Iterator[Any]:
        for table in own(*args):
            yield table
            # asked for the next one: these rows are in the loader's own files
            if table.num_rows:
                _die()

    load._rows = rows  # type: ignore[assignment]


def _in_normalize() -> None:
    from dlt.normalize.normalize import Normalize

    _after(Normalize, "map_single")


def _before_load() -> None:
    from dlt.pipeline.pipeline import Pipeline

    _before(Pipeline, "load")


def _first_file() -> None:
    from dlt.destinations.impl.filesystem.filesystem import FilesystemLoadJob

    _after(FilesystemLoadJob, "run")


def _before_manifest() -> None:
    from persona_warehouse.landing import store

    _before(store, "write_manifest")


def _of_a_load(path: Path) -> bool:
    return "_manifests" in path.parts and path.suffix == ".tmp"


def _manifest_written() -> None:
    own = Path.replace

    def replace(path: Path, target: Any) -> Path:
        if _of_a_load(path):
            _die()
        return own(path, target)

    Path.replace = replace  # type: ignore[method-assign]


def _manifest_in_place() -> None:
    _after(Path, "replace", lambda path, _: _of_a_load(path))


STEPS: dict[str, Callable[[], None]] = {
    "in fetch": _in_fetch,
    "in normalize": _in_normalize,
    "before the files are put in place": _before_load,
    "when a file is in place": _first_file,
    "between the files and the manifest": _before_manifest,
    "with the manifest beside its place": _manifest_written,
    "after the manifest": _manifest_in_place,
}


def _load(order: dict[str, Any]) -> None:
    if order["step"]:
        STEPS[order["step"]]()
    settings = Settings(
        Path(order["home"]), Path(order["sources"]), date.fromisoformat(order["date"]), "Asia/Shanghai", 7
    )
    load_stream(settings, order["stream"])


def _fork(order: dict[str, Any]) -> Ended:
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        # what a load prints is no answer
        os.dup2(2, 1)
        try:
            _load(order)
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if order["delay"] is not None:
        time.sleep(order["delay"])
        # nobody has waited for it yet: its number is still its own
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return Ended(code, time.monotonic() - started)


def _serve() -> None:
    for line in sys.stdin:
        print(json.dumps(vars(_fork(json.loads(line)))), flush=True)


if __name__ == "__main__":
    _serve()
