"""Faults on request. Each changes what it names and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from persona_warehouse.errors import ConfigError
from persona_warehouse.simulate import website
from persona_warehouse.simulate.dice import generator
from persona_warehouse.simulate.records import Shown
from persona_warehouse.simulate.visits import DAY, Visits
from persona_warehouse.simulate.website import Events
from persona_warehouse.simulate.world import World

# the header of a column that changed overnight: the sources file still knows the old one
RENAMED_DEAL_COLUMN = {"amount": "合同金额"}
VANISHED_CONTACT_COLUMN = frozenset({"phone"})
STORM_BOT = 9
SHARED_SHARE = 0.1


def late(world: World, visits: Visits, found: Events) -> Events:
    """Every tenth event arrives one to seven days after it happened."""
    dice = generator(world.seed, "fault late")
    delay = (dice.uniform(1, 7, len(found)) * DAY).astype(np.int64) // 1000 * 1000
    moved = np.where(_some(dice, len(found), 0.1), found.received + delay, found.received)
    last = np.maximum(found.received, world.window.days * DAY - 1000)
    return website.in_order(found.replace(received=np.minimum(moved, last)))


def duplicate(world: World, visits: Visits, found: Events) -> Events:
    """Every twentieth event stands there twice, word for word."""
    dice = generator(world.seed, "fault duplicate")
    again = np.flatnonzero(_some(dice, len(found), 0.05) & (found.flaw == 0))
    return website.in_order(found.take(np.concatenate([np.arange(len(found)), again])))


def clock(world: World, found: Events) -> Events:
    """The clocks of some devices run ahead: their events happen up to a year after they were received."""
    dice = generator(world.seed, "fault clock")
    visitors = np.unique(found.visitor)
    ahead = np.where(_some(dice, len(visitors), 0.03), dice.uniform(30, 365, len(visitors)) * DAY, 0).astype(np.int64)
    shift = ahead[np.searchsorted(visitors, found.visitor)]
    past_end = np.where(shift > 0, world.window.days * DAY, 0)
    return found.replace(occurred=np.maximum(found.occurred + shift // 1000 * 1000, past_end))


def bot_storm(world: World, visits: Visits, found: Events) -> Events:
    """One robot reads the whole site within an hour: a third as many page views again."""
    dice = generator(world.seed, "fault bot_storm")
    count = max(50, len(found) // 3)
    start = int(world.window.days * 0.6) * DAY + 3 * DAY // 24
    occurred = start + dice.integers(0, DAY // 24, count)
    storm = website.bot_events(dice, np.full(count, STORM_BOT), np.full(count, website.STORM_AGENT), occurred)
    first = int(found.number.max()) + 1
    return website.in_order(Events.join([found, storm.replace(number=np.arange(first, first + count))]))


def shared_device(world: World, visits: Visits, found: Events) -> Events:
    """In every tenth company all colleagues use one office computer, and so one cookie."""
    return website.shared_computers(world, visits, found, SHARED_SHARE, "fault shared_device")


def reorder(world: World, files: dict[str, Events]) -> dict[str, Events]:
    """The rows of every web file in random order."""
    dice = generator(world.seed, "fault reorder")
    return {file: found.take(dice.permutation(len(found))) for file, found in files.items()}


def truncate(out: Path, files: Sequence[str]) -> None:
    """The last web file ends in its middle."""
    path = out / max(files)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 5])


EVENT_FAULTS: dict[str, Callable[[World, Visits, Events], Events]] = {
    "shared_device": shared_device,
    "bot_storm": bot_storm,
    "late": late,
    "duplicate": duplicate,
}


def csv_text(shown: Shown, chosen: frozenset[str]) -> str:
    """A table of the CRM as CSV, with the faults that concern it."""
    file = shown.sheet.file
    if file == "crm/deals.csv" and "schema_change" in chosen:
        return shown.csv(RENAMED_DEAL_COLUMN)
    if file == "crm/contacts.csv" and "vanished_column" in chosen:
        return shown.csv({}, VANISHED_CONTACT_COLUMN)
    if file == "crm/contacts.csv" and "id_reuse" in chosen:
        # the number of a contact of long ago is given once more
        shown.values[-1]["contact_id"] = shown.values[0]["contact_id"]
    if file == "crm/companies.csv" and "type_change" in chosen:
        # what was a number is a band from this export on
        for row in shown.values:
            count = int(row.get("employee_count") or 0) if str(row.get("employee_count", "")).isdigit() else 0
            row["employee_count"] = f"{count // 100 * 100}-{count // 100 * 100 + 99}人" if count else ""
    return shown.csv({})


# every fault, with what it changes in the folder
FAULTS: dict[str, tuple[str, ...]] = {
    "late": ("web/*", "truth/spoiled.parquet"),
    "duplicate": ("web/*", "truth/spoiled.parquet"),
    "reorder": ("web/*", "truth/spoiled.parquet"),
    "bot_storm": ("web/*", "truth/spoiled.parquet", "truth/identities.parquet", "truth/sessions.parquet"),
    "shared_device": ("web/*", "truth/identities.parquet", "truth/sessions.parquet", "truth/episodes.parquet"),
    "clock": ("web/*",),
    "truncate": ("web/*",),
    "encoding": ("crm/contacts.csv",),
    "schema_change": ("crm/deals.csv",),
    "vanished_column": ("crm/contacts.csv",),
    "type_change": ("crm/companies.csv",),
    "id_reuse": ("crm/contacts.csv",),
}


def check(faults: Sequence[str]) -> frozenset[str]:
    """The faults asked for.

    Raises:
        ConfigError: one of them does not exist.
    """
    unknown = sorted(set(faults) - set(FAULTS))
    if unknown:
        raise ConfigError(
            "no such fault",
            field="fault",
            expected="one of " + ", ".join(sorted(FAULTS)),
            found=", ".join(unknown),
            remedy="correct the name given to --fault",
        )
    return frozenset(faults)


def _some(dice: np.random.Generator, count: int, share: float) -> np.ndarray:
    """A share of `count` things, and at least one of them."""
    chosen = dice.random(count) < share
    if count and not chosen.any():
        chosen[dice.integers(0, count)] = True
    return chosen
