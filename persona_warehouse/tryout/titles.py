"""`persona try titles`: what the dictionaries make of a column of job titles."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from persona_warehouse.recognise.titles import UNKNOWN, title_reader
from persona_warehouse.tryout.distinct import for_distinct

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


def read_titles(titles: pa.ChunkedArray) -> tuple[dict[str, pa.Array], str]:
    """What each title says, and a sentence on how many say something."""
    found = for_distinct(titles, COLUMNS, _row)
    known = pc.sum(pc.not_equal(found["seniority"], UNKNOWN)).as_py() or 0
    return found, f"seniority known for {known:,}"


def _row(raw: str | None) -> dict[str, object]:
    title = title_reader().read(raw)
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
