"""The dbt-duckdb plugin that tells every cursor of dbt where the home is, and the hash key."""

from __future__ import annotations

from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin

from persona_warehouse.keyed_hash import give_key
from persona_warehouse.settings import load_settings


class Plugin(BasePlugin):
    """Named in dbt_project/profiles.yml."""

    def configure_cursor(self, cursor: Any) -> None:
        settings = load_settings()
        # sources read below it; in the project's text it would make another project of every home
        cursor.execute("set variable persona_home = $home", {"home": str(settings.home)})
        give_key(cursor, settings)
