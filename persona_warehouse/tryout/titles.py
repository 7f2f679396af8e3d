"""`persona try titles`: what the dictionaries make of a column of job titles."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from persona_warehouse.recognise.titles import UNKNOWN, Title, title_reader

USUAL_COLUMNS = ("title", "job_title", "jobtitle", "position", "职位", "职务", "岗位", "头衔", "职称", "职位名称")

COLUMNS: dict[str, pa.DataType] = {
    "department": pa.string(),
    "job_function": pa.string(),
    "other_functions": pa.string(),
    "seniority": pa.string(),
    "duties": pa.string(),
    "decision_role": pa.string(),
    "buying_influence": pa.string(),
    "buying_role": pa.string(),
    "decision_confidence": pa.float64(),
    "confidence": pa.float64(),
    "matched_terms": pa.string(),
}


@dataclass(frozen=True)
class Read:
    """Result columns, one entry a row, and how many of the rows were read at all."""

    columns: dict[str, pa.Array]
    known: int


def read_titles(titles: pa.ChunkedArray) -> Read:
    """Every distinct title is read once."""
    coded = pc.dictionary_encode(titles.combine_chunks(), null_encoding="encode")
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    reader = title_reader()
    found = [reader.read(value) for value in coded.dictionary.to_pylist()]
    rows = [_row(title) for title in found]
    columns = {
        name: pa.array([row[name] for row in rows], type_).take(coded.indices) for name, type_ in COLUMNS.items()
    }
    return Read(columns, pc.sum(pc.not_equal(columns["seniority"], UNKNOWN)).as_py() or 0)


def _row(title: Title) -> dict[str, object]:
    return {
        "department": title.department,
        "job_function": title.job_function,
        "other_functions": "; ".join(title.other_functions) or None,
        "seniority": title.seniority,
        "duties": "; ".join(title.duties) or None,
        "decision_role": title.decision_role,
        "buying_influence": title.buying_influence,
        "buying_role": title.buying_role,
        "decision_confidence": title.decision_confidence,
        "confidence": title.confidence,
        "matched_terms": " | ".join(title.matched_terms) or None,
    }
