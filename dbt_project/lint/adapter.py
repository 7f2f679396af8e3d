"""Stands in for dbt's `adapter` when sqlfluff renders a model: the project's own dispatch macros, as for DuckDB."""

from __future__ import annotations

from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context


@pass_context
def dispatch(context: Context, name: str) -> Any:
    """The default implementation of a dispatch macro, from macros/engine."""
    return context.resolve(f"default__{name}")
