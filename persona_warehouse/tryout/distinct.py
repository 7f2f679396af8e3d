"""Every distinct value of a column is read once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyarrow as pa
import pyarrow.compute as pc


def for_distinct(
    values: pa.ChunkedArray, columns: Mapping[str, pa.DataType], read: Callable[[str | None], Mapping[str, object]]
) -> dict[str, pa.Array]:
    """The result columns of `read`, one entry for each value, in the values' order."""
    coded = pc.dictionary_encode(values.combine_chunks(), null_encoding="encode")
    rows = [read(value) for value in coded.dictionary.to_pylist()]
    return {name: pa.array([row[name] for row in rows], type_).take(coded.indices) for name, type_ in columns.items()}
