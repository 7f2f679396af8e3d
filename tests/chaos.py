"""Faults brought about on purpose, what they cost, and what readers saw meanwhile; writes docs/reliability.md.

    make chaos            # or: python -m tests.chaos

A small world's night stands in a home; a reader opens the current release a few times a second all the while and
compares it with its manifest. After each fault the home is healed as an operator would heal it, mostly by the next
night, and every table's content hash is compared with that before the fault.
"""

from __future__ import annotations

import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from persona_warehouse.files import read_json
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import STREAMS
from persona_warehouse.landing.store import Manifest
from persona_warehouse.settings import load_settings
from tests.conftest import ROOT, Answer, content_hashes, persona
from tests.killing import KILLED, STEPS, Loads

DAY = "2026-10-31"
PAGE = ROOT / "docs" / "reliability.md"
TELLS_ALL = "a fault that is not told of is worse than one that is"


class Unexpected(AssertionError):
    """What a fault left is not what it should have left."""


def expect(holds: bool, what: str, answer: Answer | None = None) -> None:
    """Ends the whole run when something is not as it should be: no table is written over a failure."""
    if not holds:
        raise Unexpected(what + (f"\n{answer.out}\n{answer.err}" if answer else ""))


class Reader:
    """Opens the current release again and again, and compares it with its manifest."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read_on, daemon=True)
        self.reads = 0
        self.broken: list[str] = []

    def _read_on(self) -> None:
        while not self._stop.wait(0.2):
            try:
                self._read()
                self.reads += 1
            except Exception as error:
                self.broken.append(f"{type(error).__name__}: {error}")

    def _read(self) -> None:
        # the folder that the link leads to now: a reader stays on its release
        release = (self._home / "current").resolve(strict=True)
        told = read_json(release / "manifest.json")["tables"]
        with duckdb.connect(str(release / "persona_marts.duckdb"), read_only=True) as connection:
            for name, table in told.items():
                ((rows,),) = connection.execute(f"select count(*) from {name}").fetchall()
                if rows != table["rows"]:
                    raise ValueError(f"{name} has {rows} rows, its manifest says {table['rows']}")

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


@dataclass
class World:
    """A home with a finished night, and what it takes to run others."""

    home: Path
    hashes: dict[str, str] = field(default_factory=dict)

    @property
    def sources(self) -> Path:
        return self.home.parent / "world" / "sources.yml"

    def night(self) -> Answer:
        return persona("nightly", "--date", DAY, "--sources", self.sources, home=self.home)

    def start(self, *arguments: str | Path, preexec: Callable[[], None] | None = None) -> subprocess.Popen[bytes]:
        """A command in a process group of its own, to be killed with its children."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PERSONA_", "AIRFLOW"))}
        told = {"PERSONA_HOME": str(self.home), "PERSONA_SOURCES": str(self.sources)}
        return subprocess.Popen(
            [Path(sys.executable).with_name("persona"), *arguments],
            env=kept | told, cwd=self.home.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True, preexec_fn=preexec,
        )  # fmt: skip

    def heal(self) -> float:
        """The next night; seconds until it was published."""
        began = time.monotonic()
        answer = self.night()
        expect(answer.code == 0, "the next night did not heal", answer)
        self.compare()
        return time.monotonic() - began

    def compare(self) -> None:
        now = content_hashes(self.home)
        differing = [name for name in self.hashes if now.get(name) != self.hashes[name]]
        expect(not differing, f"tables differ after healing: {differing}")
        settings = load_settings(self.home, self.sources, DAY)
        for stream in STREAMS:
            expect(not store.damaged_files(settings, stream), f"landed files of {stream} are damaged")


@dataclass(frozen=True)
class Told:
    """A fault: how often it was tried, how it was healed, seconds each time."""

    fault: str
    healed_by: str
    seconds: list[float]


def killed_loads(world: World, rng: random.Random) -> Told:
    """kill -9 of a load, at each of its steps and at random moments."""
    seconds = []
    with tempfile.TemporaryDirectory() as folder, Loads.running() as loads:
        settings = load_settings(Path(folder) / "home", world.sources, DAY)
        reference = load_settings(world.home, world.sources, DAY)
        wanted = sum(one.rows for one in store.manifests(reference, "crm"))
        tries: list[tuple[str | None, float | None]] = [(step, None) for step in STEPS]
        tries += [(None, rng.uniform(0.05, 2.5)) for _ in range(8)]
        for step, delay in tries:
            shutil.rmtree(settings.home, ignore_errors=True)
            ended = loads.run(settings, "crm", step=step, delay=delay)
            expect(ended.code == KILLED or (step is None and ended.code == 0), f"not killed at {step}")
            healed = loads.run(settings, "crm")
            expect(healed.code == 0, "the next load failed")
            landed = sum(one.rows for one in store.manifests(settings, "crm"))
            expect(landed == wanted, f"{landed} rows of {wanted} landed after a kill at {step or delay}")
            seconds.append(healed.seconds)
    return Told("kill -9 of a load, at 7 steps and 8 random moments", "the next load", seconds)


def killed_nights(world: World, rng: random.Random) -> Told:
    """kill -9 of a whole night at random moments."""
    seconds = []
    for share in (0.25, 0.5, 0.7, 0.9):
        process = world.start("nightly", "--date", DAY)
        time.sleep(max(5.0, world_seconds[0] * (share + rng.uniform(-0.05, 0.05))))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        seconds.append(world.heal())
    return Told("kill -9 of a night, at random moments", "the next night", seconds)


def killed_rebuild(world: World, _: random.Random) -> Told:
    """kill -9 of a rebuild while the warehouse is half built."""
    process = world.start("rebuild")
    aside = world.home / "warehouse" / "persona.duckdb.before-rebuild"
    while not (aside.exists() and (world.home / "warehouse" / "persona.duckdb").exists()):
        expect(process.poll() is None, "the rebuild ended by itself")
        time.sleep(0.05)
    time.sleep(4)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    expect("a rebuild was cut off" in persona("doctor", home=world.home).out, TELLS_ALL)
    return Told("kill -9 of a rebuild", "the next night", [world.heal()])


def damaged_warehouse(world: World, _: random.Random) -> Told:
    """The working database's header overwritten; blocks in its middle overwritten; the file gone."""
    file = world.home / "warehouse" / "persona.duckdb"
    seconds = []
    for offsets in (range(0, 8192, 512), range(file.stat().st_size // 4, file.stat().st_size, 1 << 18)):
        with file.open("r+b") as stream:
            for offset in offsets:
                stream.seek(offset)
                stream.write(b"\xa5" * 64)
        expect("damaged:" in persona("doctor", home=world.home).out, TELLS_ALL)
        seconds.append(world.heal())
    file.unlink()
    expect("lost; ids and history are remembered" in persona("doctor", home=world.home).out, TELLS_ALL)
    seconds.append(world.heal())
    return Told("warehouse: header damaged, blocks damaged, file lost", "the next night", seconds)


def damaged_log(world: World, _: random.Random) -> Told:
    """The engine's log damaged after a kill."""
    file = world.home / "warehouse" / "persona.duckdb"
    script = (
        "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]);"
        " c.execute('create table late as select range as i from range(5000)'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script, file], check=True)
    with file.with_name("persona.duckdb.wal").open("r+b") as stream:
        stream.seek(60)
        stream.write(b"\xa5" * 30)
    return Told("the warehouse's write-ahead log damaged", "the next night", [world.heal()])


def full_disk(world: World, _: random.Random) -> Told:
    """A disk that is full before the night ends: a small tmpfs where this user may mount one, else a limit on files."""
    small = world.home.parent / "small"
    small.mkdir()
    used = sum(path.stat().st_size for path in world.home.rglob("*") if path.is_file() and not path.is_symlink())
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={used + 6 * 1024**2}", "tmpfs", small], capture_output=True, check=False
    ).returncode == 0  # fmt: skip
    if not mounted:
        small.rmdir()
        return _limited_files(world)
    try:
        shutil.copytree(world.home, small / "home", symlinks=True)
        there = World(small / "home", world.hashes)
        (small / "world").symlink_to(world.home.parent / "world")
        answer = there.night()
        expect(answer.code == 3, "a full disk is a fault", answer)
        said = answer.out + answer.err
        expect(
            "the disk is full" in said or ("nothing published" in said and "No space left" in said), TELLS_ALL, answer
        )
        there.compare()
        subprocess.run(["mount", "-o", "remount,size=4g", small], check=True)
        return Told("disk full (a tmpfs with 6 MB left)", "room, then the next night", [there.heal()])
    finally:
        # what is open there for a moment longer is let go when it is closed
        subprocess.run(["umount", "--lazy", small], check=True)


def _limited_files(world: World) -> Told:
    import resource

    limit = 4 * 1024**2
    process = world.start(
        "nightly", "--date", DAY, preexec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    )
    expect(process.wait() != 0, "a night that may not write ended well")
    world.compare()
    return Told("disk full (files of 4 MB at most)", "the next night", [world.heal()])


def two_nights(world: World, _: random.Random) -> Told:
    """Two nights started at once."""
    first = world.start("nightly", "--date", DAY)
    lock = world.home / "locks" / "night.lock"
    began = time.monotonic()
    while not (lock.exists() and lock.read_text().startswith(f"process {first.pid},")):
        expect(first.poll() is None and time.monotonic() - began < 60, "the first night did not begin")
        time.sleep(0.05)
    began = time.monotonic()
    second = world.night()
    refused = time.monotonic() - began
    expect(second.code == 3 and "is under way" in second.err, "the second night was not refused", second)
    expect(first.wait() == 0, "the first night failed")
    world.compare()
    return Told("two nights started at once", "the second refuses", [refused])


def clock_back(world: World, _: random.Random) -> Told:
    """A load from a day when the clock was ahead; the next loads must count all the same."""
    settings = load_settings(world.home, world.sources, DAY)
    ahead = f"{time.time() + 86_400:.7f}"
    store.write_manifest(settings, Manifest(ahead, "wechat", DAY, ("", ""), ""))
    file = world.home.parent / "world" / "wechat" / "tags.jsonl"
    kept = file.read_bytes()
    # what changed must arrive although its load is older than one that stands there
    file.write_bytes(kept + b"\n")
    seconds = world.heal()
    expect(store.manifests(settings, "wechat")[-1].load_id > ahead, "a load came before one that was there")
    return Told("the clock jumps back by a day", "nothing to heal", [seconds])


def damaged_landing(world: World, _: random.Random) -> Told:
    """A landed file damaged: found by its hash; a rebuild refuses, and a backup heals."""
    settings = load_settings(world.home, world.sources, DAY)
    load = next(one for one in store.manifests(settings, "crm") if one.files)
    path = settings.landing / "crm" / load.files[0].path
    kept = path.read_bytes()
    path.write_bytes(kept[: len(kept) // 2])
    expect("files missing or changed" in persona("doctor", home=world.home).out, TELLS_ALL)
    refused = persona("rebuild", home=world.home)
    expect(refused.code == 3 and "the warehouse was left alone" in refused.err, "a rebuild lost data", refused)
    began = time.monotonic()
    path.write_bytes(kept)
    world.compare()
    return Told("a landed file damaged", "a backup of the file", [time.monotonic() - began])


def killed_erasure(world: World, rng: random.Random) -> Told:
    """kill -9 of an erasure at random moments, then ended; the person is one who is on no deal's table."""
    seconds = []
    for _ in range(2):
        with duckdb.connect(str(world.home / "warehouse" / "persona.duckdb"), read_only=True) as connection:
            ((contact,),) = connection.execute(
                "select min(contact_id) from identity.people where email is not null and source_object = 'leads'"
            ).fetchall()
        process = world.start("erase", "--identifier", contact, "--yes")
        time.sleep(rng.uniform(4, 25))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        began = time.monotonic()
        ended = persona("erase", "--sources", world.sources, home=world.home)
        expect(ended.code == 0, "the erasure was not ended", ended)
        left = persona("erase", "--identifier", contact, "--dry-run", "--sources", world.sources, home=world.home)
        if left.code == 0:  # it was killed before it had begun
            done = persona("erase", "--identifier", contact, "--yes", "--sources", world.sources, home=world.home)
            expect(done.code == 0, "the erasure failed", done)
        else:
            expect(left.code == 2, "somebody is left", left)
        seconds.append(time.monotonic() - began)
    world.hashes = content_hashes(world.home)
    return Told("kill -9 of an erasure, at random moments", "`persona erase` again", seconds)


FAULTS: tuple[Callable[[World, random.Random], Told], ...] = (
    killed_loads, killed_nights, killed_rebuild, damaged_warehouse, damaged_log, full_disk, two_nights, clock_back,
    damaged_landing, killed_erasure,
)  # fmt: skip
world_seconds = [60.0]


@contextmanager
def small_world() -> Iterator[World]:
    """A home with one night of thirty companies."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder) / "home")
        arguments = ("--out", Path(folder) / "world", "--companies", "30", "--days", "60")
        expect(persona("simulate", *arguments, home=world.home).code == 0, "no world")
        began = time.monotonic()
        answer = world.night()
        world_seconds[0] = time.monotonic() - began
        expect(answer.code == 0, "the first night failed", answer)
        world.hashes = content_hashes(world.home)
        yield world


def main(only: list[str]) -> None:
    """Brings all faults about and writes the page; or some of them, by name, and writes none."""
    rng = random.Random(20261120)
    lines = []
    with small_world() as world:
        for fault in (one for one in FAULTS if not only or one.__name__ in only):
            with Reader(world.home) as reader:
                told = fault(world, rng)
            expect(not reader.broken, f"readers saw {reader.broken[:3]}")
            worst = max(told.seconds)
            line = (
                f"| {told.fault} | {len(told.seconds)} | 0 | {reader.reads:,} reads, all of whole releases |"
                f" {told.healed_by} | {worst:.1f} s |"
            )
            print(line, flush=True)
            lines.append(line)
    if not only:
        PAGE.write_text(page(lines), encoding="utf-8")


def page(lines: list[str]) -> str:
    """The page with its table."""
    return "\n".join(
        [
            "# Reliability",
            "",
            "Written by `make chaos` (`tests/chaos.py`): faults brought about on purpose on a small world, readers",
            "that open the current release all the while and compare it with its manifest, and the home healed as an",
            "operator would. *Lost* counts tables whose content hash is not what it was before the fault, and landed",
            "rows that are missing. Any other number than 0 ends the run, and no page is written.",
            "",
            "| fault | tried | lost | what readers saw | healed by | longest time to heal |",
            "|---|---|---|---|---|---|",
            *lines,
            "",
            f"A night of this world takes {world_seconds[0]:.0f} s on the machine that wrote this page"
            f" ({os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}).",
            "The table was written while other work ran beside it; times are of that moment, counts are not.",
            "",
        ]
    )


if __name__ == "__main__":
    main(sys.argv[1:])
