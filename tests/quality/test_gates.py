"""What is compared over nights: usual volumes, usual freshness, the mix of values, and the sum of all rows."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from persona_warehouse.errors import ConfigError
from persona_warehouse.files import read_json, sha256_of, write_json
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import landing_schema
from persona_warehouse.quality import drift, gates, reconciliation
from persona_warehouse.quality.audit import over_nights, raise_if_failed, run_audit, thresholds
from persona_warehouse.quality.history import Past, past_results
from persona_warehouse.quality.results import Result, audit_folder, read_results
from persona_warehouse.quality.thresholds import load_reject_rates
from persona_warehouse.settings import PROJECT_ROOT, Settings
from persona_warehouse.warehouse import connect

WEEK = timedelta(weeks=1)


def landed(settings: Settings, stream: str, name: str, day: date, rows: list[dict[str, Any]], load_id: str) -> None:
    """Commits a load of one object."""
    root = settings.landing / stream
    path = root / name / f"load_date={day}" / f"{load_id}.0.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(rows, schema=landing_schema(stream, name))
    pq.write_table(table, path)
    errors = table.num_rows - table.column("row_errors").null_count
    told = store.LandedFile(
        name, str(path.relative_to(root)), table.num_rows, errors, path.stat().st_size, sha256_of(path)
    )
    manifest = store.Manifest(load_id, stream, day.isoformat(), ("", ""), f"{day}T18:00:00+00:00", files=[told])
    store.write_manifest(settings, manifest)


def tags(settings: Settings, day: date, rows: int, load_id: str) -> None:
    landed(settings, "wechat", "tags", day, [{"tag_id": str(n), "name": "x"} for n in range(rows)], load_id)


def the(results: list[Result], suite: str, fact: str) -> Result:
    (one,) = (result for result in results if (result.suite, result.expectation) == (suite, fact))
    return one


def judged(settings: Settings, database: Path) -> list[Result]:
    with connect(database, read_only=True) as connection:
        return gates.judge(settings, connection, thresholds(settings))


class TestVolume:
    @pytest.mark.parametrize(
        ("tonight", "holds"), [(100, True), (51, True), (150, True), (49, False), (0, False), (151, False)]
    )
    def test_it_is_compared_with_the_same_weekday_and_one_bad_night_does_not_widen_it(
        self, settings: Settings, empty: Path, tonight: int, holds: bool
    ) -> None:
        day = settings.business_date
        for number, rows in enumerate([100, 100, 5000, 100, 100], 1):
            tags(settings, day - number * WEEK, rows, f"{100 - number}.0")
            # the days between are another weekday's
            tags(settings, day - number * WEEK + timedelta(days=1), 1, f"{100 - number}.5")
        tags(settings, day, tonight, "200.0")
        found = the(judged(settings, empty), "stg_wechat__tags", gates.FACTS["volume"])
        assert (found.success, found.observed_value, found.severity) == (holds, str(tonight), "warning")
        assert "at least 50 and at most 150 rows on a Friday: median 100 of 5 nights" in found.reason

    def test_until_there_are_enough_nights_it_learns(self, settings: Settings, empty: Path) -> None:
        for number in range(1, 4):
            tags(settings, settings.business_date - number * WEEK, 100, f"{100 - number}.0")
        tags(settings, settings.business_date, 1, "200.0")
        found = the(judged(settings, empty), "stg_wechat__tags", gates.FACTS["volume"])
        assert found.success
        assert "learning: 3 of 4 nights" in found.reason

    def test_a_stream_without_a_load_is_not_judged(self, settings: Settings, empty: Path) -> None:
        for number in range(1, 6):
            tags(settings, settings.business_date - number * WEEK, 100, f"{100 - number}.0")
        assert judged(settings, empty) == []

    def test_a_person_knows_better(self, settings: Settings, empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        line = {"measure": "volume", "stream": "wechat", "object": "tags", "weekday": "5", "low": "500", "high": "",
                "severity": "critical", "reason": "the fair", "author": "Lin", "since": "2026-11-01"}  # fmt: skip
        monkeypatch.setattr(gates, "rows_of", lambda name: (line,))
        tags(settings, settings.business_date, 499, "200.0")
        found = the(judged(settings, empty), "stg_wechat__tags", gates.FACTS["volume"])
        assert (found.success, found.severity) == (False, "critical")
        assert "at least 500 rows on a Friday: set by Lin on 2026-11-01: the fair" in found.reason
        before = settings.with_date(date(2026, 10, 30))
        tags(before, before.business_date, 1, "201.0")
        assert the(judged(before, empty), "stg_wechat__tags", gates.FACTS["volume"]).success

    @pytest.mark.parametrize(
        ("change", "field"),
        [({"measure": "x"}, "measure"), ({"object": "tagz"}, "object"), ({"weekday": "8"}, "weekday"),
         ({"low": "few"}, "low, high, since"), ({"severity": "info"}, "severity")],
    )  # fmt: skip
    def test_a_line_that_cannot_be_read_is_named(
        self, settings: Settings, empty: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, str], field: str
    ) -> None:
        line = {"measure": "volume", "stream": "wechat", "object": "tags", "weekday": "", "low": "1", "high": "",
                "severity": "warning", "reason": "r", "author": "a", "since": "2026-11-01"}  # fmt: skip
        monkeypatch.setattr(gates, "rows_of", lambda name: (line | change,))
        with pytest.raises(ConfigError) as error:
            judged(settings, empty)
        assert (error.value.row, error.value.field) == (1, field)


class TestFreshness:
    def test_hours_beside_those_of_the_same_weekday(self, settings: Settings, good: Path) -> None:
        fact = gates.FACTS["freshness"]
        first = the(judged(settings, good), "stg_website__events", fact)
        assert first.success
        lag = float(first.observed_value)
        for number in range(1, 6):
            earlier = settings.with_date(settings.business_date - number * WEEK)
            write_json(
                audit_folder(earlier) / "results.json",
                {
                    "as_of_date": str(earlier.business_date),
                    "results": [
                        {"boundary": "staging", "suite": "stg_website__events", "expectation": fact, "success": True,
                         "unexpected_count": 0, "observed_value": str(lag - hours)}
                        for hours in [31]
                    ],
                },
            )  # fmt: skip
        late = the(judged(settings, good), "stg_website__events", fact)
        # five times six hours above the median, and one
        assert (late.success, late.unexpected_count) == (False, 1)
        assert f"at most {lag - 1:,.0f} hours before the end of the night's date on a Friday" in late.reason

    def test_history_is_that_of_former_nights_alone(self, settings: Settings) -> None:
        for days in (-1, 0, 1, 90, 91):
            night = settings.with_date(settings.business_date - timedelta(days=days))
            row = {"boundary": "marts", "suite": "s", "expectation": "e", "success": days > 1, "unexpected_count": days,
                   "observed_value": str(days)}  # fmt: skip
            write_json(audit_folder(night) / "results.json", {"as_of_date": str(night.business_date), "results": [row]})
        assert past_results(settings, 90) == {
            ("marts", "s", "e"): [
                Past(settings.business_date - timedelta(days=90), True, 90, 90.0),
                Past(settings.business_date - timedelta(days=1), False, 1, 1.0),
            ]
        }


class TestDrift:
    def test_the_index_of_a_known_shift(self) -> None:
        # (0.6 - 0.5) ln(0.6 / 0.5) + (0.4 - 0.5) ln(0.4 / 0.5), with rows enough for the half row not to count
        index, values = drift.stability_index({"a": 600000, "b": 400000}, {"a": 500000, "b": 500000})
        assert (round(index, 5), values) == (0.04055, 2)
        assert drift.stability_index({"a": 10, "b": 20}, {"a": 10, "b": 20}) == (0.0, 2)

    def test_rare_values_count_together(self) -> None:
        now = {"a": 9900} | {f"r{n}": 1 for n in range(100)}
        before = {"a": 9900} | {f"q{n}": 1 for n in range(100)}
        assert drift.stability_index(now, before, 0.01) == (0.0, 2)
        assert drift.stability_index(now, before)[0] > 0.01

    def test_a_mix_that_moved_is_told_and_a_small_one_is_not_judged(
        self, settings: Settings, good: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        line = {"table": "marts.sessions", "column": "channel", "kind": "category", "at_most": "0.25",
                "min_rows": "50", "owner": "marketing_operations", "reason": "r", "since": "2026-11-01"}  # fmt: skip
        number = line | {"column": "duration_seconds", "kind": "number"}
        monkeypatch.setattr(drift, "rows_of", lambda name: (line, number))
        reference = settings.with_date(settings.business_date - timedelta(days=28))
        mixes = {"marts.sessions.channel": {"direct": 30, "ads": 30}, "marts.sessions.duration_seconds": {"2^9": 60}}
        write_json(audit_folder(reference) / drift.FILE, mixes)
        # a later night is nearer, the oldest within four weeks counts
        later = settings.with_date(settings.business_date - timedelta(days=1))
        write_json(audit_folder(later) / drift.FILE, {"marts.sessions.channel": {"direct": 60}})
        with connect(good, read_only=True) as connection:
            moved, same = drift.judge(settings, connection, "marts", thresholds(settings))
            assert (moved.success, moved.severity, moved.owner) == (False, "warning", "marketing_operations")
            assert float(moved.observed_value) > 1
            assert "beside 2026-10-23, 60 and 60 rows, 2 values" in moved.reason
            assert (same.success, same.observed_value) == (True, "0.0000")
            assert read_json(audit_folder(settings) / drift.FILE) == {
                "marts.sessions.channel": {"direct": 60}, "marts.sessions.duration_seconds": {"2^9": 60},
            }  # fmt: skip
            monkeypatch.setattr(drift, "rows_of", lambda name: (line | {"min_rows": "61"},))
            (small,) = drift.judge(settings, connection, "marts", thresholds(settings))
        assert small.success
        assert "not judged: 60 rows now and 60 on 2026-10-23, fewer than 61" in small.reason

    def test_chance_widens_the_bound_of_small_tables(
        self, settings: Settings, good: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        line = {"table": "marts.sessions", "column": "channel", "kind": "category", "at_most": "0.01",
                "min_rows": "1", "owner": "o", "reason": "r", "since": "2026-11-01"}  # fmt: skip
        monkeypatch.setattr(drift, "rows_of", lambda name: (line,))
        reference = settings.with_date(settings.business_date - timedelta(days=7))
        write_json(audit_folder(reference) / drift.FILE, {"marts.sessions.channel": {"direct": 57, "ads": 3}})
        with connect(good, read_only=True) as connection:
            (one,) = drift.judge(settings, connection, "marts", thresholds(settings))
        # chi-square(1) leaves one in a thousand above 10.83; times 1/60 + 1/60
        assert one.success
        assert "at most 0.361 beside" in one.reason

    def test_watched_columns_are_there_and_none_is_a_person_s(self) -> None:
        manifest_columns = (PROJECT_ROOT / "dbt_project" / "seeds" / "gates" / "drift_columns.csv").read_text()
        assert "personal" not in manifest_columns
        for row in drift.rows_of(drift.SEED):
            assert row["kind"] in drift.BINS
            assert not any(word in row["column"] for word in ("name_", "email", "phone", "title", "masked", "openid"))

    def test_a_column_that_is_not_there_is_named(
        self, settings: Settings, good: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        line = {"table": "marts.sessions", "column": "chanel", "kind": "category", "at_most": "0.2", "min_rows": "1",
                "owner": "o", "reason": "r", "since": "2026-11-01"}  # fmt: skip
        monkeypatch.setattr(drift, "rows_of", lambda name: (line,))
        with connect(good, read_only=True) as connection, pytest.raises(ConfigError, match=r"marts\.sessions\.chanel"):
            drift.judge(settings, connection, "marts", thresholds(settings))


GOOD = {"product_id": "1", "name": "Pump", "source_file": "p.csv", "source_row": 1}
BAD = {"name": "?", "source_file": "p.csv", "source_row": 2, "row_errors": '[{"field": "product_id"}]', "raw_row": "?"}


class TestReconciliation:
    def night(self, settings: Settings, database: Path) -> Result:
        with connect(database, read_only=True) as connection:
            results = reconciliation.reconcile(settings, connection, "staging")
        return the(results, "stg_crm__products", reconciliation.FACTS["staging"])

    @pytest.fixture
    def told(self, settings: Settings, empty: Path) -> Path:
        day = settings.business_date
        landed(settings, "crm", "products", day - timedelta(days=1), [GOOD, GOOD | {"product_id": "2"}, BAD], "1.0")
        landed(settings, "crm", "products", day, [GOOD | {"name": "Pump II"}, BAD], "2.0")
        with connect(empty) as connection:
            connection.execute(
                """insert into staging.stg_crm__products (product_id, name, load_id)
                   values ('1', 'Pump II', '2.0'), ('2', 'Pump', '1.0');
                   insert into quarantine.crm__products (source_file, source_row, raw_row, field, load_id)
                   values ('p.csv', 2, '?', 'product_id', '2.0'), ('p.csv', 2, '?', 'name', '2.0')"""
            )
        return empty

    def test_the_sum_is_exact_and_shown(self, settings: Settings, told: Path) -> None:
        one = self.night(settings, told)
        assert (one.success, one.severity, one.evaluated_count) == (True, "critical", 5)
        assert (
            "5 landed = 2 staged + 1 superseded + 0 withdrawn + 1 in quarantine + 1 in quarantine again." in one.reason
        )
        with connect(told) as connection:
            connection.execute("create schema quality")
            reconciliation.write_reconciliation(connection, settings)
            shown = connection.execute(
                "select * exclude (stream) from quality.reconciliation where object = 'products'"
            ).fetchall()
            total = connection.execute("select count(*), sum(unaccounted_rows) from quality.reconciliation").fetchall()
        assert shown == [("products", 5, 2, 1, 0, 1, 1, 0, None, None, None, None)]
        assert total == [(28, 0)]

    @pytest.mark.parametrize(
        "change",
        [
            "delete from staging.stg_crm__products where product_id = '2'",
            "insert into staging.stg_crm__products (product_id, load_id) values ('3', '2.0')",
            "delete from quarantine.crm__products",
            # one too many and one too few are two, not none
            "delete from quarantine.crm__products; insert into staging.stg_crm__products (product_id) values ('3')",
        ],
    )
    def test_a_row_that_is_nowhere_or_from_nowhere_stops_the_night(
        self, settings: Settings, told: Path, change: str
    ) -> None:
        with connect(told) as connection:
            connection.execute(change)
        one = self.night(settings, told)
        assert (one.success, one.unexpected_count) == (False, change.count(";") + 1)

    def test_a_landed_file_with_fewer_rows_than_its_manifest_says(self, settings: Settings, told: Path) -> None:
        (path,) = (settings.landing / "crm").glob("products/load_date=2026-11-20/*.parquet")
        pq.write_table(pq.read_table(path).slice(0, 1), path)
        one = self.night(settings, told)
        assert (one.success, one.unexpected_count) == (False, 1)

    def test_a_load_that_ends_while_staging_is_built_is_the_next_build_s(self, settings: Settings, told: Path) -> None:
        landed(settings, "crm", "products", settings.business_date, [GOOD | {"product_id": "9"}], "3.0")
        assert not self.night(settings, told).success
        from datetime import UTC, datetime

        with connect(told, read_only=True) as connection:
            began = datetime(2026, 11, 20, 17, tzinfo=UTC)
            # both loads of this date ended after it began; staging took one of them
            results = reconciliation.reconcile(settings, connection, "staging", began)
        assert the(results, "stg_crm__products", reconciliation.FACTS["staging"]).success

    def test_what_a_source_took_back_is_withdrawn(self, settings: Settings, empty: Path) -> None:
        event = {"event_id": "e1", "source_file": "w.jsonl", "source_row": 1}
        landed(settings, "website", "events", settings.business_date, [event, event | {"is_deleted": True}], "1.0")
        with connect(empty, read_only=True) as connection:
            results = reconciliation.reconcile(settings, connection, "staging")
        one = the(results, "stg_website__events", reconciliation.FACTS["staging"])
        assert one.success
        assert "2 landed = 0 staged + 1 superseded + 1 withdrawn" in one.reason

    def test_staged_rows_reach_their_mart(self, settings: Settings, good: Path) -> None:
        fact = f"{reconciliation.FACTS['marts']}: crm.deals"
        with connect(good) as connection:
            connection.execute("update staging.stg_crm__deals set is_deleted = true where deal_id = 'd1'")
            connection.execute("delete from marts.lead_stages where deal_id = 'd1'")
            results = reconciliation.reconcile(settings, connection, "marts")
            assert the(results, "lead_stages", fact).success
            assert "24 staged = 23 in lead_stages + 1 deleted at the source" in the(results, "lead_stages", fact).reason
            connection.execute("delete from marts.lead_stages where deal_id = 'd2'")
            results = reconciliation.reconcile(settings, connection, "marts")
        assert (the(results, "lead_stages", fact).success, the(results, "lead_stages", fact).unexpected_count) == (
            False,
            1,
        )


def test_they_stand_among_the_results_and_stop_the_night(settings: Settings, good: Path, only: Any) -> None:
    only("stg_crm__products")
    beside = over_nights(settings, "staging", good)
    # nothing has landed, yet there are rows
    outcome = run_audit(settings, "staging", database=good, docs=True, beside=beside)
    assert not outcome.passed
    assert set(beside) <= set(read_results(settings))
    from persona_warehouse.errors import AuditFailed

    with pytest.raises(AuditFailed, match="every landed row is in staging"):
        raise_if_failed(outcome)
    written = json.loads((audit_folder(settings) / "results.json").read_text())
    assert len(written["results"]) == len(outcome.results)


@pytest.mark.parametrize(
    "lines", ["crm,*,1.5,20,r,2026-11-01", "crm,*,x,20,r,2026-11-01", "crm,*,0.1,2,r,d\ncrm,*,0.1,2,r,d"]
)
def test_a_reject_rate_that_cannot_be_read_is_named(tmp_path: Path, lines: str) -> None:
    file = tmp_path / "reject_rates.csv"
    file.write_text(f"stream,object,at_most,min_rows,reason,since\n{lines}\n")
    with pytest.raises(ConfigError, match="stands twice"):
        load_reject_rates(file)


def test_an_object_s_own_reject_rate_comes_before_its_stream_s(tmp_path: Path) -> None:
    file = tmp_path / "reject_rates.csv"
    file.write_text("stream,object,at_most,min_rows,reason,since\ncrm,*,0.2,20,r,d\ncrm,deals,0.1,10,money,d\n")
    of = load_reject_rates(file)
    assert (of("crm", "deals").at_most, of("crm", "leads").at_most) == (0.1, 0.2)
    with pytest.raises(ConfigError, match="no reject rate"):
        of("website", "events")
