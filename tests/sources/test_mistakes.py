"""What users get wrong in a sources file or in an export, and whether they are told what to do."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from persona_warehouse.errors import ConfigError, PersonaError, SourceFault
from persona_warehouse.night.doctor import examine
from persona_warehouse.settings import Settings
from persona_warehouse.sources.load import load_stream
from tests.sources.workbooks import Cell, write_workbook

GOOD = "company_id,name\nc1,海河\n"
OLE = bytes.fromhex("d0cf11e0a1b11ae1")
LOCKED = OLE + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 600
SECRET = "pat-na1-0f1e2d3c"


def book(*rows: list[Cell]) -> bytes:
    """A workbook with one sheet."""
    with tempfile.TemporaryDirectory() as folder:
        return write_workbook(Path(folder) / "book.xlsx", {"Sheet1": rows}).read_bytes()


Run = Callable[..., tuple[PersonaError, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """What a load says of a sources file, and what the doctor says."""
    for name in [name for name in os.environ if name.startswith("AIRFLOW_CONN_")]:
        monkeypatch.delenv(name)
    settings = Settings(tmp_path / "home", tmp_path / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)

    def of(sources: str | bytes | dict[str, Any], files: dict[str, str | bytes]) -> tuple[PersonaError, str]:
        for name, content in {"x/companies.csv": GOOD, **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        said = yaml.safe_dump({"sources": sources}, allow_unicode=True) if isinstance(sources, dict) else sources
        settings.sources_file.write_bytes(said.encode() if isinstance(said, str) else said)
        with pytest.raises(PersonaError) as caught:
            load_stream(settings, "crm")
        wrong = [one for one in examine(settings) if one.level == "wrong"]
        assert wrong, "the doctor sees nothing wrong"
        return caught.value, "\n".join(f"{one.subject}: {one.found}; {one.remedy}" for one in wrong)

    return of


def companies(**said: Any) -> dict[str, Any]:
    objects = {"companies": {"file": "companies.csv", **said}}
    return {"crm": [{"connector": "files", "path": "x", "objects": objects}]}


@pytest.mark.parametrize(
    ("sources", "files", "kind", "problem", "found", "remedy"),
    [
        (companies(file="sub"), {"x/sub/a.csv": GOOD}, ConfigError, "a folder is named", "a folder with a.csv",
         "such as sub/*.csv"),
        (companies(file="comp-*.csv"), {}, ConfigError, "is missing", "similar: companies.csv", "correct `path:`"),
        (companies(columns={"name": "公司名称"}), {}, ConfigError, "mapped column is not in the file",
         "company_id, name", "correct `columns:`"),
        (companies(delimiter=";"), {}, ConfigError, "required column", "company_id,name", 'set `delimiter: ","`'),
        (companies(), {"x/companies.csv": "客户清单\n\n" + GOOD}, ConfigError, "required column", "客户清单",
         "a title stands above"),
        (companies(file="c.xlsx"), {"x/c.xlsx": book(["客户清单", None], ["company_id", "name"], ["c1", "海河"])},
         ConfigError, "required column", "客户清单, column_2", "a title stands above"),
        (companies(file="c.xlsx"), {"x/c.xlsx": LOCKED}, SourceFault, "protected with a password", "encrypted",
         "without a password"),
        (companies(file="c.xlsx"), {"x/c.xlsx": OLE + b"\0" * 600}, SourceFault, "not what its name says",
         "an old workbook", "rename it to .xls"),
        (companies(file="c.xlsx"), {"x/c.xlsx": GOOD}, SourceFault, "not what its name says", "text",
         "rename it to .csv"),
        (companies(), {"x/companies.csv": book(["company_id", "name"])}, SourceFault, "not what its name says",
         "a workbook (.xlsx)", "by what it is"),
        (companies(), {"x/companies.csv": GOOD.encode("gb18030")}, ConfigError, "another encoding", "bytes",
         "`encoding: gb18030`"),
        (companies(), {"x/companies.csv": ""}, SourceFault, "is empty", "0 bytes", "export it again"),
        ({"crm": [{"connector": "files", "objects": {"company": {"file": "x"}}}]}, {}, ConfigError,
         "no such landing object", "(nearest: companies)", "correct the object"),
        ("sources:\n\tcrm: []\n", {}, ConfigError, "is no YAML", "a tab", "indent with spaces"),
        ("sources:\n  crm\n    - connector: files\n", {}, ConfigError, "is no YAML", "not allowed here",
         "the one above it"),
        ("sources: {crm: [导出]}".encode("gb18030"), {}, ConfigError, "is no YAML", "byte 0xb5", "as UTF-8"),
        ("", {}, ConfigError, "has no `sources:`", "nothing", "Your own data"),
        ({"crm": [{"connector": "segment"}]}, {}, ConfigError, "connector that does not exist",
         "segment, which belongs under website", "correct the sources file"),
        ({"crm": [{"connector": "hubspot", "connection": "hubspot_main"}]}, {}, ConfigError,
         "there is no connection hubspot_main", "it is not set", "export AIRFLOW_CONN_HUBSPOT_MAIN="),
        ({"crm": [{"connector": "sql", "mapping": "espocrm"}]}, {}, ConfigError, "`connection:` is missing", "nothing",
         "correct the sources file"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_what_to_do(
    run: Run, sources: Any, files: dict[str, Any], kind: type[PersonaError], problem: str, found: str, remedy: str
) -> None:
    error, doctor = run(sources, files)
    assert type(error) is kind
    assert problem in error.problem
    assert found in str(error.found)
    assert remedy in str(error.remedy)
    # the doctor knows before the night
    assert problem in doctor and remedy in doctor


def test_a_secret_in_the_place_of_a_name_is_not_told(run: Run) -> None:
    for entry in ({"connector": "hubspot"}, {"connector": "sql", "mapping": "espocrm"}):
        error, doctor = run({"crm": [{**entry, "connection": SECRET}]}, {})
        assert "no name of a connection" in error.problem
        assert SECRET not in str(error) and SECRET not in doctor


def test_a_connection_of_another_kind_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CRM_DB", '{"conn_type": "http", "host": "db"}')
    error, doctor = run({"crm": [{"connector": "sql", "connection": "crm_db", "mapping": "espocrm"}]}, {})
    assert (error.found, error.expected) == ("http", "postgresql or mysql")
    assert "conn_type" in str(error.remedy) and "conn_type" in doctor


def test_the_doctor_tells_what_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "companies.csv").write_text(GOOD, encoding="utf-8")
    (tmp_path / "sources.yml").write_text(yaml.safe_dump({"sources": companies()}), encoding="utf-8")
    settings = Settings(tmp_path / "home", tmp_path / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)
    said = {one.subject: (one.level, one.found) for one in examine(settings)}
    assert said["crm/files"] == ("ok", "1 files can be read")
    # looking leaves nothing behind
    assert not settings.home.exists()
