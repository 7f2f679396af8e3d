"""Sample worlds, and their nights up to what is measured."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from hashlib import sha256
from pathlib import Path
from shutil import rmtree

import duckdb

from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import connect, literal

END = date(2026, 10, 31)
DAYS = 180
STAMP = "made_of.txt"


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


def build(folder: Path, seed: int, companies: int, tell: Callable[[str], None] = lambda _: None) -> World:
    """Writes a world and runs its night up to the marts. Files of a world are used again, a night never is.

    Args:
        folder: where worlds are kept.
        tell: hears of every step that is done.
    """
    from persona_warehouse.night import steps
    from persona_warehouse.simulate import simulate

    home = folder / f"seed{seed}"
    settings = Settings(home, home / "sample" / "sources.yml", END, "Asia/Shanghai", 7)
    _clear(home, _made_of(seed, companies))
    night: list[tuple[str, Callable[[str], object]]] = [
        *((f"ingest {stream}", partial(steps.ingest, stream)) for stream in ("crm", "website", "wechat")),
        ("build staging", steps.build_staging),
        ("resolve identities", steps.resolve_identities),
        ("build marts", steps.build_marts),
    ]
    before = dict(os.environ)
    try:
        os.environ.update(settings.environment())
        if not settings.sample.is_dir():
            simulate(settings.sample, seed=seed, companies=companies, days=DAYS, end=END)
            (home / STAMP).write_text(_made_of(seed, companies), encoding="utf-8")
            tell("world written")
        for name, step in night:
            step(END.isoformat())
            tell(name)
    finally:
        os.environ.clear()
        os.environ.update(before)
    return World(seed, settings)


def standing(folder: Path, seed: int) -> World:
    """A world whose night was run before."""
    home = folder / f"seed{seed}"
    return World(seed, Settings(home, home / "sample" / "sources.yml", END, "Asia/Shanghai", 7))


def _made_of(seed: int, companies: int) -> str:
    """What the files of a world follow from: parameters and the simulator's code."""
    code = sha256()
    for module in sorted((Path(__file__).resolve().parents[1] / "persona_warehouse" / "simulate").glob("*.py")):
        code.update(module.read_bytes())
    return f"seed {seed}, {companies} companies, {DAYS} days to {END}, simulator {code.hexdigest()}\n"


def _clear(home: Path, made_of: str) -> None:
    """Removes a former night, and files of a world that is another one or was not written to its end.

    Raises:
        FileExistsError: what stands there is no world of `make accuracy`.
    """
    if not home.exists():
        return
    stamp = home / STAMP
    if any(home.iterdir()) and not (home / "sample").is_dir():
        raise FileExistsError(f"{home} holds no sample world; give another --folder")
    keeps = stamp.is_file() and stamp.read_text(encoding="utf-8") == made_of
    for entry in home.iterdir():
        if keeps and entry.name in ("sample", STAMP):
            continue
        if entry.is_dir() and not entry.is_symlink():
            rmtree(entry)
        else:
            entry.unlink()
