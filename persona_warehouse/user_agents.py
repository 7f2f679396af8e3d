"""Which user agents are machines."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

SCHEMA = pa.schema([("user_agent", pa.string()), ("is_bot", pa.bool_()), ("bot_name", pa.string())])


def classify(agents: Sequence[str]) -> pa.Table:
    """Tells crawlers, monitors and scripts from browsers.

    Args:
        agents: distinct user agent texts.

    Returns:
        user_agent, is_bot, bot_name (as the agent calls itself; null for browsers).
    """
    from crawlerdetect import CrawlerDetect

    names: list[str | None] = []
    for agent in agents:
        detector = CrawlerDetect(user_agent=agent)
        names.append((detector.getMatches() or "unnamed") if detector.isCrawler() else None)
    return pa.table(
        {"user_agent": list(agents), "is_bot": [name is not None for name in names], "bot_name": names}, schema=SCHEMA
    )
