"""Python models on Spark: run here, in the process that drives the session, as the other engine runs them."""

from __future__ import annotations

from typing import Any

from dbt.adapters.base import PythonJobHelper
from dbt.adapters.spark.impl import SparkAdapter


class InProcess(PythonJobHelper):
    """The adapter knows two helpers, both for a vendor's clusters; for a session of one's own it has none."""

    def __init__(self, parsed_model: dict[str, Any], credential: Any) -> None:
        """Takes what the adapter gives every helper; needs none of it."""

    def submit(self, compiled_code: str) -> None:
        """Runs the model and writes its table; the code is the project's, with the adapter's own lines after it."""
        from pyspark.sql import SparkSession

        model = compile(compiled_code, "<python model>", "exec")
        exec(model, {"spark": SparkSession.builder.getOrCreate()})  # noqa: S102


def register() -> None:
    """Makes it what dbt's adapter for Spark submits Python models with."""
    adapter: Any = SparkAdapter
    adapter.default_python_submission_method = property(lambda self: "in_process")
    adapter.python_submission_helpers = property(lambda self: {"in_process": InProcess})
