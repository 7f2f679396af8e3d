"""What the command line makes of its options."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from persona_warehouse import cli
from persona_warehouse.settings import Settings


@pytest.mark.parametrize(("options", "force"), [([], False), (["--force"], True)])
def test_force_is_of_the_night_that_it_is_given_to(
    options: list[str], force: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights: list[Settings] = []
    monkeypatch.setattr(cli, "_run_night", lambda settings: nights.append(settings) or 0)
    # the command sets the variables for the processes that it starts
    for name in ("PERSONA_HOME", "PERSONA_SOURCES", "PERSONA_TIMEZONE", "PERSONA_KEEP_RELEASES"):
        monkeypatch.setenv(name, "")
    sources = tmp_path / "sources.yml"
    sources.write_text("sources: {}\n")
    given = ["--home", str(tmp_path), "--sources", str(sources), "--date", "2026-11-20"]
    done = CliRunner().invoke(cli.app, ["nightly", *given, *options])
    assert done.exit_code == 0, done.output
    assert [(night.home, night.force) for night in nights] == [(tmp_path, force)]
