"""The marts as their contracts have them, for tests that build some by hand."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml


@cache
def mart_columns() -> dict[str, str]:
    """Mart -> its columns with their types, as DDL writes them."""
    files = sorted((Path(__file__).parents[1] / "dbt_project" / "models" / "marts").rglob("*__models.yml"))
    models = [model for file in files for model in yaml.safe_load(file.read_text(encoding="utf-8"))["models"]]
    return {
        model["name"]: ", ".join(f"{column['name']} {column['data_type']}" for column in model["columns"])
        for model in models
    }
