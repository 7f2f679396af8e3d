"""How fresh the streams are, and what quarantine tells without telling too much."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from persona_warehouse.landing import store
from persona_warehouse.quality.freshness import Freshness, freshness, write_freshness, write_quarantined_rows
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import attach, connect, scratch


def land(settings: Settings, stream: str, *days: str) -> None:
    """Commits an empty load of a stream for each day."""
    store.prepare(settings)
    for number, day in enumerate(days):
        store.write_manifest(settings, store.Manifest(f"17000{number}.5", stream, day, ("", ""), ""))


def look(settings: Settings, database: Path, failures: dict[str, str] | None = None) -> dict[str, Freshness]:
    with connect(database, read_only=True) as connection:
        return {one.stream: one for one in freshness(settings, connection, failures or {})}


def test_nothing_was_ever_loaded(settings: Settings, empty: Path) -> None:
    found = look(settings, empty)
    assert list(found) == ["crm", "website", "wechat"]
    for stream, one in found.items():
        assert one == Freshness(stream, "absent", None, None, 0, 0, "")
    store.prepare(settings)  # the baseline is no load
    assert look(settings, empty)["crm"].status == "absent"


@pytest.mark.parametrize(
    ("days", "status", "last"),
    [
        (["2026-11-20"], "fresh", date(2026, 11, 20)),
        (["2026-11-18", "2026-11-19"], "stale", date(2026, 11, 19)),
        (["2026-11-20", "2026-11-18"], "fresh", date(2026, 11, 20)),  # an older night was run again
        (["2026-11-21"], "fresh", date(2026, 11, 21)),  # this night is an older one
    ],
)
def test_fresh_and_stale(settings: Settings, empty: Path, days: list[str], status: str, last: date) -> None:
    land(settings, "website", *days)
    found = look(settings, empty)
    assert (found["website"].status, found["website"].last_load_date) == (status, last)
    assert found["crm"].status == "absent"


def test_a_failure_is_told_with_its_cause_whatever_was_loaded_before(settings: Settings, empty: Path) -> None:
    land(settings, "crm", "2026-11-20")
    found = look(settings, empty, {"crm": "the file is cut off", "wechat": "no answer"})
    assert (found["crm"].status, found["crm"].message) == ("failed", "the file is cut off")
    assert found["crm"].last_load_date == date(2026, 11, 20)
    assert (found["wechat"].status, found["wechat"].last_load_date) == ("failed", None)
    assert (found["website"].status, found["website"].message) == ("absent", "")


def test_data_reach_up_to_the_latest_moment_of_any_object(settings: Settings, good: Path) -> None:
    found = look(settings, good)
    with connect(good) as connection:
        (last,) = connection.execute("select max(occurred_at) from staging.stg_website__events").fetchone() or (None,)
    assert found["website"].data_through == last
    assert found["crm"].data_through == datetime(2026, 3, 20, tzinfo=UTC)
    assert found["wechat"].data_through == datetime(2026, 5, 1, tzinfo=UTC)


def test_what_lies_ahead_of_the_night_is_no_freshness(settings: Settings, good: Path) -> None:
    with connect(good) as connection:
        connection.execute("""
        update staging.stg_crm__deals set is_closed = false, closed_at = timestamptz '2027-03-31 00:00:00+00';
        update staging.stg_crm__activities set occurred_at = case activity_id
            when 'a1' then timestamptz '2026-11-20 15:59:59+00'
            when 'a2' then timestamptz '2026-11-20 16:00:00+00'
            else occurred_at end
        """)
    found = look(settings, good)["crm"].data_through
    assert found == datetime(2026, 11, 20, 15, 59, 59, tzinfo=UTC)  # the night's date ends at midnight in Shanghai


def quarantine(database: Path, table: str, rows: list[tuple[str, int, str, str, str]]) -> None:
    stream, _, name = table.partition("__")
    with connect(database) as connection:
        for file, row, field, rule, expected in rows:
            connection.execute(
                f"insert into quarantine.{table} values (uuid()::varchar, ?, ?, ?, ?, ?, ?, ?, 'text', ?, '1')",
                [stream, name, file, row, field, rule, expected, f'{{"phone": "13800000000", "row": {row}}}'],
            )


def test_landed_and_quarantined_rows_are_counted(settings: Settings, good: Path) -> None:
    before = look(settings, good)
    assert (before["website"].rows_landed, before["website"].rows_quarantined) == (60, 0)
    bad = [("w.log", 7, "occurred_at", "type", "a time"), ("w.log", 7, "http_status", "type", "a number")]
    quarantine(good, "website__events", [*bad, ("w.log", 9, "occurred_at", "type", "a time")])
    found = look(settings, good)
    assert (found["website"].rows_landed, found["website"].rows_quarantined) == (62, 2)  # rows, not their faults
    assert found["crm"] == before["crm"]


def test_freshness_is_written_one_row_a_stream(settings: Settings, good: Path) -> None:
    land(settings, "crm", "2026-11-19")
    with scratch() as out:
        out.execute("create schema quality")
        found = list(look(settings, good, {"website": "cut off"}).values())
        for _ in range(2):  # anew each time
            write_freshness(out, found)
        rows = out.execute("select stream, status, last_load_date, rows_landed, message from quality.source_freshness")
        assert rows.fetchall() == [
            ("crm", "stale", date(2026, 11, 19), found[0].rows_landed, ""),
            ("website", "failed", None, 60, "cut off"),
            ("wechat", "absent", None, found[2].rows_landed, ""),
        ]


def test_quarantine_is_published_as_counts_and_reasons(good: Path) -> None:
    times = [("w.log", row, "occurred_at", "type", f"one of {row % 3} forms") for row in (9, 7, 8)]
    quarantine(good, "website__events", [*times, ("w.log", 7, "http_status", "type", "a number")])
    quarantine(good, "crm__deals", [("d.csv", 3, "deal_id", "required", "a value")])
    with scratch() as out:
        out.execute("create schema quality")
        attach(out, good, "source")
        write_quarantined_rows(out, "source")
        found = out.execute("select * from quality.quarantined_rows")
        assert [column[0] for column in found.description or []] == [
            "stream", "object", "source_file", "rule", "field", "expected", "row_count", "first_row",
        ]  # fmt: skip
        assert found.fetchall() == [
            ("crm", "deals", "d.csv", "required", "deal_id", "a value", 1, 3),
            ("website", "events", "w.log", "type", "http_status", "a number", 1, 7),
            (
                "website",
                "events",
                "w.log",
                "type",
                "occurred_at",
                "one of 0 forms",
                3,
                7,
            ),  # of several, always the same
        ]
        write_quarantined_rows(out, "source")
        assert "13800000000" not in str(out.execute("select * from quality.quarantined_rows").fetchall())
