"""`persona interviews template`: what is written can be filled in and read again as it stands."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from typer.testing import CliRunner

from persona_warehouse.cli import app
from persona_warehouse.errors import ConfigError
from persona_warehouse.interviews.template import COLUMNS, FILLED, sheets, write_template
from persona_warehouse.landing.contract import objects
from persona_warehouse.landing.extract import Window
from persona_warehouse.settings import Settings
from persona_warehouse.sources import files

NIGHT = Window(datetime(2026, 11, 19, 16, tzinfo=UTC), datetime(2026, 11, 20, 16, tzinfo=UTC))
INTERVIEW = ["I1", "C1", "", "sales", "王", "2026-10-22 14:30", "yes"]
ANSWER = ["I1", "q16", "profit", "看利润", "yes", "0.7"]


def read(tmp_path: Path, entry: dict[str, Any]) -> list[dict[str, Any]]:
    settings = Settings(tmp_path / "home", tmp_path / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)
    extracts = files.extract(entry, "crm", settings, NIGHT)
    found = [row for one in extracts for batch in one.batches() for row in batch.to_pylist()]
    assert all(row["row_errors"] is None for row in found)
    return [{k: v for k, v in row.items() if v is not None and k in COLUMNS} for row in found]


EXPECTED = [
    {
        "interview_id": "I1",
        "company_id": "C1",
        "respondent_role": "sales",
        "interviewer": "王",
        "interviewed_at": datetime(2026, 10, 22, 6, 30, tzinfo=UTC),
        "has_consent": True,
    },
    {
        "interview_id": "I1",
        "question_code": "q16",
        "answer_code": "profit",
        "answer_text": "看利润",
        "is_inferred": True,
        "confidence": Decimal("0.7"),
    },
]


def test_a_filled_folder_is_read_without_a_mapping(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["interviews", "template", str(tmp_path / "talks")])
    assert result.exit_code == 0, result.output
    names = ["interviews", "interview_answers", "instructions", "questions", "codes", "roles"]
    assert [Path(line).name for line in result.output.split()] == [f"{name}.csv" for name in names]
    for name, row in zip(FILLED, (INTERVIEW, ANSWER), strict=True):
        with (tmp_path / "talks" / f"{name}.csv").open("a", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerow(row)
    objects_read = {name: {"file": f"{name}.csv"} for name in FILLED}
    assert read(tmp_path, {"connector": "files", "path": "talks", "objects": objects_read}) == EXPECTED


def test_a_filled_workbook_is_read_by_its_sheets(tmp_path: Path) -> None:
    write_template(tmp_path / "talks.xlsx")
    book = openpyxl.load_workbook(tmp_path / "talks.xlsx")
    assert book.sheetnames == list(sheets())
    for name, row in zip(FILLED, (INTERVIEW, ANSWER), strict=True):
        book[name].append(row)
    book.save(tmp_path / "talks.xlsx")
    objects_read = {name: {"file": "talks.xlsx", "sheet": name} for name in FILLED}
    assert read(tmp_path, {"connector": "files", "objects": objects_read}) == EXPECTED


def test_the_template_says_everything_in_both_languages() -> None:
    told = sheets()
    assert {c for name in FILLED for c in objects("crm")[name].columns} == set(COLUMNS)
    assert all(len(row) == 3 and row[1] and row[2] for row in told["instructions"])
    header, *questions = told["questions"]
    rows = [dict(zip(header, row, strict=True)) for row in questions]
    assert [row["question_code"] for row in rows if row["bank"] == "core"] == [f"q{n:02}" for n in range(1, 18)]
    assert {row["question_code"] for row in rows if row["bank"] == "core" and row["is_taboo"] == "true"} == {
        "q12",
        "q16",
    }
    assert all(row["is_taboo"] == "true" for row in rows if row["is_sensitive"] == "true")
    coded = {row["question_code"] for row in rows if row["answer_kind"] == "coded"}
    answers: dict[str, set[str]] = {}
    for question, answer, *names in told["codes"][1:]:
        assert all(names)
        answers.setdefault(question, set()).add(answer)
    # a coded question leaves a choice, and a way out
    assert all(len(answers[question]) > 2 and "other" in answers[question] for question in coded)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    write_template(tmp_path / "talks")
    (tmp_path / "talks" / "interviews.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="something already"):
        write_template(tmp_path / "talks")
    assert (tmp_path / "talks" / "interviews.csv").read_text(encoding="utf-8") == "mine"
    with pytest.raises(ConfigError, match="folder of CSV files or a workbook"):
        write_template(tmp_path / "talks.docx")
