"""Alarms: who is told what, once, in both languages, without the secret address anywhere; silence is noticed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from persona_warehouse import alarms
from persona_warehouse.alarms import Problem
from persona_warehouse.errors import ConfigError, PersonaError
from persona_warehouse.night import alarms as night_alarms
from persona_warehouse.night.alarm_commands import app
from persona_warehouse.night.runs import record
from persona_warehouse.quality.results import Result, save_results
from persona_warehouse.settings import Settings
from tests.standins.webhook import Webhook

SECRET = "s3cr3t-canary-of-a-channel"
BAD = Problem("audit:x", "critical", "data_engineering", "accounts: keys are unique", "mend it", "audits/x.html")
ODD = Problem("audit:y", "warning", "finance", "invoices: amounts are plausible", "look")


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    with Webhook() as webhook:
        for name in ("critical", "finance", "heartbeat"):
            monkeypatch.setenv(f"AIRFLOW_CONN_ALARMS_{name.upper()}", webhook.connection(name, SECRET))
        yield webhook


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("PERSONA_HOME", str(tmp_path / "home"))
    return Settings(tmp_path / "home", tmp_path / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)


def next_night(settings: Settings, days: int = 1) -> Settings:
    return settings.with_date(settings.business_date + timedelta(days=days))


def test_each_owner_is_told_of_theirs_in_both_languages(settings: Settings, sink: Webhook) -> None:
    served = replace(settings, pages_url="https://pages.example/")
    told = alarms.tell(served, [BAD, ODD], whole=True)
    assert [(one.connection, one.state, one.problems) for one in told] == [
        ("alarms_critical", "sent", 1), ("alarms_finance", "sent", 1),
    ]  # fmt: skip
    (critical, title, body), (finance, _, other) = sink.taken()
    assert (critical, finance) == ("critical", "finance")
    assert title == "画像仓库 2026-11-20:1 项问题 · persona warehouse 2026-11-20: 1 problems"
    assert body.splitlines() == [
        "[严重 · critical] accounts: keys are unique — 新问题 · new, data_engineering",
        "处理 · to do: mend it",
        "详情 · more: https://pages.example/audits/x.html",
    ]
    assert "invoices" in other
    assert "accounts" not in other


def test_the_same_cause_is_told_once_and_its_end_too(settings: Settings, sink: Webhook) -> None:
    alarms.tell(settings, [ODD], whole=True)
    assert len(sink.taken()) == 1
    for later in (settings, next_night(settings), next_night(settings, 2)):
        assert alarms.tell(later, [ODD], whole=True) == []
    assert sink.taken() == []
    assert [(one.since, one.told) for one in alarms.known(settings)] == [("2026-11-20", "2026-11-20")]
    alarms.tell(next_night(settings, 3), [], whole=True)
    ((_, title, body),) = sink.taken()
    assert title.startswith("画像仓库 2026-11-23:1 项问题已恢复")
    assert body == "✓ invoices: amounts are plausible — 已恢复(自 2026-11-20) · has ended (since 2026-11-20)"
    assert alarms.known(settings) == []


def test_a_critical_one_that_stays_is_told_in_one_line_a_night(settings: Settings, sink: Webhook) -> None:
    alarms.tell(settings, [BAD], whole=True)
    alarms.tell(settings, [BAD], whole=True)
    assert len(sink.taken()) == 1
    alarms.tell(next_night(settings, 2), [BAD], whole=True)
    ((_, _, body),) = sink.taken()
    assert body == (
        "[严重 · critical] accounts: keys are unique — 自 2026-11-20 起未恢复(2 天)"
        " · still failing since 2026-11-20 (2 days)"
    )


def test_a_part_of_a_night_ends_nothing(settings: Settings, sink: Webhook) -> None:
    alarms.tell(settings, [ODD], whole=True)
    alarms.tell(settings, [BAD], whole=False)
    assert [channel for channel, _, _ in sink.taken()] == ["finance", "critical"]
    assert {one.key for one in alarms.known(settings)} == {"audit:x", "audit:y"}


def test_what_reached_nobody_is_told_again(settings: Settings, sink: Webhook) -> None:
    sink.refuses = True
    assert [one.state for one in alarms.tell(settings, [ODD], whole=True)] == ["failed"]
    assert [one.told for one in alarms.known(settings)] == [""]
    sink.refuses = False
    assert [one.state for one in alarms.tell(next_night(settings), [ODD], whole=True)] == ["sent"]
    assert "新问题 · new" in sink.taken()[0][2]
    assert alarms.known(settings)[0].since == "2026-11-20"


def test_the_address_stands_nowhere(
    settings: Settings, sink: Webhook, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("AIRFLOW_CONN_ALARMS_DATA_ENGINEERING", '{"password": "nosuch://' + SECRET + '"}')
    sink.refuses = True
    alarms.tell(settings, [BAD, ODD, replace(BAD, key="z", kind="warning")], whole=True)
    answer = CliRunner().invoke(app, ["test"])
    assert answer.exit_code == 2
    assert "nobody took it" in answer.output
    written = [path.read_text() for path in settings.home.rglob("*") if path.is_file()]
    assert written
    assert not any(SECRET in text for text in [*written, caplog.text, answer.output])


def test_a_route_that_cannot_be_read_and_a_channel_that_no_route_names(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError) as error:
        alarms.try_out(settings, "json://x/" + SECRET)
    assert SECRET not in str(error.value)
    monkeypatch.setattr(alarms, "rows_of", lambda _: ({"kind": "loud", "owner": "*", "connection": "c"},))
    with pytest.raises(ConfigError, match="cannot be read"):
        alarms.routes()


def result(**changes: Any) -> Result:
    given = {
        "as_of_date": date(2026, 11, 20), "boundary": "marts", "suite": "accounts", "expectation": "it holds",
        "column_name": None, "severity": "warning", "success": False, "evaluated_count": 9, "unexpected_count": 2,
        "unexpected_share": 2 / 9, "observed_value": "2", "reason": "R.", "owner": "finance",
    }  # fmt: skip
    return Result(**given | changes)


def a_failing_step(settings: Settings, dag: str, task: str) -> None:
    def body() -> None:
        raise PersonaError("the file is cut off", found="x", remedy="send it again")

    with pytest.raises(PersonaError):
        record(settings, dag, task, body)


def test_a_night_s_problems_are_its_steps_and_its_expectations(settings: Settings) -> None:
    a_failing_step(settings, "ingest_crm", "load")
    a_failing_step(settings, "build_personas", "audit_marts")
    save_results(settings, "marts", [result(), result(severity="info", expectation="i"), result(success=True)])
    save_results(settings, "staging", [result(boundary="staging", severity="critical", owner="data_engineering")])
    assert [(one.key, one.kind, one.owner, one.remedy) for one in night_alarms.problems(settings)] == [
        ("step:ingest_crm.load", "warning", "data_engineering", "send it again"),
        ("step:build_personas.audit_marts", "critical", "data_engineering", "send it again"),
        ("audit:staging.accounts.it holds", "critical", "data_engineering", night_alarms.MEND),
        ("audit:marts.accounts.it holds", "warning", "finance", night_alarms.SEE),
    ]


def test_airflow_tells_a_failure_a_publication_and_a_late_run(settings: Settings, sink: Webhook) -> None:
    context = {"params": {"business_date": "2026-11-20"}}
    a_failing_step(settings, "build_personas", "build_marts")
    night_alarms.on_failure(context)
    ((channel, _, body),) = sink.taken()
    assert channel == "critical"
    assert "build_personas.build_marts: the file is cut off — 新问题 · new" in body
    assert "处理 · to do: send it again" in body
    night_alarms.on_late("build_personas")
    assert "build_personas 未按时结束" in sink.taken()[0][2]
    record(settings, "build_personas", "build_marts", lambda: "done")
    night_alarms.on_published(context)
    told = sink.taken()
    assert [channel for channel, _, _ in told] == ["critical", "heartbeat"]
    assert told[0][2].count("已恢复") == 2
    assert told[1][1] == "画像仓库 2026-11-20:已发布 · persona warehouse 2026-11-20: published"
    assert alarms.known(settings) == []


def test_telling_never_fails_a_night(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def fails(_: Any) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(night_alarms, "failed_step", fails)
    night_alarms.on_failure({"params": {}})
    assert "alarms could not be told: RuntimeError" in caplog.text
    assert SECRET not in caplog.text


def test_silence_is_noticed(settings: Settings, sink: Webhook) -> None:
    home = ["--home", str(settings.home)]
    answer = CliRunner().invoke(app, ["check", *home])
    assert (answer.exit_code, "no night has published ever" in answer.output) == (1, True)
    assert sink.taken()[0][0] == "critical"
    alarms.beat(settings, "alive")
    assert CliRunner().invoke(app, ["check", *home]).exit_code == 0
    file = settings.alarms / "heartbeat.json"
    file.write_text('{"at": "2026-01-01T00:00:00+00:00", "business_date": "2025-12-31"}')
    assert CliRunner().invoke(app, ["check", *home]).exit_code == 1


def test_trying_out_and_showing(settings: Settings, sink: Webhook) -> None:
    answer = CliRunner().invoke(app, ["test", "--channel", "alarms_finance"])
    assert answer.exit_code == 0, answer.output
    assert [(channel, title) for channel, title, _ in sink.taken()] == [
        ("finance", "画像仓库:测试消息 · persona warehouse: a test")
    ]
    alarms.tell(settings, [ODD], whole=True)
    shown = CliRunner().invoke(app, ["show", "--home", str(settings.home)]).output
    assert "invoices: amounts are plausible" in " ".join(shown.split())
    assert "alarms_finance: set" in shown
    assert "alarms_sales_operations: not set" in shown


def test_a_home_without_channels_says_so(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = CliRunner().invoke(app, ["test"])
    assert (answer.exit_code, "not set" in answer.output) == (2, True)
    assert alarms.tell(settings, [BAD], whole=True)[0].state == "unset"


def test_the_dags_tell_and_have_deadlines() -> None:
    from persona_warehouse.night import wiring

    assert wiring.DEFAULT_ARGS["on_failure_callback"] is wiring._on_failure
    deadline = wiring.in_time("build_personas", 3)
    assert deadline.interval == timedelta(hours=3)
    assert deadline.callback.path == "persona_warehouse.night.wiring.on_late"
    assert deadline.callback.kwargs == {"dag": "build_personas"}
