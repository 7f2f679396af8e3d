"""What day it is for WeChat, whose days are Beijing days whatever the business time zone is."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

BEIJING = ZoneInfo("Asia/Shanghai")


def beijing_now() -> datetime:
    """The time in Beijing."""
    return datetime.now(BEIJING)
