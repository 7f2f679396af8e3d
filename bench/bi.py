"""What BI tools ask of a release: a dozen queries (bench/queries), by one reader and by ten at once, each a process."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from bench.stage import ROOT, Stage
from persona_warehouse.warehouse import identifier, literal

QUERIES = ROOT / "bench" / "queries"
ROUNDS = 20  # of every query by every reader
IDS = 200
# parameter -> where its values stand
PARAMETERS = {"account_id": "accounts", "contact_id": "contacts", "province": "accounts"}
BARS = {1: "p95 under 100 ms", 10: "p95 under 250 ms"}


def stages(folder: Path, rows: int) -> Iterator[Stage]:
    """One reader and ten, of the release that `bench night` of the same scale left."""
    release = folder / f"home-{rows}" / "current" / "persona_marts.duckdb"
    if not release.exists():
        raise FileNotFoundError(f"{release}: run `python -m bench night --scale {rows}` first")
    for readers, bar in BARS.items():
        arguments = {"release": str(release), "readers": readers}
        yield Stage(f"BI: {readers} at once", (ask, arguments), bar=bar, once=True)


def ask(release: str, readers: int) -> dict[str, Any]:
    """All queries in turn by every reader.

    Returns:
        rows: queries asked; p50_ms, p95_ms, max_ms of all; `slowest`: p95 by query, the slowest first.
    """
    command = [sys.executable, "-m", "bench.bi", release]
    running = [
        subprocess.Popen([*command, str(seed)], stdout=subprocess.PIPE, text=True, cwd=ROOT)  # noqa: S603
        for seed in range(readers)
    ]
    waits: dict[str, list[float]] = {}
    for one in running:
        said, _ = one.communicate()
        if one.returncode:
            raise RuntimeError("a reader ended with an error")
        for name, seconds in json.loads(said).items():
            waits.setdefault(name, []).extend(1_000 * second for second in seconds)
    every = [wait for each in waits.values() for wait in each]
    slowest = sorted(((float(np.percentile(each, 95)), name) for name, each in waits.items()), reverse=True)
    p50, p95, longest = (float(one) for one in np.percentile(every, [50, 95, 100]))
    return {
        "rows": len(every), "p50_ms": p50, "p95_ms": p95, "max_ms": longest,
        "slowest": {name: round(one, 1) for one, name in slowest},
    }  # fmt: skip


def _read(release: str, seed: int) -> dict[str, list[float]]:
    """Seconds of each query of one reader, with one thread: ten of them share the cores as they please."""
    dice = random.Random(seed)
    waits: dict[str, list[float]] = {}
    with duckdb.connect(release, read_only=True, config={"threads": 1}) as connection:
        values = {
            name: [
                value
                for (value,) in connection.execute(
                    f"""select distinct {identifier(name)} as value from marts.{table}
                        where {identifier(name)} is not null order by hash(value || {literal(str(seed))}) limit {IDS}"""
                ).fetchall()
            ]
            for name, table in PARAMETERS.items()
        }
        queries = {file.stem: file.read_text(encoding="utf-8") for file in sorted(QUERIES.glob("*.sql"))}
        for _ in range(ROUNDS):
            for name, sql in dice.sample(sorted(queries.items()), len(queries)):
                given = {key: dice.choice(values[key]) for key in PARAMETERS if f"${key}" in sql}
                start = time.perf_counter()
                connection.execute(sql, given).fetchall()
                waits.setdefault(name, []).append(time.perf_counter() - start)
    return waits


if __name__ == "__main__":
    print(json.dumps(_read(sys.argv[1], int(sys.argv[2]))))
