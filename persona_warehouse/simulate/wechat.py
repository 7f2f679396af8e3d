"""What the WeChat Official Account knows: followers as its API gives them, tags, and the daily counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from persona_warehouse.simulate.dice import Dice
from persona_warehouse.simulate.records import FEWEST_TO_SPOIL, Identity, Spoiled
from persona_warehouse.simulate.story import BUSINESS_ZONE
from persona_warehouse.simulate.world import Person, World

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


@dataclass(frozen=True)
class Wechat:
    """Rows as the API gives them, the followers in order of their last follow."""

    followers: list[dict[str, Any]]
    tags: list[dict[str, Any]]
    stats: list[dict[str, Any]]
    identities: list[Identity]
    spoiled: list[Spoiled]


def wechat(world: World) -> Wechat:
    """The account's answers at the end of the world."""
    dice = Dice(world.seed, "wechat")
    ordered = sorted(
        (person.follows[-1].since, index) for index, person in enumerate(world.people) if person.follows
    )  # fmt: skip
    followers: list[dict[str, Any]] = []
    identities: list[Identity] = []
    arrivals: Counter[tuple[int, int]] = Counter()
    departures: Counter[tuple[int, int]] = Counter()
    for _, index in ordered:
        person = world.people[index]
        scene, qr = _scene(dice, person)
        for follow in person.follows:
            arrivals[_day(world, follow.since), SCENES[scene]] += 1
            if follow.until is not None:
                departures[_day(world, follow.until), SCENES[scene]] += 1
        followers.append(_follower(dice, world, person, scene, qr))
        company = None if person.company is None else world.companies[person.company].company_id
        identities.append(Identity("wechat", "followers", person.openid, "openid", "person", person.person_id, company))
        if "unionid" in followers[-1]:
            identities.append(
                Identity("wechat", "followers", person.unionid, "unionid", "person", person.person_id, company)
            )
    counts = Counter(tag for follower in followers for tag in follower.get("tagid_list", ()))
    tags = [{"id": tag, "name": name, "count": counts[tag]} for tag, name in TAG_NAMES.items()]
    spoiled = _spoil(world, followers)
    return Wechat(followers, tags, _stats(world, arrivals, departures), identities, spoiled)


def _day(world: World, day: float) -> int:
    return (world.window.office_time(day).date() - world.window.first).days


def _scene(dice: Dice, person: Person) -> tuple[str, tuple[int, str]]:
    """How somebody came: scene, and the QR code if it was one. Some scans come back as OTHERS with the code set."""
    scene = dice.weighted(tuple(SCENES), SCENE_WEIGHTS)
    qr = dice.pick(QR_SCENES)
    if person.lead_source == "展会":
        scene, qr = "ADD_SCENE_QR_CODE", EXPO
    if scene == "ADD_SCENE_QR_CODE":
        return ("ADD_SCENE_OTHERS" if dice.chance(0.06) else scene), qr
    return scene, (0, "")


def _follower(dice: Dice, world: World, person: Person, scene: str, qr: tuple[int, str]) -> dict[str, Any]:
    # one is always linked, so that the column exists in the smallest world too
    linked = dice.chance(0.2) or person is world.people[1]
    remark, tags = _remark(dice, world, person), _tags(dice, world, person)
    if person.follows[-1].until is not None:
        # of those who left, the account is told no more than who they were
        return {"subscribe": 0, "openid": person.openid, **({"unionid": person.unionid} if linked else {})}
    moment = world.window.office_time(person.follows[-1].since).replace(tzinfo=BUSINESS_ZONE)
    return {
        "subscribe": 1,
        "openid": person.openid,
        "nickname": "",
        "sex": 0,
        "language": "zh_CN",
        "subscribe_time": int(moment.timestamp()),
        **({"unionid": person.unionid} if linked else {}),
        "remark": remark,
        "groupid": tags[0] if tags else 0,
        "tagid_list": tags,
        "subscribe_scene": scene,
        "qr_scene": qr[0],
        "qr_scene_str": qr[1],
    }


def _remark(dice: Dice, world: World, person: Person) -> str:
    """What a salesperson wrote beside a follower: 张三-星河-采购, in some of its forms."""
    if person.company is None or person.post is None or not dice.chance(0.38):
        return ""
    company = world.companies[person.company]
    duty = person.post.department.removesuffix("部")
    return dice.weighted(
        (
            f"{person.full_name}-{company.brand}-{duty}",
            f"{company.short_name} {person.full_name}",
            f"{person.full_name}（{company.brand}）",
            f"{person.full_name[0]}总-{company.brand}",
        ),
        (60, 18, 14, 8),
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
    world: World, arrivals: Counter[tuple[int, int]], departures: Counter[tuple[int, int]]
) -> list[dict[str, Any]]:
    """A row for each day and channel with movement, and one of the channel 0 for every day, with the total."""
    rows: list[dict[str, Any]] = []
    total = 0
    for day in range(world.window.days):
        date = (world.window.first + timedelta(days=day)).isoformat()
        sources = sorted({source for at, source in (*arrivals, *departures) if at == day} | {0})
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


def _spoil(world: World, followers: list[dict[str, Any]]) -> list[Spoiled]:
    if len(followers) < FEWEST_TO_SPOIL:
        return []
    dice = Dice(world.seed, "followers spoiled")
    number = dice.pick([n for n, follower in enumerate(followers, 1) if follower["subscribe"]])
    followers[number - 1]["subscribe_time"] = "昨天"
    return [Spoiled(FOLLOWERS, number, followers[number - 1]["openid"], "subscribe_time", "bad_date", "昨天")]
