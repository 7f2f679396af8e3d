"""Sample worlds, and their nights up to what is measured."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import connect, literal

END = date(2026, 10, 31)


@dataclass(frozen=True)
class World:
    """A world whose night has been run."""

    seed: int
    settings: Settings

    @contextmanager
    def open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The warehouse, with the tables of the truth as views of the schema `truth`."""
        with connect(self.settings.warehouse_file) as connection:
            connection.execute("attach ':memory:' as truth_files; create schema if not exists truth_files.truth")
            for file in sorted((self.settings.sample / "truth").glob("*.parquet")):
                connection.execute(f"create view truth_files.truth.{file.stem} as from read_parquet({literal(file)})")
            yield connection


def build(folder: Path, seed: int, companies: int) -> World:
    """Writes a world and runs its night: ingest, staging, who is who, and what personas rest on."""
    from persona_warehouse.night import steps
    from persona_warehouse.simulate import simulate

    home = folder / f"seed{seed}"
    settings = Settings(home, home / "sample" / "sources.yml", END, "Asia/Shanghai", 7)
    if not settings.sample.is_dir():
        simulate(settings.sample, seed=seed, companies=companies, days=180, end=END)
    before = dict(os.environ)
    try:
        os.environ.update(settings.environment())
        for stream in ("crm", "website", "wechat"):
            steps.ingest(stream, END.isoformat())
        steps.build_staging(END.isoformat())
        steps.resolve_identities(END.isoformat())
        steps.build_marts(END.isoformat())
    finally:
        os.environ.clear()
        os.environ.update(before)
    return World(seed, settings)
