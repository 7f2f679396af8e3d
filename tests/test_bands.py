"""Bands in seeds that overlap are refused, by their lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from persona_warehouse import transform
from persona_warehouse.errors import ConfigError
from persona_warehouse.settings import PROJECT_ROOT, load_settings
from persona_warehouse.transform.bands import check_bands


def _write(folder: Path, *rows: str) -> Path:
    (folder / "accounts").mkdir()
    text = "\n".join(["band,lower_bound,upper_bound,note", *rows]) + "\n"
    (folder / "accounts" / "sizes.csv").write_text(text, encoding="utf-8")
    return folder


def test_our_own_bands_do_not_overlap() -> None:
    check_bands(PROJECT_ROOT / "dbt_project" / "seeds")


def test_bands_may_touch_leave_gaps_stand_in_any_order_and_have_no_ends(tmp_path: Path) -> None:
    check_bands(_write(tmp_path, "c,100,,", "a,,10,", "b,10,50,", "no band,,,"))


@pytest.mark.parametrize(
    ("rows", "row", "lines"),
    [
        pytest.param(("a,0,10,", "b,9,20,"), 3, "lines 2 (a) and 3 (b)", id="by a part"),
        pytest.param(("b,20,30,", "c,40,50,", "a,0,21,"), 4, "lines 4 (a) and 2 (b)", id="out of order"),
        pytest.param(("a,0,,", "b,10,20,"), 3, "lines 2 (a) and 3 (b)", id="without an end"),
        pytest.param(("a,0,10,", "b,0,10,"), 3, "lines 2 (a) and 3 (b)", id="the same twice"),
    ],
)
def test_bands_that_overlap_are_named_by_their_lines(
    tmp_path: Path, rows: tuple[str, ...], row: int, lines: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        check_bands(_write(tmp_path, *rows))
    told = str(caught.value)
    assert "sizes.csv" in told
    assert lines in told
    assert caught.value.exit_code == 2
    assert f"{row}" in told


@pytest.mark.parametrize("row", ["a,10,5,", "a,10,10,", "a,many,20,"])
def test_a_band_that_ends_before_it_begins_or_is_no_number_is_named(tmp_path: Path, row: str) -> None:
    with pytest.raises(ConfigError, match=r"sizes\.csv") as caught:
        check_bands(_write(tmp_path, "b,0,1,", row))
    assert "3" in str(caught.value)


def test_a_night_with_such_a_seed_stops_before_anything_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings(tmp_path / "home")
    (tmp_path / "project" / "seeds").mkdir(parents=True)
    _write(tmp_path / "project" / "seeds", "a,0,10,", "b,9,20,")
    monkeypatch.setattr(type(settings), "dbt_project", property(lambda _: tmp_path / "project"))
    with pytest.raises(ConfigError, match="bands of a seed overlap"):
        transform.build(settings, "staging")
    assert not settings.warehouse_file.exists()
