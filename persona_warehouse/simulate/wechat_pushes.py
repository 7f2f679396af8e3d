"""The events that WeChat pushed to the account within the window, one line each as the receiver keeps them."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from persona_warehouse.simulate import site
from persona_warehouse.simulate.dice import generator
from persona_warehouse.simulate.records import json_rows, json_text
from persona_warehouse.simulate.wechat import QR_SCENES, Follower
from persona_warehouse.simulate.world import World

FILE = "wechat/follower_events.jsonl"
COLUMNS = ("openid", "created_at", "event", "event_key", "ticket", "menu_id", "message_type")

EVENTS = ("subscribe", "unsubscribe", "scan", "click", "view")
SUBSCRIBE, UNSUBSCRIBE, SCAN, CLICK, VIEW = range(len(EVENTS))
MENU_KEYS = ("MENU_PRODUCT", "MENU_CASE", "MENU_CONTACT", "MENU_TRIAL")
MENU_PAGES = tuple(f"{site.HOST}{page.path}" for page in site.PAGES if page.category in ("case", "industry_trends"))

# menu clicks a day: who came to buy is busy for three weeks, who came to learn goes on for years
SOURCING_RATE, SOURCING_DAYS, LEARNING_RATE = 0.14, 21.0, 0.03
SCAN_SHARE = 0.12

Floats = npt.NDArray[np.float64]


def pushes(world: World, known: list[Follower], until: datetime) -> pa.Array:
    """Lines of JSON in order of time."""
    dice = generator(world.seed, "pushes")
    days = float(world.window.days)
    spells = [
        (f.person, number, follow.since, days if follow.until is None else follow.until, follow)
        for number, f in enumerate(known)
        for follow in world.people[f.person].follows
    ]
    person = np.array([spell[0] for spell in spells], dtype=np.int64)
    of = np.array([spell[1] for spell in spells], dtype=np.int64)
    since, end = (np.array([spell[i] for spell in spells], dtype=float) for i in (2, 3))
    learns = np.array([spell[4].purpose == "learning" for spell in spells], dtype=bool)
    busy_until = np.where(learns, end, np.minimum(end, since + SOURCING_DAYS))
    busy_from = np.maximum(since, 0.0)
    counts = dice.poisson(np.maximum(busy_until - busy_from, 0.0) * np.where(learns, LEARNING_RATE, SOURCING_RATE))
    menu = np.repeat(np.arange(len(spells)), counts)
    menu_day = busy_from[menu] + dice.random(len(menu)) * (busy_until - busy_from)[menu]
    scans = np.flatnonzero((dice.random(len(spells)) < SCAN_SHARE) & (end > busy_from))
    scan_day = busy_from[scans] + dice.random(len(scans)) * (end - busy_from)[scans]
    left = np.flatnonzero(end < days)
    line = np.concatenate([np.arange(len(spells)), left, scans, menu])
    day = np.concatenate([since, end[left], scan_day, menu_day])
    kind = np.concatenate(
        [
            np.full(len(spells), SUBSCRIBE),
            np.full(len(left), UNSUBSCRIBE),
            np.full(len(scans), SCAN),
            np.where(dice.random(len(menu)) < 0.55, CLICK, VIEW),
        ]
    )
    detail = dice.integers(0, 1 << 30, len(line))
    moments = world.window.office_times(day)
    shown = (day >= 0) & (moments <= np.datetime64(until))
    # the account is told of a person, a second and an event once
    order = np.lexsort((kind, person[line], moments))
    order = order[shown[order]]
    line, kind, detail, moments = line[order], kind[order], detail[order], moments[order]
    keys = [
        _key(*one) for one in zip(kind.tolist(), detail.tolist(), (known[i] for i in of[line].tolist()), strict=True)
    ]
    scanned = np.array([bool(key) for key in keys], dtype=bool) & np.isin(kind, (SUBSCRIBE, SCAN))
    utc = np.datetime_as_string(moments - np.timedelta64(8, "h"), unit="s").tolist()
    openids = pa.array([p.openid for p in world.people])
    columns = {
        "openid": json_text(openids.take(pa.array(person[line]))),
        "created_at": json_text(pa.array([f"{text}+00:00" for text in utc], pa.string())),
        "event": json_text(pa.DictionaryArray.from_arrays(pa.array(kind.astype(np.int32)), pa.array(EVENTS))),
        "event_key": json_text(pa.array([key or None for key in keys], pa.string())),
        "ticket": json_text(pa.array([f"gQ{number:016x}" for number in detail.tolist()], pa.string(), mask=~scanned)),
        "menu_id": json_text(pa.array(400_000_000 + detail % 4, mask=kind != VIEW)),
        "message_type": json_text(pa.array(["event"] * len(line), pa.string())),
    }
    return json_rows(columns)


def _key(kind: int, detail: int, follower: Follower) -> str:
    number, text = follower.qr
    if kind == SUBSCRIBE:
        return f"qrscene_{text or number}" if text or number else ""
    if kind == SCAN:
        number, text = QR_SCENES[detail % len(QR_SCENES)]
        return text or str(number)
    if kind == CLICK:
        return MENU_KEYS[detail % len(MENU_KEYS)]
    return MENU_PAGES[detail % len(MENU_PAGES)] if kind == VIEW else ""
