"""How far a source was read: what a load reads of it, and the cursor that the next one goes on from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from persona_warehouse.landing import store
from persona_warehouse.landing.extract import Window
from persona_warehouse.settings import Settings
from persona_warehouse.sources.records import moment


@dataclass(frozen=True)
class Span:
    """Which changes are read: from `since`, up to but without `until`; None is open."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, at: datetime | None) -> bool:
        # a record that does not say when is read rather than lost
        return at is None or ((self.since is None or at >= self.since) and (self.until is None or at < self.until))


@dataclass
class Progress:
    """How far an object was read.

    Attributes:
        former: where the last load came to.
        settings: a digest of what is read of each record.
        newest: the last change met.
        started: the source's own time when reading began.
        moves: whether the cursor goes on; a backfill leaves it.
    """

    former: datetime | None
    settings: str
    newest: datetime | None = None
    started: datetime | None = None
    moves: bool = True

    def note(self, times: Iterable[datetime]) -> None:
        """Changes that were met."""
        self.newest = max((*times, *([self.newest] if self.newest else [])), default=None)

    def cursor(self) -> dict[str, Any]:
        """What the next load goes on from."""
        reached = self.newest
        if reached and self.started:
            # a record may have changed behind our back between the start and the newest change met
            reached = min(reached, self.started)
        if not self.moves or (self.former and (reached is None or reached < self.former)):
            reached = self.former
        return {"modified": reached.isoformat() if reached else None, "settings": self.settings}


def resume(
    settings: Settings, stream: str, key: str, what: str, window: Window, overlap: timedelta
) -> tuple[Progress, Span]:
    """Where the last load came to, and what this one reads.

    Args:
        key: connector/object, as in the manifests.
        what: all that decides what is read of a record; the object is read whole when it changed.
        window: of the load; one that ends before the cursor is a backfill.
        overlap: how far before the cursor a load begins.
    """
    return go_on(store.last_cursor(settings, stream, key) or {}, what, window, overlap)


def go_on(kept: Mapping[str, Any], what: str, window: Window, overlap: timedelta) -> tuple[Progress, Span]:
    """The same, from a cursor: `kept` is what `Progress.cursor` gave, empty when nothing was read yet."""
    digest = hashlib.sha256(what.encode()).hexdigest()[:16]
    former = moment(kept.get("modified"))
    if former is None or kept.get("settings") != digest:
        # rows that were landed under other settings lack what is asked for now
        return Progress(former, digest), Span()
    if window.end < former:
        return Progress(former, digest, moves=False), Span(window.start, window.end)
    return Progress(former, digest), Span(former - overlap)
