"""`persona try companies`: names taken apart, and matched against a list of full names."""

from __future__ import annotations

import pyarrow as pa

from persona_warehouse.recognise.companies import parse_companies
from persona_warehouse.recognise.company_match import match_companies

USUAL_COLUMNS = (
    "company", "company_name", "name", "account_name", "account", "organization", "公司", "公司名称", "企业名称",
    "客户名称", "单位名称", "单位", "企业", "full_name", "security",
)  # fmt: skip


def read_companies(names: pa.ChunkedArray, against: pa.ChunkedArray | None) -> tuple[dict[str, pa.Array], str]:
    """The parts of each name and, with a list, its match there; and a sentence on how much is known."""
    found = parse_companies(names.combine_chunks())
    said = f"brand known for {_filled(found['brand']):,}"
    if against is not None:
        found |= match_companies(names.combine_chunks(), against.combine_chunks()).columns
        said += f", {_filled(found['best_match']):,} matched"
    return found, said


def _filled(values: pa.Array) -> int:
    return len(values) - values.null_count
