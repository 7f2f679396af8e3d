"""The project is parsed when its files change, not when the date does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from persona_warehouse import transform
from persona_warehouse.settings import Settings
from tests.made_once import environment_kept

LATER = date(2026, 12, 24)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that dbt is given."""
    run, given = transform._run_dbt, []

    def noted(settings: Settings, arguments: list[str], manifest: Any) -> list[Any]:
        given.append(arguments[0])
        return [] if arguments[0] == "parse" else run(settings, arguments, manifest)

    monkeypatch.setattr(transform, "_run_dbt", noted)
    return given


def test_another_date_is_compiled_from_the_project_as_it_was_parsed(world_home: Settings, commands: list[str]) -> None:
    with environment_kept():
        transform._invoke(replace(world_home, business_date=LATER), ["compile", "--select", "sourcing_episodes"])
    assert commands == ["compile"]
    folder = world_home.home / "dbt_target/compiled/persona_warehouse/models/marts/journeys"
    assert f"'{LATER}'" in (folder / "sourcing_episodes.sql").read_text(encoding="utf-8")


def test_a_project_that_was_not_parsed_to_the_end_is_parsed(world_home: Settings, commands: list[str]) -> None:
    (world_home.home / "dbt_target" / transform.PARSED).unlink()
    transform._parsed(world_home)
    assert commands == ["parse"]


def test_a_project_whose_files_changed_is_parsed(
    world_home: Settings, commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    transform._parsed(world_home)
    assert commands == []
    monkeypatch.setattr(transform, "_digest", lambda *_: "of other files")
    transform._parsed(world_home)
    assert commands == ["parse"]
