"""What connectors of APIs share: reading answers, resting when told to, and knowing what was met before."""

from __future__ import annotations

import hashlib
import html
import json
import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import numpy as np

# a server that wants a longer rest than this is not worth holding a task for
LONGEST_REST_SECONDS = 900


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After header (seconds or an HTTP date) asks for, at least 0; None when it says nothing."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())


def load_json(text: str) -> Any:
    """JSON as vendors write it: control characters inside texts are let through, NaN becomes null.

    Raises:
        ValueError: no JSON.
    """
    try:
        return clean(json.loads(text, strict=False))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def clean(value: Any) -> Any:
    """The value without what Parquet and JSON cannot hold: halves of surrogate pairs, NaN, infinities."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    return value


class Seen:
    """Ids met so far, 8 bytes each: five million take 40 MB.

    Two ids share a digest once in some million such runs.
    """

    def __init__(self) -> None:
        self._digests = np.empty(0, dtype=np.uint64)

    def __len__(self) -> int:
        return len(self._digests)

    def fresh(self, ids: Iterable[str]) -> list[str]:
        """Those not met before, in their order; they count as met from now on."""
        unique = list(dict.fromkeys(ids))
        joined = b"".join(
            hashlib.blake2b(one.encode("utf-8", "surrogatepass"), digest_size=8).digest() for one in unique
        )
        digests = np.frombuffer(joined, dtype=np.uint64)
        places = np.searchsorted(self._digests, digests)
        is_new = np.ones(len(digests), dtype=bool)
        inside = places < len(self._digests)
        is_new[inside] = self._digests[places[inside]] != digests[inside]
        new = np.unique(digests[is_new])
        self._digests = np.insert(self._digests, np.searchsorted(self._digests, new), new)
        return [one for one, keep in zip(unique, is_new, strict=True) if keep]


def visible_text(page: str, limit: int = 60) -> str:
    """The first characters that a reader of an HTML page (or of any other text) sees."""
    bare = re.sub(r"(?is)<!--.*?-->|<(script|style|noscript|template)\b.*?</\1\s*>|<[^>]*>", " ", page)
    return " ".join(html.unescape(bare).split())[:limit].strip()
