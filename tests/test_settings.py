"""Arguments before environment before defaults, and values that cannot be read."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path

import pytest

from persona_warehouse import settings as module
from persona_warehouse.errors import ConfigError, ExitCode
from persona_warehouse.settings import load_settings, memory_limit


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("PERSONA_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def stop_the_clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    class Stopped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return now.astimezone(tz)

    monkeypatch.setattr(module, "datetime", Stopped)


def test_defaults(tmp_path: Path) -> None:
    found = load_settings()
    assert found.home == tmp_path / "var"
    assert found.sources_file == tmp_path / "var" / "sample" / "sources.yml"
    assert (found.timezone, found.keep_releases) == ("Asia/Shanghai", 7)
    assert found.releases.parent == found.current.parent == found.landing.parent == found.home
    assert found.zone.key == "Asia/Shanghai"
    assert found.dags.is_dir()
    assert (found.dbt_project / "dbt_project.yml").exists()


def test_the_environment_comes_before_the_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = {
        "PERSONA_HOME": "elsewhere",
        "PERSONA_SOURCES": "~/my.yml",
        "PERSONA_DATE": "2026-11-20",
        "PERSONA_TIMEZONE": "UTC",
        "PERSONA_KEEP_RELEASES": "3",
        "HOME": "/people/someone",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    found = load_settings()
    assert found.home == tmp_path / "elsewhere"
    assert found.sources_file == Path("/people/someone/my.yml")
    assert found.business_date == date(2026, 11, 20)
    assert (found.timezone, found.keep_releases) == ("UTC", 3)


def test_arguments_come_before_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {"PERSONA_HOME": "a", "PERSONA_SOURCES": "b", "PERSONA_DATE": "2026-01-01"}.items():
        monkeypatch.setenv(name, value)
    found = load_settings(tmp_path / "h", "s.yml", date(2026, 2, 2))
    assert (found.home, found.sources_file) == (tmp_path / "h", tmp_path / "s.yml")
    assert found.business_date == date(2026, 2, 2) == load_settings(business_date="2026-02-02").business_date


def test_a_sources_file_in_the_working_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "sources.yml").touch()
    assert load_settings().sources_file == tmp_path / "sources.yml"


def test_empty_variables_count_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    unset = load_settings()
    for name in ("HOME", "SOURCES", "DATE", "TIMEZONE", "KEEP_RELEASES"):
        monkeypatch.setenv(f"PERSONA_{name}", "")
    assert load_settings() == unset


@pytest.mark.parametrize(
    ("now", "zone", "night"),
    [
        (datetime(2026, 11, 20, 15, 59, tzinfo=UTC), "Asia/Shanghai", date(2026, 11, 19)),
        (datetime(2026, 11, 20, 16, 1, tzinfo=UTC), "Asia/Shanghai", date(2026, 11, 20)),
        (datetime(2026, 11, 20, 16, 1, tzinfo=UTC), "UTC", date(2026, 11, 19)),
        (datetime(2027, 1, 1, 4, 0, tzinfo=UTC), "America/New_York", date(2026, 12, 30)),
    ],
)
def test_a_night_is_of_yesterday_in_the_business_zone(
    monkeypatch: pytest.MonkeyPatch, now: datetime, zone: str, night: date
) -> None:
    monkeypatch.setenv("PERSONA_TIMEZONE", zone)
    stop_the_clock(monkeypatch, now)
    assert load_settings().business_date == night


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("PERSONA_DATE", value) for value in ("yesterday", "20-11-2026", "2026-13-01", "2026-02-30")),
        *(("PERSONA_TIMEZONE", value) for value in ("Asia/Nowhere", "../etc/passwd", "Asia", "+08:00")),
        *(("PERSONA_KEEP_RELEASES", value) for value in ("0", "-1", "many", "1.5", "²")),
        *(("PERSONA_MEMORY_LIMIT", value) for value in ("4", "0GB", "-1GB", "80%", "4 GB", "1TB; drop", "lots")),
    ],
)
def test_values_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert caught.value.exit_code == ExitCode.WRONG_USE
    assert value in str(caught.value.found)
    assert name in str(caught.value)  # the remedy says what to correct


def test_a_child_process_sees_the_same_settings_but_for_the_date() -> None:
    mine = load_settings("h", "s.yml", "2026-11-20")
    assert "PERSONA_DATE" not in mine.environment()  # every run is told its own
    code = "from persona_warehouse.settings import load_settings; print(load_settings().environment())"
    said = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **mine.environment()},
        cwd=module.PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said.strip() == str(mine.environment())


def test_settings_are_values() -> None:
    one = load_settings("h", "s.yml", "2026-11-20")
    assert one.zone is one.zone
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301 - made here
    other = one.with_date(date(2026, 11, 21))
    assert (other.business_date, other.home) == (date(2026, 11, 21), one.home)
    assert one.business_date == date(2026, 11, 20)


@pytest.mark.parametrize("variable", ["PERSONA_PUBLISH_RESTRICTED", "PERSONA_ERASE_UNFOLLOWED"])
def test_a_switch_is_one_or_nought(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str) -> None:
    name = {"PERSONA_PUBLISH_RESTRICTED": "publish_restricted", "PERSONA_ERASE_UNFOLLOWED": "erase_unfollowed"}[
        variable
    ]
    assert getattr(load_settings(tmp_path), name) is False
    monkeypatch.setenv(variable, "1")
    assert getattr(load_settings(tmp_path), name) is True
    assert load_settings(tmp_path).environment()[variable] == "1"
    monkeypatch.setenv(variable, "yes")
    with pytest.raises(ConfigError, match=variable):
        load_settings(tmp_path)


def test_the_engine_takes_six_tenths_of_the_memory_that_there_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PERSONA_MEMORY_LIMIT", raising=False)
    monkeypatch.setattr(module, "CGROUP", tmp_path / "memory.max")
    of_the_machine = memory_limit()
    megabytes = int(of_the_machine.removesuffix("MB"))
    assert 0 < megabytes * 1_000_000 <= 0.6 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    (tmp_path / "memory.max").write_text("max\n")
    assert memory_limit() == of_the_machine
    (tmp_path / "memory.max").write_text("500000000\n")
    assert memory_limit() == "300MB"
    monkeypatch.setenv("PERSONA_MEMORY_LIMIT", "7.5GB")
    assert memory_limit() == load_settings().environment()["PERSONA_MEMORY_LIMIT"] == "7.5GB"
