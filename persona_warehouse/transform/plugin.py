"""The dbt-duckdb plugin that gives the hash key to every cursor of dbt."""

from __future__ import annotations

from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin

from persona_warehouse.keyed_hash import give_key
from persona_warehouse.settings import load_settings


class Plugin(BasePlugin):
    """Named in dbt_project/profiles.yml."""

    def configure_cursor(self, cursor: Any) -> None:
        give_key(cursor, load_settings())
