"""Telling people: problems with cause, link and remedy, by severity and owner, once for each cause.

The seed alarms/alarm_routes.csv says who is told what; addresses are connections (`connections.py`) whose password is
an address in the form of Apprise, which speaks to 企业微信, 钉钉, 飞书, Slack, e-mail and a hundred others. What was
told is kept in `alarms/state.json` of the home, so that a cause that stays is told once, and its end too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from persona_warehouse.alarms import channels, texts
from persona_warehouse.errors import ConfigError
from persona_warehouse.files import locked, read_json, write_json
from persona_warehouse.recognise.vocabulary import SEEDS, rows_of
from persona_warehouse.settings import Settings

Kind = Literal["critical", "warning", "late", "heartbeat"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ROUTES = "alarms/alarm_routes"


@dataclass(frozen=True)
class Problem:
    """Something that somebody has to mend.

    Attributes:
        key: what makes it the same problem tomorrow.
        owner: who mends it.
        cause: what is wrong, without a value of a row.
        remedy: what to do.
        page: where more is told, a path below the home.
        since: the business date of the night that told it first.
        told: the business date of the last night that told it; empty: nobody has been reached yet.
    """

    key: str
    kind: Kind
    owner: str
    cause: str
    remedy: str
    page: str = ""
    since: str = ""
    told: str = ""


@dataclass(frozen=True)
class Route:
    """Who is told what: a line of the seed."""

    kind: str
    owner: str
    connection: str

    def takes(self, kind: str, owner: str) -> bool:
        return self.kind == kind and self.owner in ("*", owner)


@dataclass(frozen=True)
class Told:
    """How one channel was told: `state` is sent, failed or unset."""

    connection: str
    state: str
    problems: int


def routes() -> list[Route]:
    """The seed, checked.

    Raises:
        ConfigError: a line has no known kind.
    """
    found = []
    for number, row in enumerate(rows_of(ROUTES), 1):
        if row["kind"] not in KINDS or not row["connection"]:
            raise ConfigError(
                "a route of the alarms cannot be read",
                file=str(SEEDS / f"{ROUTES}.csv"),
                row=number,
                field="kind",
                expected=f"one of {', '.join(KINDS)}, and a connection",
                found=f"{row['kind']}, {row['connection']}",
                remedy="correct the line",
            )
        found.append(Route(row["kind"], row["owner"], row["connection"]))
    return found


def known(settings: Settings) -> list[Problem]:
    """The problems that stand, the oldest first."""
    file = settings.alarms / "state.json"
    return [Problem(**one) for one in read_json(file)["problems"]] if file.exists() else []


def tell(settings: Settings, problems: Sequence[Problem], *, whole: bool) -> list[Told]:
    """Tells what is new, what has ended, and of critical ones that they stay; nothing else, and nothing twice.

    Args:
        problems: what is wrong now.
        whole: these are all there are, so that what stood before and is not among them has ended.

    Returns:
        how each channel that had anything to be told was told; a problem that reached nobody is new next time.

    Raises:
        ConfigError: a route cannot be read.
    """
    night = settings.business_date.isoformat()
    with locked(settings.alarms / "state.json"):
        before = {one.key: one for one in known(settings)}
        now = {
            one.key: replace(one, since=before[one.key].since, told=before[one.key].told)
            if one.key in before
            else replace(one, since=night)
            for one in problems
        }
        ended = [one for key, one in before.items() if whole and key not in now and one.told]
        due = {key: one for key, one in now.items() if not one.told or (one.kind != "warning" and one.told != night)}
        told, reached = [], set()
        for connection in dict.fromkeys(route.connection for route in routes()):
            mine = [route for route in routes() if route.connection == connection]
            about = [one for one in now.values() if any(route.takes(one.kind, one.owner) for route in mine)]
            over = [one for one in ended if any(route.takes(one.kind, one.owner) for route in mine)]
            if not over and not any(one.key in due for one in about):
                continue
            title, body = texts.digest(settings, about, over)
            state = channels.send(connection, title, body, is_bad=bool(about))
            told.append(Told(connection, state, len(about)))
            if state == "sent":
                reached |= {one.key for one in about if one.key in due}
        stay = [] if whole else [one for key, one in before.items() if key not in now]
        kept = [replace(one, told=night) if one.key in reached else one for one in now.values()]
        kept = sorted([*stay, *kept], key=lambda one: (one.since, one.key))
        write_json(settings.alarms / "state.json", {"problems": [asdict(one) for one in kept]})
    return told


def beat(settings: Settings, said: str) -> list[Told]:
    """Gives a sign of life to who listens for it, and notes when."""
    title = texts.both("beat", night=settings.business_date.isoformat())
    told = [
        Told(route.connection, channels.send(route.connection, title, said, is_bad=False), 0)
        for route in routes()
        if route.kind == "heartbeat"
    ]
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    write_json(settings.alarms / "heartbeat.json", {"at": moment, "business_date": settings.business_date.isoformat()})
    return told


def last_beat(settings: Settings) -> datetime | None:
    """When a night last published, by its sign of life."""
    file = settings.alarms / "heartbeat.json"
    return datetime.fromisoformat(read_json(file)["at"]) if file.exists() else None


def try_out(settings: Settings, connection: str | None = None) -> list[Told]:
    """Sends a test message to every channel of the routes, or to one.

    Raises:
        ConfigError: no route names the connection.
    """
    names = list(dict.fromkeys(route.connection for route in routes()))
    if connection is not None and connection not in names:
        raise ConfigError(
            "no route of the alarms names this connection",
            expected=", ".join(names),
            found=connection if channels.is_name(connection) else f"a text of {len(connection)} characters",
            remedy=f"give one of these, or add a line to {ROUTES}.csv",
        )
    title, body = texts.both("test_title"), texts.both("test_body")
    return [
        Told(name, channels.send(name, title, body, is_bad=False), 0)
        for name in names
        if connection is None or name == connection
    ]


def state_of(names: Sequence[str]) -> dict[str, Any]:
    """Connection -> whether it is set and can be read; nothing is sent."""
    return {name: channels.is_set(name) for name in names}
