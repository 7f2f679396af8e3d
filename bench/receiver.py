"""The receiver on one core: a thousand pushed events a second, how long each waits, and whether one is lost."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench.stage import Stage
from tests.standins import pushes

RATE = 1_000
SECONDS = 15
CONNECTIONS = 32
BAR = "1,000 events/s, p99 under 100 ms, none lost"


def stages(folder: Path, rows: int) -> Iterator[Stage]:
    """One stage; `rows` says nothing here."""
    yield Stage(f"receiver: {RATE:,} events/s for {SECONDS} s", (sustain, {"rate": RATE, "seconds": SECONDS}), bar=BAR)


def sustain(rate: int, seconds: int) -> dict[str, Any]:
    """Pushes in safe mode at a steady rate, whatever the answers: an event waits from the moment it was due.

    Returns:
        rows: events that were answered; seconds: from the first one due to the last answer; p50_ms, p99_ms, max_ms;
        lost: events answered `success` that are not on the disk, and refused: events answered otherwise.
    """
    home = Path(tempfile.mkdtemp(prefix="bench")) / "home"
    taskset = ["taskset", "-c", "0"] if shutil.which("taskset") and (os.cpu_count() or 1) > 1 else []
    receiver = pushes.RunningReceiver(home, taskset)
    try:
        with receiver.up() as process:
            if taskset:
                os.sched_setaffinity(0, set(range(1, os.cpu_count() or 2)))
            events = [(f"oLoad-{number % 997:04}", pushes.CREATED + number) for number in range(rate * seconds)]
            # made beforehand: encrypting is WeChat's work, not the receiver's
            sent = [pushes.request(*pushes.encrypted(pushes.xml(*event))) for event in events]
            waits, kept, wall = asyncio.run(_push(receiver.port, events, sent, rate))
            process.terminate()
            process.wait(20)
        lines = [json.loads(line) for file in home.rglob("events-*.jsonl") for line in file.read_text().splitlines()]
        written = {(line["openid"], line["created_at"]) for line in lines}
        lost = sum((openid, _iso(created)) not in written for openid, created in kept)
        p50, p99, longest = (float(one) for one in np.percentile(waits, [50, 99, 100]) * 1_000)
        return {
            "rows": len(kept), "seconds": wall, "p50_ms": p50, "p99_ms": p99, "max_ms": longest, "lost": lost,
            "refused": len(events) - len(kept), "twice": len(lines) - len(written),
        }  # fmt: skip
    finally:
        shutil.rmtree(home.parent, ignore_errors=True)


def _iso(created: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(created))


async def _push(
    port: int, events: list[tuple[str, int]], sent: list[bytes], rate: int
) -> tuple[list[float], list[tuple[str, int]], float]:
    """Sends over connections that take turns: (seconds from due to answered, the events that were kept, seconds)."""
    waits: list[float] = []
    kept: list[tuple[str, int]] = []
    start = time.perf_counter() + 0.2

    async def one(connection: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in range(connection, len(sent), CONNECTIONS):
            due = start + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            writer.write(sent[number])
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            waits.append(time.perf_counter() - due)
            if head.startswith(b"HTTP/1.1 200") and body == b"success":
                kept.append(events[number])
        writer.close()

    await asyncio.gather(*(one(connection) for connection in range(CONNECTIONS)))
    return waits, kept, time.perf_counter() - start
