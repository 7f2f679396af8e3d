"""Events on the disk: JSON lines in segment files, forced to the disk in batches before anybody is told.

One thread writes. A segment belongs to one process, which holds a lock on it while it is open; the kernel frees it
when the process dies, however it dies. A new process begins a new segment, so that only the last line of a segment can
be torn.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import queue
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from persona_warehouse.files import fsync_path
from persona_warehouse.settings import Settings

SEGMENT_SECONDS = 3600.0
SEGMENT_BYTES = 64 * 1024 * 1024
# as many as may wait for the disk, and as many as one fsync carries
WAITING = 20_000
BATCH = 2_000


def received_folder(settings: Settings) -> Path:
    """Where the segments of the stream wechat are."""
    return settings.home / "received" / "wechat"


def whole_bytes(path: Path) -> int:
    """How much of a segment can be read: all of it, or up to its last whole line while its writer is alive."""
    with path.open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return os.fstat(stream.fileno()).st_size
        except BlockingIOError:
            size = os.fstat(stream.fileno()).st_size
            # no line is longer than what one request may bring
            start = max(0, size - (1 << 20))
            stream.seek(start)
            return start + stream.read(size - start).rfind(b"\n") + 1


@dataclass(frozen=True)
class Health:
    """How a writer is: whether its thread lives, the last write reached the disk, and how many lines wait for it."""

    is_alive: bool
    is_writing: bool
    waiting: int

    @property
    def is_well(self) -> bool:
        return self.is_alive and self.is_writing and self.waiting < WAITING


class SegmentWriter:
    """Appends lines to segments in a folder.

    Args:
        folder: made when the first line comes.
        segment_seconds, segment_bytes: a segment that is older or larger is closed.
        sync: forces a file to the disk.
    """

    def __init__(
        self,
        folder: Path,
        *,
        segment_seconds: float = SEGMENT_SECONDS,
        segment_bytes: int = SEGMENT_BYTES,
        sync: Callable[[int], None] = os.fsync,
    ) -> None:
        self.folder = folder
        self._seconds = segment_seconds
        self._bytes = segment_bytes
        self._sync = sync
        self._queue: queue.Queue[tuple[bytes, Future[None]] | None] = queue.Queue(WAITING)
        self._handle: int | None = None
        self._opened = 0.0
        self._written = 0
        self._is_writing = True
        self._thread = threading.Thread(target=self._run, name="segments", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Writes what waits, closes the segment and ends the thread."""
        self._queue.put(None)
        self._thread.join()

    def health(self) -> Health:
        """How it is now."""
        return Health(self._thread.is_alive(), self._is_writing, self._queue.qsize())

    def append(self, line: bytes) -> Future[None]:
        """Hands a line over; the future is done when it is on the disk, and fails when it could not be written.

        Raises:
            queue.Full: too many lines wait for the disk.
        """
        done: Future[None] = Future()
        # nobody may take back what is on its way to the disk
        done.set_running_or_notify_cancel()
        self._queue.put_nowait((line, done))
        return done

    def _run(self) -> None:
        open_ = True
        while open_:
            batch, open_ = self._next_batch()
            if not batch:
                continue
            try:
                self._write(b"".join(line for line, _ in batch))
            except OSError as error:
                # a torn line must be the last one of its segment
                self._close()
                self._is_writing = False
                for _, done in batch:
                    done.set_exception(error)
            else:
                self._is_writing = True
                for _, done in batch:
                    done.set_result(None)
        self._close()

    def _next_batch(self) -> tuple[list[tuple[bytes, Future[None]]], bool]:
        """What waits, at least one line; false when it was the last batch. An old segment is closed while waiting."""
        batch: list[tuple[bytes, Future[None]]] = []
        try:
            wait = None if self._handle is None else max(0.0, self._opened + self._seconds - time.monotonic())
            one = self._queue.get(timeout=wait)
            while one is not None:
                batch.append(one)
                if len(batch) == BATCH:
                    return batch, True
                one = self._queue.get_nowait()
        except queue.Empty:
            if not batch:
                self._close()
            return batch, True
        return batch, False

    def _write(self, data: bytes) -> None:
        if self._handle is not None and (
            self._written >= self._bytes or time.monotonic() - self._opened >= self._seconds
        ):
            self._close()
        if self._handle is None:
            self._open()
        handle = self._handle
        assert handle is not None  # noqa: S101 - for the type checker
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(handle, rest) :]
        self._sync(handle)
        self._written += len(data)

    def _open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"events-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}.jsonl"
        # openids are personal data: others have no business here
        self._handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o640)
        fcntl.flock(self._handle, fcntl.LOCK_EX)
        self._opened, self._written = time.monotonic(), 0
        fsync_path(self.folder)

    def _close(self) -> None:
        if self._handle is not None:
            with contextlib.suppress(OSError):
                os.close(self._handle)
            self._handle = None
