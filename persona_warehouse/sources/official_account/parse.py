"""Answers of the WeChat Official Account API to landing rows: pure functions, no network, no clock.

Whatever JSON arrives, a row comes out or an UnexpectedShape is raised; a value that cannot be typed is left empty and
stands in the row's `row_errors`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from persona_warehouse.sources.answers import UnexpectedShape, clean

Row = dict[str, Any]

# no longer filled by WeChat since 2021-12-27: sent as "" or 0, or not at all; history still carries them
RETIRED = frozenset({"nickname", "headimgurl", "sex", "city", "province", "country", "language"})
FOLLOWER_KEYS = frozenset(
    {
        "openid", "unionid", "subscribe", "subscribe_time", "subscribe_scene",
        "qr_scene", "qr_scene_str", "remark", "tagid_list", "language",
    }
)  # fmt: skip
INT64 = range(-(2**63), 2**63)
# later than any follower, earlier than any count of milliseconds
LAST_SECOND = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())
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
    total = _integer(answer.get("total"))
    cursor = answer.get("next_openid")
    data = answer.get("data")
    if not data or _integer(answer.get("count")) == 0:
        if total is None:
            raise UnexpectedShape("total", "the number of followers", _kind(answer.get("total")))
        return FollowerPage((), total, "")
    openids = data.get("openid") if isinstance(data, Mapping) else None
    if not isinstance(openids, list) or not all(isinstance(openid, str) and openid for openid in openids):
        raise UnexpectedShape("data.openid", "a list of openids", _kind(openids if isinstance(data, Mapping) else data))
    return FollowerPage(tuple(dict.fromkeys(openids)), total, cursor if isinstance(cursor, str) else "")


def follower_row(item: Any) -> Row:
    """An entry of user_info_list (or an answer of user/info) as a landing row of `followers`.

    Takes any JSON value; never raises. A follower who left carries an openid only, possibly a unionid.

    Returns:
        The contract's columns, `properties`, and where a value is wrong `row_errors` and `raw_row`.
    """
    if not isinstance(item, Mapping):
        return _quarantined({}, [_error("openid", "not_object", "a JSON object", _kind(item))], item)
    errors: list[Row] = []
    row: Row = {
        "openid": _text(item.get("openid")),
        "unionid": _text(item.get("unionid")),
        "is_subscribed": _typed(item, "subscribe", "is_subscribed", "boolean", errors),
        "subscribed_at": _typed(item, "subscribe_time", "subscribed_at", "timestamp", errors),
        "subscribe_scene": _text(item.get("subscribe_scene")),
        # a scene is numbered from 1; 0 says that no code was scanned
        "qr_scene": None if item.get("qr_scene") in (0, "0") else _text(item.get("qr_scene")),
        "qr_scene_str": _text(item.get("qr_scene_str")),
        "remark": _text(item.get("remark")),
        "tag_ids": None,
        "language": _text(item.get("language")),
        "properties": _properties(item, FOLLOWER_KEYS),
    }
    tags = item.get("tagid_list")
    if isinstance(tags, list):
        row["tag_ids"] = _dump(tags)
    elif tags not in (None, ""):
        errors.append(_error("tag_ids", "not_json", "a list of tag ids", _kind(tags)))
    if row["openid"] is None:
        errors.insert(0, _error("openid", "required", "a value", "empty"))
    return _quarantined(row, errors, item) if errors else row


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
        error = _error("openid", "not_asked", "an openid of the batch", "another one")
        stray.append(_quarantined({**row, "properties": None}, [error], {"openid": row["openid"]}))
    return rows + stray


def unanswered(openid: str) -> Row:
    """A follower who is listed and for whom no information came."""
    error = _error("openid", "answered", "an entry in user_info_list", "none")
    return _quarantined({"openid": openid}, [error], {"openid": openid})


def refused(openid: str, errcode: int) -> Row:
    """A follower who is listed and whom WeChat then calls invalid (left since, or of another account)."""
    error = _error("openid", "valid_openid", "an openid of a follower of this account", f"errcode {errcode}")
    return _quarantined({"openid": openid}, [error], {"openid": openid, "errcode": errcode})


def user_infos(answer: Mapping[str, Any]) -> list[Any]:
    """The entries of user/info/batchget.

    Raises:
        UnexpectedShape: there is no list of them.
    """
    return _list(answer, "user_info_list")


def tag_rows(answer: Mapping[str, Any]) -> list[Row]:
    """An answer of tags/get as landing rows of `tags`.

    Raises:
        UnexpectedShape: there is no list of tags.
    """
    return [_tag_row(item) for item in _list(answer, "tags")]


def _tag_row(item: Any) -> Row:
    if not isinstance(item, Mapping):
        return _quarantined({}, [_error("tag_id", "not_object", "a JSON object", _kind(item))], item)
    errors: list[Row] = []
    row: Row = {
        "tag_id": _text(item.get("id")),
        "name": _text(item.get("name")),
        "follower_count": _typed(item, "count", "follower_count", "integer", errors),
        "properties": _properties(item, frozenset({"id", "name", "count"})),
    }
    if row["tag_id"] is None:
        errors.insert(0, _error("tag_id", "required", "a value", "empty"))
    return _quarantined(row, errors, item) if errors else row


def stats_list(answer: Mapping[str, Any]) -> list[Any]:
    """The entries of getusersummary or getusercumulate.

    Raises:
        UnexpectedShape: there is no list of them.
    """
    return _list(answer, "list")


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
            error = _error("user_source", "accepted_values", "0 for a cumulated number", str(row["user_source"]))
            broken.append(_quarantined(row, [error], item))
        else:
            into = merged.setdefault((row["ref_date"], ALL_SOURCES), row)
            into["cumulate_user"] = row["cumulate_user"]
    return [merged[key] for key in sorted(merged)] + broken


def _stats_row(item: Any, measures: tuple[str, ...]) -> Row:
    if not isinstance(item, Mapping):
        return _quarantined({}, [_error("ref_date", "not_object", "a JSON object", _kind(item))], item)
    errors: list[Row] = []
    kinds = {"ref_date": "date", "user_source": "integer", **dict.fromkeys(measures, "integer")}
    row: Row = {name: _typed(item, name, name, kind, errors) for name, kind in kinds.items()}
    wrong = {error["field"] for error in errors}
    for name in ("ref_date", "user_source"):
        if row[name] is None and name not in wrong:
            errors.append(_error(name, "required", "a value", "empty"))
    row["properties"] = _properties(item, frozenset(kinds))
    return _quarantined(row, errors, item) if errors else row


def spans(first: date, last: date, days: int) -> Iterator[tuple[date, date]]:
    """Cuts first..last (both included) into spans of at most `days` days, the oldest first; none when last < first."""
    while first <= last:
        end = min(first + timedelta(days=days - 1), last)
        yield first, end
        first = end + timedelta(days=1)


def halves(begin: date, end: date) -> tuple[tuple[date, date], tuple[date, date]]:
    """Cuts a span of two days or more into two that follow each other."""
    middle = begin + (end - begin) // 2
    return (begin, middle), (middle + timedelta(days=1), end)


def _list(answer: Mapping[str, Any], key: str) -> list[Any]:
    found = answer.get(key)
    if not isinstance(found, list):
        raise UnexpectedShape(key, "a list", _kind(found))
    return found


def _kind(value: Any) -> str:
    names = {
        type(None): "nothing", bool: "a boolean", int: "a number", float: "a number",
        str: "a text", list: "a list", tuple: "a list", dict: "an object",
    }  # fmt: skip
    return names.get(type(value), type(value).__name__)


def _dump(value: Any) -> str:
    return json.dumps(clean(value), ensure_ascii=False, sort_keys=True)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool | list | dict):
        return _dump(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return clean(str(value)).strip() or None


def _integer(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"\s*[-+]?[0-9]{1,19}\s*", value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value in INT64 else None


def _typed(item: Mapping[str, Any], key: str, column: str, kind: str, errors: list[Row]) -> Any:
    """The value of a key in the contract's type, null when empty; what cannot be read is null and goes to `errors`."""
    raw = item.get(key)
    if raw is None or raw == "":
        return None
    number = _integer(raw)
    if kind == "integer" and number is not None:
        return number
    if kind == "boolean" and (number in (0, 1) or isinstance(raw, bool)):
        return bool(number or raw is True)
    if kind == "timestamp" and number is not None and 0 <= number < LAST_SECOND:
        return datetime.fromtimestamp(number, UTC) if number else None
    if kind == "date" and isinstance(raw, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", raw):
        try:
            return date.fromisoformat(raw)
        except ValueError:
            pass
    expected = {
        "integer": "a whole number",
        "boolean": "0 or 1",
        "timestamp": "unix seconds",
        "date": "a date as YYYY-MM-DD",
    }[kind]
    errors.append(_error(column, f"not_{kind}", expected, _text(raw) or _kind(raw)))
    return None


def _properties(item: Mapping[str, Any], known: frozenset[str]) -> str | None:
    rest = {
        key: value
        for key, value in item.items()
        if key not in known and not (key in RETIRED and value in ("", 0, "0", None))
    }
    return _dump(rest) if rest else None


def _error(field: str, rule: str, expected: str, found: str) -> Row:
    return {"field": field, "rule": rule, "expected": expected, "found": found[:80]}


def _quarantined(row: Row, errors: list[Row], raw: Any) -> Row:
    return {**row, "row_errors": _dump(errors), "raw_row": _dump(raw)}
