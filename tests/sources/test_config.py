"""The sources file: what is taken, and what each mistake in it gets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from persona_warehouse.errors import ConfigError, ExitCode
from persona_warehouse.sources.config import map_of, read_sources, require_known, text_of


def sources(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "sources.yml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refused(path: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read_sources(path)
    error = caught.value
    assert error.file == str(path)
    assert error.expected and error.found and error.remedy
    assert error.exit_code == ExitCode.WRONG_USE
    return error


def test_streams_come_with_their_entries_in_order(tmp_path: Path) -> None:
    path = sources(
        tmp_path,
        """
        sources:
          website:
            - {connector: events, path: a.jsonl}
            - {connector: access_log, path: b.log}
          crm: []
        """,
    )
    found = read_sources(path)
    assert (found.path, found.base) == (path, tmp_path)
    assert [entry["connector"] for entry in found.streams["website"]] == ["events", "access_log"]
    assert (found.streams["crm"], found.streams["wechat"]) == ([], [])


def test_a_stream_with_everything_commented_out_has_no_source(tmp_path: Path) -> None:
    assert read_sources(sources(tmp_path, "sources:\n  crm:\n  # - connector: files\n")).streams["crm"] == []


def test_norway_stays_norway(tmp_path: Path) -> None:
    text = (
        "sources: {crm: [{connector: files, objects: {companies: {values: {country: {NO: Norway, on: On}}, x: true}}}]}"
    )
    [entry] = read_sources(sources(tmp_path, text)).streams["crm"]
    assert entry["objects"]["companies"] == {"values": {"country": {"NO": "Norway", "on": "On"}}, "x": True}


@pytest.mark.parametrize(
    ("text", "problem", "found"),
    [
        ("", "has no `sources:`", "nothing"),
        ("- crm", "has no `sources:`", "a list with an entry that is a text"),
        ("source:\n  crm: []\n", "has no `sources:`", "source"),
        ("sources:\n", "has no `sources:`", "sources"),
        ("sources:\n  cmr: []\n", "names a stream that does not exist", "cmr (nearest: crm)"),
        ("sources:\n  crm: {connector: files}\n", "must list its connectors", "a map"),
        ("sources:\n  crm: [files]\n", "must list its connectors", "a list with an entry that is a text"),
        ("sources:\n  crm: files\n", "must list its connectors", "a text"),
        ("sources:\n  crm: [{connector: fles}]\n", "names a connector that does not exist", "fles (nearest: files)"),
        ("sources:\n  crm: [{connector: access_log}]\n", "names a connector that does not exist",
         "access_log, which belongs under website"),
        ("sources:\n  crm: [{path: x}]\n", "names a connector that does not exist", "no name"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(tmp_path: Path, text: str, problem: str, found: str) -> None:
    error = refused(sources(tmp_path, text))
    assert problem in error.problem
    assert error.found == found


@pytest.mark.parametrize(
    ("text", "row", "found"),
    [
        ("sources:\n  crm:\n\t- connector: files\n", 3, "a tab"),
        ("sources:\n  crm: [\n", 3, "expected"),
        ("sources:\n  crm: []\n  website: []\n  crm: []\n", 4, "crm stands twice"),
        (
            "sources:\n  crm: [{connector: files, objects: {deals: {file: a}, deals: {file: b}}}]\n",
            2,
            "deals stands twice",
        ),
        ("sources: {crm: []}\n".encode("utf-16"), None, "byte 0xff"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_line(tmp_path: Path, text: str | bytes, row: int | None, found: str) -> None:
    error = refused(sources(tmp_path, text))
    assert error.row == row
    assert found in (error.found or "")


def test_a_missing_sources_file_is_told(tmp_path: Path) -> None:
    assert refused(tmp_path / "sources.yml").problem == "there is no sources file"


def test_an_unknown_setting_is_told_with_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        require_known({"file": "a", "colums": {}}, {"file", "columns"}, stream="crm", object="deals")
    error = caught.value
    assert (error.source, error.object, error.field) == ("crm", "deals", "colums")
    assert (error.expected, error.found) == ("columns, file", "colums (nearest: columns)")


@pytest.mark.parametrize("value", [None, [], ["a"], {"a": 1}])
def test_a_text_must_be_one_text(value: Any) -> None:
    with pytest.raises(ConfigError, match="`path:`"):
        text_of({"path": value}, "path", "web/*.jsonl", stream="website")
    assert text_of({"path": 5}, "path", "web/*.jsonl", stream="website") == "5"
    assert text_of({}, "path", "web/*.jsonl", stream="website", default=".") == "."


@pytest.mark.parametrize("value", [["a"], "a", 5])
def test_a_map_must_be_a_map(value: Any) -> None:
    with pytest.raises(ConfigError, match="`columns:` must be a map"):
        map_of({"columns": value}, "columns", stream="crm", object="deals")
    assert map_of({"columns": {1: "a"}}, "columns", stream="crm") == {"1": "a"}
    assert map_of({"columns": None}, "columns", stream="crm") == {}
