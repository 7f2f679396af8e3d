"""`persona try addresses`: where addresses lie."""

from __future__ import annotations

from dataclasses import asdict

import pyarrow as pa

from persona_warehouse.recognise.addresses import read_address
from persona_warehouse.tryout.distinct import for_distinct

USUAL_COLUMNS = ("address", "addr", "location", "地址", "详细地址", "公司地址", "原始地址", "所在地", "注册地址")

COLUMNS: dict[str, pa.DataType] = {
    "province": pa.string(),
    "province_code": pa.string(),
    "city": pa.string(),
    "city_code": pa.string(),
    "district": pa.string(),
    "district_code": pa.string(),
    "confidence": pa.float64(),
    "matched_terms": pa.string(),
}


def read_addresses(addresses: pa.ChunkedArray) -> tuple[dict[str, pa.Array], str]:
    """The divisions of each address, and a sentence on how many are known."""
    found = for_distinct(addresses, COLUMNS, _row)
    known = len(addresses) - found["province_code"].null_count
    return found, f"province known for {known:,}"


def _row(raw: str | None) -> dict[str, object]:
    place = read_address(raw)
    return {**asdict(place), "matched_terms": " | ".join(place.matched_terms) or None}
