"""What a Python model reads and gives, whichever engine runs it."""

from __future__ import annotations

from typing import Any

import pyarrow as pa


def as_arrow(relation: Any) -> pa.Table:
    """A relation of DuckDB or a data frame of Spark, as Arrow."""
    return relation.to_arrow_table() if hasattr(relation, "to_arrow_table") else relation.toArrow()


def as_result(session: Any, table: pa.Table) -> Any:
    """A table as dbt's adapter takes it: a data frame of a Spark session, else Arrow."""
    return session.createDataFrame(table) if hasattr(session, "createDataFrame") else table
