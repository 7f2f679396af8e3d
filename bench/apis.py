"""API connectors against their stand-ins: memory for fifty pages, and for ten times as many."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench import home
from bench.stage import Stage

PAGES = (50, 500)
PAGE_SIZE = 100
BAR = "peak memory the same for 50 and 500 pages"


def stages(folder: Path, rows: int) -> Iterator[Stage]:
    """Each connector with few and with many pages, while its stand-in runs; `rows` says nothing here."""
    from tests.standins.hubspot import EPOCH, HubSpotStandin
    from tests.standins.wechat import WeChatStandin

    for pages in PAGES:
        hubspot = HubSpotStandin()
        for number in range(1, pages * PAGE_SIZE + 1):
            named = {"firstname": "San", "lastname": f"Zhang {number}", "email": f"person{number}@example.com"}
            hubspot.add("contacts", number, EPOCH + timedelta(seconds=number), **named)
        with hubspot:
            entry = {"connector": "hubspot", "connection": "bench_api", "page_size": PAGE_SIZE}
            yield _stage("hubspot", pages, "crm", entry, hubspot.connection_json())
    for pages in PAGES:
        with WeChatStandin(followers=pages * PAGE_SIZE, page_size=PAGE_SIZE) as wechat:
            # a page more than the API allows in a day
            entry = {"connector": "official_account", "connection": "bench_api", "quotas": {"user/get": 10_000}}
            yield _stage("official_account", pages, "wechat", entry, wechat.connection_json())


def _stage(name: str, pages: int, stream: str, entry: dict[str, Any], connection: str) -> Stage:
    arguments = {"stream": stream, "entry": entry, "connection": connection}
    return Stage(f"api: {name}, {pages} pages", (land, arguments), bar=BAR)


def land(stream: str, entry: dict[str, Any], connection: str) -> dict[str, Any]:
    """A first load of everything."""
    os.environ["AIRFLOW_CONN_BENCH_API"] = connection
    return home.land(stream, entry)
