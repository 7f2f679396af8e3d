"""Answers of the WeChat Official Account API to landing rows: pure functions, no network, no clock.

Whatever JSON arrives, a row comes out or an UnexpectedShape is raised; a value that cannot be typed is left empty and
stands in the row's `row_errors`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from persona_warehouse.sources.answers import UnexpectedShape
from persona_warehouse.sources.official_account.values import (
    Row,
    dump,
    error_of,
    integer_of,
    kind_of,
    leftovers,
    list_of,
    quarantined,
    required,
    text_of,
    typed,
)

FOLLOWER_KEYS = frozenset(
    {
        "openid", "unionid", "subscribe", "subscribe_time", "subscribe_scene",
        "qr_scene", "qr_scene_str", "remark", "tagid_list", "language",
    }
)  # fmt: skip
ALL_SOURCES = 0


@dataclass(frozen=True)
class FollowerPage:
    """A page of user/get: its openids in the order given, each once; `total` followers in the account, if said."""

    openids: tuple[str, ...]
    total: int | None
    next_openid: str

    @property
    def is_last(self) -> bool:
        """Three of the four ways in which paging ends; the fourth, a cursor seen before, takes memory."""
        return not self.openids or not self.next_openid


def follower_page(answer: Mapping[str, Any]) -> FollowerPage:
    """An answer of user/get.

    Raises:
        UnexpectedShape: the list of openids is none.
    """
    total = integer_of(answer.get("total"))
    cursor = answer.get("next_openid")
    data = answer.get("data")
    if not data or integer_of(answer.get("count")) == 0:
        if total is None:
            raise UnexpectedShape("total", "the number of followers", kind_of(answer.get("total")))
        return FollowerPage((), total, "")
    openids = data.get("openid") if isinstance(data, Mapping) else None
    if not isinstance(openids, list) or not all(isinstance(openid, str) and openid for openid in openids):
        raise UnexpectedShape(
            "data.openid", "a list of openids", kind_of(openids if isinstance(data, Mapping) else data)
        )
    return FollowerPage(tuple(dict.fromkeys(openids)), total, cursor if isinstance(cursor, str) else "")


def follower_row(item: Any) -> Row:
    """An entry of user_info_list (or an answer of user/info) as a landing row of `followers`.

    Takes any JSON value; never raises. A follower who left carries an openid only, possibly a unionid.

    Returns:
        The contract's columns, `properties`, and where a value is wrong `row_errors` and `raw_row`.
    """
    if not isinstance(item, Mapping):
        return quarantined({}, [error_of("openid", "not_object", "a JSON object", kind_of(item))], item)
    errors: list[Row] = []
    row: Row = {
        "openid": text_of(item.get("openid")),
        "unionid": text_of(item.get("unionid")),
        "is_subscribed": typed(item, "subscribe", "is_subscribed", "boolean", errors),
        "subscribed_at": typed(item, "subscribe_time", "subscribed_at", "timestamp", errors),
        "subscribe_scene": text_of(item.get("subscribe_scene")),
        # a scene is numbered from 1; 0 says that no code was scanned
        "qr_scene": None if item.get("qr_scene") in (0, "0") else text_of(item.get("qr_scene")),
        "qr_scene_str": text_of(item.get("qr_scene_str")),
        "remark": text_of(item.get("remark")),
        "tag_ids": None,
        "language": text_of(item.get("language")),
        "properties": leftovers(item, FOLLOWER_KEYS),
    }
    tags = item.get("tagid_list")
    if isinstance(tags, list):
        row["tag_ids"] = dump(tags)
    elif tags not in (None, ""):
        errors.append(error_of("tag_ids", "not_json", "a list of tag ids", kind_of(tags)))
    if row["openid"] is None:
        errors.insert(0, error_of("openid", "required", "a value", "empty"))
    return quarantined(row, errors, item) if errors else row


def follower_rows(asked: Sequence[str], items: Iterable[Any]) -> list[Row]:
    """Rows of a batch: one for every openid asked for, in that order, then entries that nobody asked for.

    An openid without an answer, and an answer without a question, are rows with errors: nothing is lost in silence.
    """
    answered: dict[str, Row] = {}
    stray: list[Row] = []
    for item in items:
        row = follower_row(item)
        openid = row.get("openid")
        if openid is None:
            stray.append(row)
        else:
            # the same openid twice: the last one stands
            answered[openid] = row
    rows = [answered.pop(openid) if openid in answered else unanswered(openid) for openid in dict.fromkeys(asked)]
    for row in answered.values():
        error = error_of("openid", "not_asked", "an openid of the batch", "another one")
        stray.append(quarantined({**row, "properties": None}, [error], {"openid": row["openid"]}))
    return rows + stray


def unanswered(openid: str) -> Row:
    """A follower who is listed and for whom no information came."""
    error = error_of("openid", "answered", "an entry in user_info_list", "none")
    return quarantined({"openid": openid}, [error], {"openid": openid})


def refused(openid: str, errcode: int) -> Row:
    """A follower who is listed and whom WeChat then calls invalid (left since, or of another account)."""
    error = error_of("openid", "valid_openid", "an openid of a follower of this account", f"errcode {errcode}")
    return quarantined({"openid": openid}, [error], {"openid": openid, "errcode": errcode})


def user_infos(answer: Mapping[str, Any]) -> list[Any]:
    """The entries of user/info/batchget.

    Raises:
        UnexpectedShape: there is no list of them.
    """
    return list_of(answer, "user_info_list")


def tag_rows(answer: Mapping[str, Any]) -> list[Row]:
    """An answer of tags/get as landing rows of `tags`.

    Raises:
        UnexpectedShape: there is no list of tags.
    """
    return [_tag_row(item) for item in list_of(answer, "tags")]


def _tag_row(item: Any) -> Row:
    if not isinstance(item, Mapping):
        return quarantined({}, [error_of("tag_id", "not_object", "a JSON object", kind_of(item))], item)
    errors: list[Row] = []
    row: Row = {
        "tag_id": text_of(item.get("id")),
        "name": text_of(item.get("name")),
        "follower_count": typed(item, "count", "follower_count", "integer", errors),
        "properties": leftovers(item, frozenset({"id", "name", "count"})),
    }
    required(row, ("tag_id",), errors)
    return quarantined(row, errors, item) if errors else row


def stats_list(answer: Mapping[str, Any]) -> list[Any]:
    """The entries of getusersummary or getusercumulate.

    Raises:
        UnexpectedShape: there is no list of them.
    """
    return list_of(answer, "list")


def stats_rows(summary: Iterable[Any], cumulate: Iterable[Any]) -> list[Row]:
    """Both daily statistics as landing rows of `daily_follower_stats`: one per ref_date and user_source, in that order.

    The number of followers at the end of the day stands on the row of user_source 0, which is made when no summary has
    it; the other sources carry none. Never raises; an entry that cannot be read is a row with errors, at the end.

    Args:
        summary: entries of getusersummary: ref_date, user_source, new_user, cancel_user.
        cumulate: entries of getusercumulate: ref_date, cumulate_user, possibly user_source 0.
    """
    merged: dict[tuple[date, int], Row] = {}
    broken: list[Row] = []
    for item in summary:
        row = _stats_row(item, ("new_user", "cancel_user"))
        if "row_errors" in row:
            broken.append(row)
        else:
            merged[row["ref_date"], row["user_source"]] = row
    for item in cumulate:
        row = _stats_row(
            {"user_source": ALL_SOURCES, **item} if isinstance(item, Mapping) else item, ("cumulate_user",)
        )
        if "row_errors" in row:
            broken.append(row)
        elif row["user_source"] != ALL_SOURCES:
            error = error_of("user_source", "accepted_values", "0 for a cumulated number", str(row["user_source"]))
            broken.append(quarantined(row, [error], item))
        else:
            into = merged.setdefault((row["ref_date"], ALL_SOURCES), row)
            into["cumulate_user"] = row["cumulate_user"]
    return [merged[key] for key in sorted(merged)] + broken


def _stats_row(item: Any, measures: tuple[str, ...]) -> Row:
    if not isinstance(item, Mapping):
        return quarantined({}, [error_of("ref_date", "not_object", "a JSON object", kind_of(item))], item)
    errors: list[Row] = []
    kinds = {"ref_date": "date", "user_source": "integer", **dict.fromkeys(measures, "integer")}
    row: Row = {name: typed(item, name, name, kind, errors) for name, kind in kinds.items()}
    required(row, ("ref_date", "user_source"), errors)
    row["properties"] = leftovers(item, frozenset(kinds))
    return quarantined(row, errors, item) if errors else row


def spans(days: Iterable[date], longest: int) -> Iterator[tuple[date, date]]:
    """Days, each once, as spans (both ends included) of at most `longest` days without a gap, the oldest first."""
    begin = end = None
    for day in sorted(set(days)):
        if begin is not None and end is not None:
            if day - end == timedelta(days=1) and (day - begin).days < longest:
                end = day
                continue
            yield begin, end
        begin = end = day
    if begin is not None and end is not None:
        yield begin, end


def halves(begin: date, end: date) -> tuple[tuple[date, date], tuple[date, date]]:
    """Cuts a span of two days or more into two that follow each other."""
    middle = begin + (end - begin) // 2
    return (begin, middle), (middle + timedelta(days=1), end)
