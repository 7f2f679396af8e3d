"""Commands given wrongly, or where nothing is published yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import persona


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nightly", "--sources", "nowhere.yml"), "there is no sources file"),
        (("nightly", "--date", "31.10.2026"), "the date of the night cannot be read"),
        (("nightly", "--frm"), "No such option"),
        (("nightli",), "No such command"),
        (("simulate", "--out", "x", "--fault", "flood"), "flood"),
    ],
)
def test_wrong_use_is_exit_code_two(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    answer = persona(*arguments, home=tmp_path / "home")
    assert answer.code == 2, answer.err
    assert said in answer.err


def test_a_home_without_a_release_says_so(tmp_path: Path) -> None:
    for command in (("report",), ("quality",), ("releases", "show"), ("releases", "rollback")):
        answer = persona(*command, home=tmp_path / "empty")
        assert answer.code == 2
        assert "persona nightly" in answer.err
