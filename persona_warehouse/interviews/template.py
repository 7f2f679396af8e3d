"""The template of interviews: two empty tables in the landing shape, and beside them what may be written into them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font

from persona_warehouse.errors import ConfigError
from persona_warehouse.files import write_atomically
from persona_warehouse.landing.contract import objects
from persona_warehouse.recognise.vocabulary import rows_of

Rows = list[Sequence[str]]

FILLED = ("interviews", "interview_answers")
WORKBOOK = ".xlsx"
WIDTH = 24
# what belongs into each column, in both languages; a column of the contract that is missing here is a fault of a test
COLUMNS = {
    "interview_id": ("访谈编号，自己定，不可重复", "a number of your own, once each"),
    "company_id": (
        "CRM 中的客户编号；CRM 里没有的公司不计入",
        "the company's id in the CRM; companies unknown there do not count",
    ),
    "contact_id": ("CRM 中的联系人编号，可空", "the contact's id in the CRM, may be empty"),
    "respondent_role": ("受访角色，见 roles", "the role of who was asked, see roles"),
    "interviewer": ("访谈人", "who asked"),
    "interviewed_at": ("访谈时间，如 2026-10-22 14:30", "when, such as 2026-10-22 14:30"),
    "has_consent": ("是否同意记录：yes 或 no", "whether the respondent agreed: yes or no"),
    "question_code": ("题号，见 questions", "the question's code, see questions"),
    "answer_code": (
        "答案代码，见 codes；多选时一个答案一行；开放题写一个词",
        "the answer's code, see codes; several answers are several rows; an open question takes a word",
    ),
    "answer_text": ("原话，可空；只有原话时不计数", "the words, may be empty; words alone are not counted"),
    "is_inferred": ("是否由访谈人推断：yes 或 no", "whether the interviewer inferred it: yes or no"),
    "confidence": ("把握，0 到 1", "how sure, 0 to 1"),
}
RULES: Rows = [
    ("至少访谈十位，否则画像注明样本单薄。", "Ask ten or more, else the persona says that it is thin."),
    (
        "KPI、私事和机密（questions 中 is_taboo 为 true）绝不直接问：推断后填 is_inferred = yes，否则不计入。",
        "KPIs, private matters and secrets (is_taboo in questions) are never asked outright: infer them and write"
        " is_inferred = yes, else they do not count.",
    ),
    (
        "年龄、性别等敏感信息（is_sensitive 为 true）须征得同意，只以达到最小人数的汇总公布。",
        "Age, sex and the like (is_sensitive) need consent, and are published as sums above the least size alone.",
    ),
    (
        "同一问题分别问产品、销售和老板，看他们是否一致。",
        "Put the same question to product, sales and owner: how far they agree is measured.",
    ),
    (
        "不在代码表里的答案用 other，并写原话。",
        "What is not among the codes is other, with the words beside it.",
    ),
    (
        "填好后在 sources.yml 的 crm 下用 files 连接器读 interviews 和 interview_answers，列名已一致。",
        "When filled in, read interviews and interview_answers with the connector files under crm in sources.yml;"
        " the columns have their names already.",
    ),
]


def write_template(target: Path) -> list[Path]:
    """Writes the template and never over a file.

    Args:
        target: a workbook when it ends with .xlsx, else a folder for CSV files (UTF-8 with a mark, as Excel reads it).

    Returns:
        What was written.

    Raises:
        ConfigError: something is there already, or it names a file of another kind.
    """
    if target.suffix.lower() == WORKBOOK:
        _refuse_what_is_there([target])
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, _workbook(sheets()))
        return [target]
    if target.suffix:
        raise ConfigError(
            "a template is a folder of CSV files or a workbook",
            file=str(target),
            expected=f"a name without an ending, or one that ends with {WORKBOOK}",
            found=target.suffix,
            remedy="correct the name",
        )
    written = [target / f"{name}.csv" for name in sheets()]
    _refuse_what_is_there([*([target] if target.is_file() else []), *written])
    target.mkdir(parents=True, exist_ok=True)
    for path, rows in zip(written, sheets().values(), strict=True):
        write_atomically(path, _csv(rows))
    return written


def sheets() -> dict[str, Rows]:
    """Name -> rows with their header: what is to be filled in first, since readers take the first sheet."""
    columns = {name: list(objects("crm")[name].columns) for name in FILLED}
    return {
        **{name: [header] for name, header in columns.items()},
        "instructions": [
            ("", "说明", "instructions"),
            *[(str(number), *rule) for number, rule in enumerate(RULES, 1)],
            *[(f"{name}.{column}", *COLUMNS[column]) for name, header in columns.items() for column in header],
        ],
        "questions": _seed("question_bank"),
        "codes": _seed("answer_codes"),
        "roles": _seed("respondent_roles"),
    }


def _seed(name: str) -> Rows:
    rows = rows_of(f"interviews/{name}")
    return [list(rows[0]), *[list(row.values()) for row in rows]]


def _refuse_what_is_there(paths: list[Path]) -> None:
    there = [path for path in paths if path.exists()]
    if there:
        raise ConfigError(
            "there is something already",
            file=str(there[0]),
            expected="a place for a new template",
            found="a file that may hold interviews",
            remedy="name another place, or move it away",
        )


def _csv(rows: Rows) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def _workbook(tables: dict[str, Rows]) -> bytes:
    book = Workbook()
    book.remove(book.active)
    for name, rows in tables.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
        sheet.freeze_panes = "A2"
        for cells in sheet.iter_cols():
            sheet.column_dimensions[cells[0].column_letter].width = WIDTH
            cells[0].font = Font(bold=True)
            for cell in cells[1:]:
                cell.alignment = Alignment(wrap_text=True, vertical="top")
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
