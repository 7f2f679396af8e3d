"""What alarms say, in Chinese and English."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from persona_warehouse.settings import Settings

if TYPE_CHECKING:
    from persona_warehouse.alarms import Problem

# a message of more lines is cut by most services; the page has all of them
SHOWN = 12

TEXTS = {
    "bad": ("画像仓库 {night}:{count} 项问题", "persona warehouse {night}: {count} problems"),
    "good": ("画像仓库 {night}:{count} 项问题已恢复", "persona warehouse {night}: {count} problems have ended"),
    "beat": ("画像仓库 {night}:已发布", "persona warehouse {night}: published"),
    "test_title": ("画像仓库:测试消息", "persona warehouse: a test"),
    "test_body": ("收到此消息,说明告警通道可用。", "Whoever reads this is reached by alarms."),
    "kind_critical": ("严重", "critical"),
    "kind_warning": ("警告", "warning"),
    "kind_late": ("超时", "late"),
    "new": ("新问题", "new"),
    "still": ("自 {since} 起未恢复({days} 天)", "still failing since {since} ({days} days)"),
    "ended": ("已恢复(自 {since})", "has ended (since {since})"),
    "remedy": ("处理", "to do"),
    "page": ("详情", "more"),
    "more": ("另有 {count} 项,见页面", "{count} more on the page"),
}


def both(name: str, **values: object) -> str:
    """A text in both languages, Chinese first."""
    return " · ".join(text.format(**values) for text in TEXTS[name])


def digest(settings: Settings, problems: Sequence[Problem], ended: Sequence[Problem]) -> tuple[str, str]:
    """Title and body for one channel: critical ones first, new ones whole, what stays in a line, what ended last."""
    night = settings.business_date.isoformat()
    title = both("bad", night=night, count=len(problems)) if problems else both("good", night=night, count=len(ended))
    ordered = sorted(problems, key=lambda one: (one.kind == "warning", bool(one.told), one.key))
    lines = [_line(settings, one) for one in ordered[:SHOWN]]
    if len(ordered) > SHOWN:
        lines.append(both("more", count=len(ordered) - SHOWN))
    fresh = [one for one in ordered if not one.told]
    lines += [f"{both('remedy')}: {remedy}" for remedy in dict.fromkeys(one.remedy for one in fresh)]
    lines += [f"{both('page')}: {link(settings, page)}" for page in dict.fromkeys(one.page for one in fresh) if page]
    lines += [f"✓ {one.cause} — {both('ended', since=one.since)}" for one in ended[:SHOWN]]
    return title, "\n".join(lines)


def _line(settings: Settings, one: Problem) -> str:
    head = f"[{both('kind_' + one.kind)}] {one.cause}"
    if one.told:
        days = (settings.business_date - date.fromisoformat(one.since)).days
        return f"{head} — {both('still', since=one.since, days=days)}"
    return f"{head} — {both('new')}, {one.owner}"


def link(settings: Settings, page: str) -> str:
    """The address of a page of the home: where it is served, else its file."""
    return f"{settings.pages_url.rstrip('/')}/{page}" if settings.pages_url else str(settings.home / page)
