"""Files that mean harm: bombs, ways out of the folder, formulas and markup in values."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from persona_warehouse.errors import ConfigError, SourceFault
from persona_warehouse.settings import Settings, load_settings
from persona_warehouse.sources.config import read_sources
from persona_warehouse.sources.load import extracts, window_of
from persona_warehouse.sources.reading.bombs import refuse_bomb
from persona_warehouse.sources.reading.place import Place
from tests.sources.workbooks import write_workbook


def place(path: Path) -> Place:
    return Place("crm", "companies", path)


def packed(path: Path, **parts: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in parts.items():
            book.writestr(name.replace("__", "."), content)
    return path


def test_a_zip_bomb_is_refused_unopened(tmp_path: Path) -> None:
    bomb = packed(tmp_path / "bomb.xlsx", sheet__xml=b"<c/>" * (20 * 1024**2))
    assert bomb.stat().st_size < 1024**2
    with pytest.raises(SourceFault) as error:
        refuse_bomb(place(bomb))
    assert error.value.file == str(bomb)
    assert error.value.found is not None
    assert error.value.found.startswith("80 MB in 0.")
    assert "do not open it" in str(error.value)


def test_an_entity_bomb_is_refused(tmp_path: Path) -> None:
    laughs = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><l>&b;</l>'
    with pytest.raises(SourceFault, match="declares entities") as error:
        refuse_bomb(place(packed(tmp_path / "laughs.xlsx", shared__xml=laughs)))
    assert error.value.found == "one in shared.xml"


def test_a_workbook_and_what_is_none_are_left_to_the_reader(tmp_path: Path) -> None:
    refuse_bomb(place(write_workbook(tmp_path / "good.xlsx", {"a": [["id"], ["1"] * 50]})))
    (tmp_path / "text.xlsx").write_text("no zip")
    refuse_bomb(place(tmp_path / "text.xlsx"))


def sources(tmp_path: Path, file: str) -> Settings:
    (tmp_path / "in").mkdir(exist_ok=True)
    (tmp_path / "in" / "own.csv").write_text("company_id,name\n1,Firm\n")
    (tmp_path / "outside.csv").write_text("company_id,name\n1,Secret\n")
    yml = tmp_path / "sources.yml"
    yml.write_text(
        f"sources:\n  crm:\n    - connector: files\n      path: in\n      objects:\n        companies:\n"
        f"          file: '{file}'\n          columns: {{company_id: company_id, name: name}}\n"
    )
    return load_settings(tmp_path / "home", yml, "2026-11-20")


def names(settings: Settings) -> list[str]:
    (entry,) = read_sources(settings.sources_file).streams["crm"]
    found = extracts(entry, "crm", settings, window_of(settings))
    return [name for one in found for batch in one.batches() for name in batch.column("name").to_pylist()]


@pytest.mark.parametrize("file", ["../outside.csv", "*/../../outside.csv", "{tmp}/outside.csv", "link.csv", "l*.csv"])
def test_nothing_outside_of_the_folder_is_read(tmp_path: Path, file: str) -> None:
    settings = sources(tmp_path, file.replace("{tmp}", str(tmp_path)))
    (tmp_path / "in" / "link.csv").symlink_to(tmp_path / "outside.csv")
    with pytest.raises(ConfigError, match="outside of its source's folder"):
        names(settings)


def test_a_link_within_the_folder_is_followed(tmp_path: Path) -> None:
    settings = sources(tmp_path, "newest.csv")
    (tmp_path / "in" / "newest.csv").symlink_to("own.csv")
    assert names(settings) == ["Firm"]
