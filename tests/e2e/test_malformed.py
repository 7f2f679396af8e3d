"""A hundred thousand malformed rows of thirty kinds: each in quarantine for its reason, the good ones published."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.conftest import manifest, persona
from tests.traces import traces

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900)]

EACH, GOOD = 3334, 420_000
FINE = {"id": "{id}", "kind": "call", "minutes": "5", "at": "2026-10-05 09:30:00"}
TIMES = (
    "2026-02-30 09:00:00", "2026-13-01 09:00:00", "2026-00-10", "yesterday", "32.01.2026", "2026-10-10 25:00:00",
    "2026-10-10T10:61:00", "now()", "1e99", "￥", "2026年13月40日", "0000-00-00",
)  # fmt: skip
MINUTES = ("abc", "1.2.3", "--5", "five", "1;2", "1e", "?", "12 o'clock", "#N/A!", "½½")
# label -> the line's fields and the (field, rule) of each error that it must be held back for
KINDS: list[tuple[list[str], set[tuple[str | None, str]]]] = [
    *(([*(FINE | {"at": text}).values()], {("occurred_at", "not_timestamp")}) for text in TIMES),
    *(([*(FINE | {"minutes": text}).values()], {("minutes", "not_decimal")}) for text in MINUTES),
    ([*(FINE | {"id": ""}).values()], {("activity_id", "required")}),
    ([*(FINE | {"id": "   "}).values()], {("activity_id", "required")}),
    ([*(FINE | {"kind": ""}).values()], {("activity_type", "required")}),
    ([*(FINE | {"at": ""}).values()], {("occurred_at", "required")}),
    ([*(FINE | {"kind": "", "at": ""}).values()], {("activity_type", "required"), ("occurred_at", "required")}),
    ([*(FINE | {"minutes": "x", "at": "y"}).values()], {("minutes", "not_decimal"), ("occurred_at", "not_timestamp")}),
    (["{id}", "call", "5"], {(None, "malformed_row")}),
    ([*FINE.values(), "one too many"], {(None, "malformed_row")}),
]  # fmt: skip


def test_each_is_held_back_for_its_reason_and_the_good_ones_are_published(tmp_path: Path) -> None:
    assert len(KINDS) == 30
    exports = tmp_path / "exports"
    exports.mkdir()
    (exports / "companies.csv").write_text("id,name\n" + "".join(f"{n},海河科技{n}有限公司\n" for n in range(20)))
    with (exports / "activities.csv").open("w", encoding="utf-8") as stream:
        stream.write("id,kind,minutes,at\n")
        # a bad row among four good ones, all the way
        for at in range(EACH):
            for number, (fields, _) in enumerate(KINDS):
                stream.write(",".join(fields).replace("{id}", f"b{number}-{at}") + "\n")
                stream.writelines(f"g{number}-{at}-{k},call,5,2026-10-05 09:30:00\n" for k in range(GOOD // EACH // 30))
    good = EACH * 30 * (GOOD // EACH // 30)
    (tmp_path / "sources.yml").write_text(
        """sources:
  crm:
    - connector: files
      path: exports
      objects:
        companies: {file: companies.csv, columns: {company_id: id, name: name}}
        activities:
          file: activities.csv
          columns: {activity_id: id, activity_type: kind, minutes: minutes, occurred_at: at}
"""
    )
    home = tmp_path / "home"
    # an address that nobody listens at: telling fails, which no log may show with it
    secrets = {
        "AIRFLOW_CONN_ALARMS_HEARTBEAT": '{"conn_type": "apprise", "password": "json://127.0.0.1:9/canary-of-a-channel"}',
        "AIRFLOW_CONN_HUBSPOT_MAIN": '{"conn_type": "http", "password": "canary-of-a-source"}',
        "PERSONA_HASH_KEY": "canary-of-the-hash-key-0123456789",
    }
    answer = persona("nightly", "--sources", tmp_path / "sources.yml", "--date", "2026-10-31", home=home, **secrets)
    assert answer.code == 0, answer.out + answer.err
    assert traces(home, ["canary-of-a-channel", "canary-of-a-source", secrets["PERSONA_HASH_KEY"]]) == []
    assert "canary" not in answer.out + answer.err
    assert manifest(home)["streams"]["crm"]["rows_quarantined"] == EACH * 30
    with duckdb.connect(str(home / "warehouse" / "persona.duckdb"), read_only=True) as connection:
        staged = connection.execute(
            "select count(*), count(*) filter (activity_id[1] = 'b') from staging.stg_crm__activities"
        )
        assert staged.fetchall() == [(good, 0)]
        # the place in the file tells the kind
        step = 1 + GOOD // EACH // 30
        held = connection.execute(
            f"""select kind, list(distinct (field, rule) order by (field, rule)), count(*) from (
                    select ((source_row - 1) // {step}) % 30 as kind, source_row, list(field) as f, field, rule
                    from quarantine.crm__activities group by all)
                group by kind order by kind"""
        ).fetchall()
    assert [number for number, _, _ in held] == list(range(30))
    for (_, reasons), (number, found, count) in zip(KINDS, held, strict=True):
        assert set(found) == reasons, number
        assert count == EACH * len(reasons), number
    with duckdb.connect(str(home / "current" / "persona_marts.duckdb"), read_only=True) as connection:
        (sums,) = connection.execute(
            """select landed_rows, staged_rows, quarantined_rows, unaccounted_rows
               from quality.reconciliation where object = 'activities'"""
        ).fetchall()
    assert sums == (good + EACH * 30, good, EACH * 30, 0)
