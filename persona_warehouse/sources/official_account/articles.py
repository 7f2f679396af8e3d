"""Answers of the article statistics to landing rows: pure functions, no network, no clock.

They say how many read, never who: no answer holds an openid. Whatever JSON arrives, a row comes out; a value that
cannot be typed is left empty and stands in the row's `row_errors`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from persona_warehouse.sources.official_account.values import (
    Row,
    error_of,
    kind_of,
    leftovers,
    quarantined,
    required,
    typed,
)

# landing column -> the kind of its value; the API's key is the column's name
COUNTED = {
    "read_user": "integer",
    "read_user_source": "json",
    "share_user": "integer",
    "zaikan_user": "integer",
    "like_user": "integer",
    "comment_count": "integer",
    "collection_user": "integer",
}
ACCOUNT = {**COUNTED, "redirect_ori_page_user": "integer", "send_page_count": "integer"}
READ = {"read_user": "integer", "read_user_source": "json"}
SHARED = {"share_user": "integer"}
TOTAL = {
    "stat_date": "date",
    **COUNTED,
    "praise_money": "integer",
    "read_subscribe_user": "integer",
    "read_delivery_rate": "decimal",
    "read_finish_rate": "decimal",
    "read_avg_activetime": "decimal",
}


def account_rows(entries: Iterable[Any], is_delay: bool | None) -> list[Row]:
    """Entries of getbizsummary as landing rows of `account_daily_stats`, one a day."""
    return [_with_detail(entry, ("ref_date",), ACCOUNT, is_delay) for entry in entries]


def daily_rows(read: Iterable[Any], shared: Iterable[Any], is_delay: bool | None) -> list[Row]:
    """Entries of getarticleread and getarticleshare as landing rows of `article_daily_stats`, one a day and article.

    An article that only one of the two knows has nulls where the other would speak. Entries that cannot be read are
    rows with errors, at the end.
    """
    merged: dict[tuple[Any, str], Row] = {}
    broken: list[Row] = []
    for entries, kinds in ((read, READ), (shared, SHARED)):
        for entry in entries:
            row = _with_detail(entry, ("ref_date", "msgid"), kinds, is_delay)
            if "row_errors" in row:
                broken.append(row)
                continue
            into = merged.setdefault((row["ref_date"], row["msgid"]), row)
            into.update({name: value for name, value in row.items() if value is not None})
    return [merged[key] for key in sorted(merged)] + broken


def total_rows(entries: Iterable[Any], is_delay: bool | None) -> list[Row]:
    """Entries of getarticletotaldetail as landing rows of `article_stats`: one an article and day of statistics.

    The numbers are cumulative from the day of publishing to `stat_date`, as delivered.
    """
    return [row for entry in entries for row in _total_rows(entry, is_delay)]


def _total_rows(entry: Any, is_delay: bool | None) -> Iterator[Row]:
    details = entry.get("detail_list") if isinstance(entry, Mapping) else None
    if not isinstance(details, list):
        field, found = ("detail_list", details) if isinstance(entry, Mapping) else ("msgid", entry)
        yield quarantined({}, [error_of(field, "not_list", "a list of days", kind_of(found))], entry)
        return
    about = {name: value for name, value in entry.items() if name not in ("detail_list", "ref_date", "content_url")}
    about |= {"published_on": entry.get("ref_date"), "url": entry.get("content_url")}
    kinds = {
        "msgid": "text",
        "published_on": "date",
        "title": "text",
        "url": "text",
        "publish_type": "integer",
        **TOTAL,
    }
    for detail in details:
        if isinstance(detail, Mapping):
            yield _row({**about, **detail}, kinds, ("msgid", "published_on", "stat_date"), is_delay, raw=detail)
        else:
            yield quarantined({}, [error_of("detail_list", "not_object", "a JSON object", kind_of(detail))], detail)


def _with_detail(entry: Any, key: tuple[str, ...], kinds: Mapping[str, str], is_delay: bool | None) -> Row:
    """A row whose measures stand in the entry's `detail`."""
    detail = entry.get("detail") if isinstance(entry, Mapping) else None
    if not isinstance(detail, Mapping):
        field, found = ("detail", detail) if isinstance(entry, Mapping) else (key[-1], entry)
        return quarantined({}, [error_of(field, "not_object", "a JSON object", kind_of(found))], entry)
    flat = {**detail, **{name: value for name, value in entry.items() if name != "detail"}}
    names = {name: "date" if name == "ref_date" else "text" for name in key}
    return _row(flat, {**names, **kinds}, key, is_delay, raw=entry)


def _row(
    item: Mapping[str, Any], kinds: Mapping[str, str], key: tuple[str, ...], is_delay: bool | None, raw: Any
) -> Row:
    errors: list[Row] = []
    row: Row = {name: typed(item, name, name, kind, errors) for name, kind in kinds.items()}
    required(row, key, errors)
    row |= {"is_delay": is_delay, "properties": leftovers(item, frozenset(kinds))}
    return quarantined(row, errors, raw) if errors else row
