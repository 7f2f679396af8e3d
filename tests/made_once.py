"""What takes long to make and is the same for all tests is made once a run, by whichever worker asks first."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from filelock import FileLock

from persona_warehouse import transform
from persona_warehouse.identity import resolve
from persona_warehouse.settings import Settings, load_settings

FOLDER = "MADE_ONCE"  # the environment variable that names the run's folder; workers inherit it
AS_OF = date(2026, 11, 20)


@contextmanager
def environment_kept() -> Iterator[None]:
    """Running dbt sets environment variables for this process; the tests after these ones must not see them."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def give_parsed_project(home: Path) -> None:
    """Puts dbt's parsed project into a home that has none, as a former night would have."""
    parsed = _made("parsed", transform._parsed).home / "dbt_target"
    shutil.copytree(parsed, home / "dbt_target", ignore=shutil.ignore_patterns("compiled", "run"))


def give_empty_world(home: Path) -> Settings:
    """A home into which nothing was ever loaded: every relation is there, with its columns and no rows."""

    def build(settings: Settings) -> None:
        give_parsed_project(settings.home)
        transform.build(settings, "staging")
        resolve.resolve(settings)
        transform.build(settings, "marts")

    shutil.copytree(_made("empty_world", build).home, home, dirs_exist_ok=True)
    return load_settings(home, home / "sources.yml", AS_OF)


def _made(name: str, make: Callable[[Settings], object]) -> Settings:
    folder = Path(os.environ[FOLDER])
    home = folder / name
    settings = load_settings(home, home / "sources.yml", AS_OF)
    with FileLock(folder / f"{name}.lock"):
        if not (folder / f"{name}.made").exists():
            home.mkdir()
            with environment_kept():
                make(settings)
            (folder / f"{name}.made").touch()
    return settings
