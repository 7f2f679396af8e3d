"""What is kept of a world, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from accuracy.worlds import STAMP, _clear, _made_of


def world_at(home: Path, made_of: str) -> None:
    (home / "sample").mkdir(parents=True)
    (home / "warehouse").mkdir()
    (home / "runs.json").write_text("{}", encoding="utf-8")
    if made_of:
        (home / STAMP).write_text(made_of, encoding="utf-8")


def test_files_of_the_same_world_stay_and_its_night_goes(tmp_path: Path) -> None:
    world_at(tmp_path, _made_of(101, 20))
    _clear(tmp_path, _made_of(101, 20))
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [STAMP, "sample"]


@pytest.mark.parametrize("made_of", [_made_of(102, 20), _made_of(101, 30), "", "half"])
def test_another_world_and_one_that_was_not_written_to_its_end_go(tmp_path: Path, made_of: str) -> None:
    world_at(tmp_path, made_of)
    _clear(tmp_path, _made_of(101, 20))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_world_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("", encoding="utf-8")
    with pytest.raises(FileExistsError, match="holds no sample world"):
        _clear(tmp_path, _made_of(101, 20))
    assert (tmp_path / "thesis.tex").exists()
    _clear(tmp_path / "new", _made_of(101, 20))
