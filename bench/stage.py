"""A stage, and measuring one: each run in a fresh process, the bare engine right beside it."""

from __future__ import annotations

import importlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# a function of one of the benchmarks, and its arguments; it returns `rows`, and figures of its own
Call = tuple[Callable[..., dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Stage:
    """Something to measure.

    Attributes:
        name: of the stage, for people.
        ours: what is measured.
        bare: the same work by the engine alone, if there is such a thing; measured in turns with `ours`.
        bar: what the stage is held to, in words.
        group: stages whose figures are added up, in the order they come.
        once: it runs once, before the bare engine: what it does cannot be done twice.
    """

    name: str
    ours: Call
    bare: Call | None = None
    bar: str = ""
    group: str = ""
    once: bool = False


@dataclass(frozen=True)
class Figures:
    """What one process used for one call, without the imports before it.

    Attributes:
        wall, cpu: seconds; cpu is that of all threads and child processes.
        peak_mb: the most memory that was resident, with the interpreter and its imports.
        more: what the call told of itself.
    """

    rows: int
    wall: float
    cpu: float
    peak_mb: float
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return self.rows / self.wall

    def __add__(self, other: Figures) -> Figures:
        """One after the other."""
        peak = max(self.peak_mb, other.peak_mb)
        return Figures(self.rows + other.rows, self.wall + other.wall, self.cpu + other.cpu, peak)


@dataclass(frozen=True)
class Result:
    """The best run of a stage and the best of the bare engine's.

    Attributes:
        ratio: our speed as a share of the bare engine's: its time over ours, for equal rows.
        cpu_ratio: the same of CPU seconds, which other work on the machine disturbs less.
    """

    stage: Stage
    ours: Figures
    bare: Figures | None

    @property
    def ratio(self) -> float | None:
        return _speed(self.ours.rows, self.ours.wall, self.bare.rows, self.bare.wall) if self.bare else None

    @property
    def cpu_ratio(self) -> float | None:
        return _speed(self.ours.rows, self.ours.cpu, self.bare.rows, self.bare.cpu) if self.bare else None


def _speed(rows: int, seconds: float, bare_rows: int, bare_seconds: float) -> float:
    """Rows a second over the bare engine's; what counts no rows did the same work."""
    return (rows / bare_rows if rows and bare_rows else 1.0) * bare_seconds / seconds


def measure(stage: Stage, repeat: int) -> Result:
    """Runs a stage and its bare engine in turns, and keeps the quickest run of each."""
    if stage.once:
        once = in_fresh_process(*stage.ours)
        return Result(stage, once, in_fresh_process(*stage.bare) if stage.bare else None)
    ours: list[Figures] = []
    bare: list[Figures] = []
    for _ in range(repeat):
        if stage.bare:
            bare.append(in_fresh_process(*stage.bare))
        ours.append(in_fresh_process(*stage.ours))
    return Result(stage, _best(ours), _best(bare) if bare else None)


def _best(runs: list[Figures]) -> Figures:
    return min(runs, key=lambda one: one.wall)


def in_fresh_process(function: Callable[..., dict[str, Any]], arguments: dict[str, Any]) -> Figures:
    """One call in a process of its own.

    Raises:
        RuntimeError: it failed; holds the end of what it wrote.
    """
    command = [sys.executable, "-m", "bench.stage", function.__module__, function.__name__, json.dumps(arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise RuntimeError(f"{function.__module__}.{function.__name__}: {done.stderr.strip()[-2000:]}")
    return Figures(**json.loads(done.stdout.splitlines()[-1]))


def _called(function: Callable[..., dict[str, Any]], arguments: dict[str, Any]) -> Figures:
    cpu, wall = _cpu_seconds(), time.perf_counter()
    told = function(**arguments)
    wall, cpu = time.perf_counter() - wall, _cpu_seconds() - cpu
    return Figures(told.pop("rows"), told.pop("seconds", wall), cpu, peak_mb(), told)


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def peak_mb() -> float:
    """The most memory that this process had resident, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        # the kernel's other figure begins with what the parent had
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)


if __name__ == "__main__":
    called = _called(getattr(importlib.import_module(sys.argv[1]), sys.argv[2]), json.loads(sys.argv[3]))
    print(json.dumps(called.__dict__))
