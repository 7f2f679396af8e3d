"""What the WeChat Official Account knows: followers as its API gives them, tags, and the daily counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from persona_warehouse.simulate.dice import Dice
from persona_warehouse.simulate.people import Follow, Person
from persona_warehouse.simulate.records import FEWEST_TO_SPOIL, Identity, Spoiled
from persona_warehouse.simulate.story import BUSINESS_ZONE
from persona_warehouse.simulate.world import World

FOLLOWERS = "wechat/followers.jsonl"
TAGS = "wechat/tags.jsonl"
STATS = "wechat/daily_follower_stats.jsonl"

# subscribe_scene -> user_source of the daily statistics
SCENES = {
    "ADD_SCENE_SEARCH": 1,
    "ADD_SCENE_PROFILE_CARD": 17,
    "ADD_SCENE_QR_CODE": 30,
    "ADD_SCENE_PROFILE_LINK": 57,
    "ADD_SCENE_WECHAT_ADVERTISEMENT": 100,
    "ADD_SCENE_REPRINT": 161,
    "ADD_SCENE_CHANNELS": 200,
    "ADD_SCENE_OTHERS": 0,
}
SCENE_WEIGHTS = (24, 8, 30, 14, 6, 8, 4, 6)

# the QR codes that were put up: number for those of the old kind, text for the others
QR_SCENES = (
    (0, "expo-shanghai-2026"),
    (0, "case-booklet-2026"),
    (0, "website-footer"),
    (3229, ""),
    (0, "sales-card-S03"),
)
EXPO = (0, "expo-shanghai-2026")

TAG_NAMES = {2: "星标组", 100: "展会2026", 101: "采购", 102: "IT", 103: "老客户", 104: "白皮书下载", 105: "合作伙伴"}
DEPARTMENT_TAGS = {"采购部": 101, "信息部": 102}
# how salespeople write somebody down, and how often: name, brand, duty in several orders and with several signs
REMARKS = (
    ("{name}-{brand}-{duty}", 40),
    ("{brand}-{name}-{duty}", 10),
    ("{name}_{brand}_{duty}", 6),
    ("{short} {name}", 14),
    ("{name}（{brand}）", 10),
    ("{family}总-{brand}", 8),
    ("{brand}/{duty}/{name}", 5),
    ("{duty}·{name}·{short}", 3),
    ("{name} {mobile}", 2),
    ("{name}😊{brand}", 2),
)


@dataclass(frozen=True)
class Follower:
    """What the account and the salespeople know of one follower, whatever the day.

    Attributes:
        person: world index.
        linked: the account is told the unionid.
        remark, tags: written down on day `noted`.
    """

    person: int
    scene: str
    qr: tuple[int, str]
    linked: bool
    remark: str
    tags: list[int]
    noted: float


@dataclass(frozen=True)
class Wechat:
    """The account's answers on a day: rows as the API gives them, the followers in order of their last follow."""

    followers: list[dict[str, Any]]
    tags: list[dict[str, Any]]
    stats: list[dict[str, Any]]
    identities: list[Identity]
    spoiled: list[Spoiled]


def followers(world: World) -> list[Follower]:
    """Everybody who ever followed within the story, in order of their first follow."""
    dice = Dice(world.seed, "wechat")
    ordered = sorted((person.follows[0].since, index) for index, person in enumerate(world.people) if person.follows)
    found = []
    for since, index in ordered:
        person = world.people[index]
        scene, qr = _scene(dice, person)
        # one is always linked, so that the column exists in the smallest world too
        linked = dice.chance(0.2) or index == 1
        remark, tags = _remark(dice, world, person), _tags(dice, world, person)
        noted = max(since, person.lead_at or since) + dice.span(2)
        found.append(Follower(index, scene, qr, linked, remark, tags, noted))
    return found


def wechat(world: World, known: list[Follower], until: datetime) -> Wechat:
    """The account's answers at a moment (local time)."""
    office = world.window.office_time
    rows: list[tuple[float, dict[str, Any], Follower]] = []
    arrivals: Counter[tuple[int, int]] = Counter()
    departures: Counter[tuple[int, int]] = Counter()
    for follower in known:
        person = world.people[follower.person]
        past = [follow for follow in person.follows if office(follow.since) <= until]
        for follow in past:
            arrivals[_day(world, follow.since), SCENES[follower.scene]] += 1
            if follow.until is not None and office(follow.until) <= until:
                departures[_day(world, follow.until), SCENES[follower.scene]] += 1
        if past:
            rows.append((past[-1].since, _row(world, follower, past[-1], until), follower))
    rows.sort(key=lambda row: (row[0], row[2].person))
    identities = [one for _, row, follower in rows for one in _identities(world, follower, "unionid" in row)]
    shown = [row for _, row, _ in rows]
    counts = Counter(tag for row in shown for tag in row.get("tagid_list", ()))
    tags = [{"id": tag, "name": name, "count": counts[tag]} for tag, name in TAG_NAMES.items()]
    spoiled = _spoil(world, known, rows)
    last = (until.date() - world.window.first).days
    return Wechat(shown, tags, _stats(world, arrivals, departures, last), identities, spoiled)


def _identities(world: World, follower: Follower, linked: bool) -> list[Identity]:
    person = world.people[follower.person]
    company = None if person.company is None else world.companies[person.company].company_id
    names = [("openid", person.openid)] + ([("unionid", person.unionid)] if linked else [])
    return [Identity("wechat", "followers", name, kind, "person", person.person_id, company) for kind, name in names]


def _day(world: World, day: float) -> int:
    """The day of the window, -1 for all days before it."""
    return max((world.window.office_time(day).date() - world.window.first).days, -1)


def _scene(dice: Dice, person: Person) -> tuple[str, tuple[int, str]]:
    """How somebody came: scene, and the QR code if it was one. Some scans come back as OTHERS with the code set."""
    scene = dice.weighted(tuple(SCENES), SCENE_WEIGHTS)
    qr = dice.pick(QR_SCENES)
    if person.lead_source == "展会":
        scene, qr = "ADD_SCENE_QR_CODE", EXPO
    if scene == "ADD_SCENE_QR_CODE":
        return ("ADD_SCENE_OTHERS" if dice.chance(0.06) else scene), qr
    return scene, (0, "")


def _row(world: World, follower: Follower, follow: Follow, until: datetime) -> dict[str, Any]:
    person, office = world.people[follower.person], world.window.office_time
    link = {"unionid": person.unionid} if follower.linked else {}
    if follow.until is not None and office(follow.until) <= until:
        # of those who left, the account is told no more than who they were
        return {"subscribe": 0, "openid": person.openid, **link}
    moment = office(follow.since).replace(tzinfo=BUSINESS_ZONE)
    noted = office(min(follower.noted, world.window.days - 0.02)) <= until
    tags = follower.tags if noted else []
    return {
        "subscribe": 1,
        "openid": person.openid,
        "nickname": "",
        "sex": 0,
        "language": "zh_CN",
        "subscribe_time": int(moment.timestamp()),
        **link,
        "remark": follower.remark if noted else "",
        "groupid": tags[0] if tags else 0,
        "tagid_list": tags,
        "subscribe_scene": follower.scene,
        "qr_scene": follower.qr[0],
        "qr_scene_str": follower.qr[1],
    }


def _remark(dice: Dice, world: World, person: Person) -> str:
    """What a salesperson wrote beside a follower."""
    if person.company is None or person.post is None or not dice.chance(0.38):
        return ""
    company = world.companies[person.company]
    pattern = dice.weighted([pattern for pattern, _ in REMARKS], [weight for _, weight in REMARKS])
    return pattern.format(
        name=person.full_name,
        family=person.full_name[0],
        brand=company.brand,
        short=company.short_name,
        duty=person.post.department.removesuffix("部"),
        mobile=person.mobile,
    )


def _tags(dice: Dice, world: World, person: Person) -> list[int]:
    found = []
    if person.lead_source == "展会":
        found.append(100)
    if person.post is not None and person.post.department in DEPARTMENT_TAGS and dice.chance(0.4):
        found.append(DEPARTMENT_TAGS[person.post.department])
    if person.company is not None and world.companies[person.company].journey.at("use") and dice.chance(0.3):
        found.append(103)
    if dice.chance(0.12):
        found.append(dice.pick((2, 104, 105)))
    return found


def _stats(
    world: World, arrivals: Counter[tuple[int, int]], departures: Counter[tuple[int, int]], last: int
) -> list[dict[str, Any]]:
    """A row for each day and channel with movement, and one of the channel 0 for every day, with the total."""
    rows: list[dict[str, Any]] = []
    total = sum(n for (day, _), n in arrivals.items() if day < 0) - sum(
        n for (day, _), n in departures.items() if day < 0
    )
    seen: dict[int, set[int]] = {}
    for day, source in (*arrivals, *departures):
        seen.setdefault(day, set()).add(source)
    for day in range(last + 1):
        date = (world.window.first + timedelta(days=day)).isoformat()
        sources = sorted(seen.get(day, set()) | {0})
        total += sum(arrivals[day, s] - departures[day, s] for s in sources)
        for source in sources:
            row = {
                "ref_date": date,
                "user_source": source,
                "new_user": arrivals[day, source],
                "cancel_user": departures[day, source],
            }
            rows.append({**row, "cumulate_user": total} if source == 0 else row)
    return rows


def _spoil(world: World, known: list[Follower], rows: list[tuple[float, dict[str, Any], Follower]]) -> list[Spoiled]:
    """One subscribe_time that is no number, from the day on which that follower is there."""
    if len(known) < FEWEST_TO_SPOIL:
        return []
    stays = [f.person for f in known if world.people[f.person].follows[-1].until is None]
    chosen = Dice(world.seed, "followers spoiled").pick(stays)
    for number, (_, row, follower) in enumerate(rows, 1):
        if follower.person == chosen and row["subscribe"]:
            row["subscribe_time"] = "昨天"
            return [Spoiled(FOLLOWERS, number, row["openid"], "subscribe_time", "bad_date", "昨天")]
    return []
