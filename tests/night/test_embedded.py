"""The night in this process: what is said of a disk that is full."""

from __future__ import annotations

import errno
import os
from datetime import date
from pathlib import Path

import pytest

from persona_warehouse.errors import ExitCode, PersonaError
from persona_warehouse.night import embedded
from persona_warehouse.settings import Settings


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        RuntimeError("(sqlite3.OperationalError) database or disk is full\n(Background on this error)"),
    ],
)
def test_a_full_disk_is_told_with_what_to_do(tmp_path: Path, error: Exception) -> None:
    settings = Settings(tmp_path, tmp_path / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)
    with pytest.raises(PersonaError, match="the disk is full") as raised, embedded._full_disk_told(settings):
        raise error
    assert raised.value.exit_code == ExitCode.FAULT
    assert "persona releases prune" in str(raised.value.remedy)
    assert "\n" not in str(raised.value.found)


def test_other_errors_are_left_as_they_are(tmp_path: Path) -> None:
    settings = Settings(tmp_path, tmp_path / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)
    with pytest.raises(ValueError, match="another"), embedded._full_disk_told(settings):
        raise ValueError("another")
