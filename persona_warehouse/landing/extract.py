"""What a connector hands over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa


@dataclass(frozen=True)
class Window:
    """The data interval of a load: UTC, half open, `end` is the end of the business date."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Extract:
    """One object from one origin, in the landing schema of that object.

    Attributes:
        object: the landing object, such as `followers`.
        origin: a file's path from the folder of the sources file, or an endpoint; for messages and the manifest.
        batches: gives the rows; called once, when the load takes them.
        fingerprint: sha256 over content and settings; an origin whose fingerprint has not changed since the last
            load is not landed again. None: always landed.
        cursor: how far the source was read, asked after the batches were taken and kept with the load's manifest, so
            that the next load goes on from there (`store.last_cursor`). Never personal data.
    """

    object: str
    origin: str
    batches: Callable[[], Iterator[pa.Table | pa.RecordBatch]]
    fingerprint: str | None = None
    cursor: Callable[[], dict[str, Any]] | None = None
