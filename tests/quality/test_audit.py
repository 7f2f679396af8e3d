"""A night's audits: the outcome, the files they leave, and what must not be in them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from persona_warehouse.errors import AuditFailed, ConfigError, PersonaError
from persona_warehouse.quality.audit import raise_if_failed, read_results, run_audit, write_results
from persona_warehouse.quality.results import COLUMN_TYPES, audit_folder
from persona_warehouse.quality.thresholds import load_bounds
from persona_warehouse.settings import PROJECT_ROOT, Settings
from persona_warehouse.warehouse import connect, scratch

CANARIES = ("canary.lin@firm.example.cn", "13812345678", "金丝雀")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_good_night_passes_and_shows_both_boundaries(settings: Settings, good: Path) -> None:
    staging = run_audit(settings, "staging", database=good, docs=False)
    assert staging.passed
    assert staging.docs_dir is None
    marts = run_audit(settings, "marts", database=good, docs=True)
    assert marts.passed
    assert marts.docs_dir == settings.audits / "2026-11-20" / "quality"
    raise_if_failed(marts)
    pages = {path.relative_to(marts.docs_dir).as_posix() for path in _files(marts.docs_dir)}
    assert {"index.html", "staging/stg_crm__deals.html", "marts/accounts.html"} <= pages
    index = (marts.docs_dir / "index.html").read_text(encoding="utf-8")
    assert "Passed" in index
    assert all(page in index for page in pages - {"index.html"})
    page = (marts.docs_dir / "staging" / "stg_crm__deals.html").read_text(encoding="utf-8")
    assert "product is known among the products" in page
    assert "warning, owner sales_operations. None is tolerated" in page


def test_the_file_can_be_opened_for_writing_afterwards(settings: Settings, good: Path) -> None:
    outcome = run_audit(settings, "staging", database=good, docs=False)
    with connect(good) as connection:
        assert write_results(connection, read_results(settings)) == len(outcome.results)


def test_the_results_are_the_same_every_time(settings: Settings, good: Path) -> None:
    for boundary in ("marts", "staging"):
        run_audit(settings, boundary, database=good, docs=False)
    file = audit_folder(settings) / "results.json"
    first = file.read_bytes()
    # the other way round, and each a second time
    for boundary in ("staging", "marts"):
        run_audit(settings, boundary, database=good, docs=False)
    assert file.read_bytes() == first
    assert {result.boundary for result in read_results(settings)} == {"staging", "marts"}


def test_a_critical_break_stops_the_night_with_a_report(
    settings: Settings, good: Path, only: Callable[[str], None]
) -> None:
    with connect(good) as connection:
        connection.execute(
            "update marts.accounts set account_name = 'mail lin@firm.example.cn' where account_id = 'acc3'"
        )
    only("accounts")
    outcome = run_audit(settings, "marts", database=good, docs=False)
    assert not outcome.passed
    assert outcome.docs_dir is not None
    assert "Failed: 1 critical" in (outcome.docs_dir / "index.html").read_text(encoding="utf-8")
    with pytest.raises(AuditFailed) as failure:
        raise_if_failed(outcome)
    message = str(failure.value)
    assert failure.value.exit_code == 1
    assert "account_name holds no e-mail address or mobile number" in message
    assert "1 of 22 rows" in message
    assert str(outcome.docs_dir / "index.html") in message
    assert "data_engineering" in message
    assert "lin@" not in message


def test_a_warning_does_not_stop_the_night(settings: Settings, good: Path, only: Callable[[str], None]) -> None:
    with connect(good) as connection:
        connection.execute("update staging.stg_crm__deals set product = 'GTXPro' where source_row <= 7")
    only("stg_crm__deals")
    outcome = run_audit(settings, "staging", database=good, docs=False)
    assert outcome.passed
    raise_if_failed(outcome)
    (broken,) = (result for result in outcome.results if not result.success)
    assert (broken.severity, broken.column_name, broken.owner) == ("warning", "product", "sales_operations")
    assert (broken.unexpected_count, broken.evaluated_count, broken.observed_value) == (7, 24, "7")
    assert broken.unexpected_share == 7 / 24


def test_no_value_of_a_row_is_left_behind(settings: Settings, good: Path) -> None:
    email, mobile, name = CANARIES
    with connect(good) as connection:
        connection.execute(
            f"update staging.stg_crm__contacts set full_name = '{name}', company_id = '{name}',"
            f" email = '{email} and {mobile}'"
        )
        connection.execute(f"update staging.stg_crm__deals set product = '{name}', currency = '{email}'")
        connection.execute(
            "insert into quarantine.crm__contacts (source_file, source_row, field, raw_row, load_id)"
            f" select 'p.csv', i, 'email', '{email} {mobile}', '1' from range(24) n(i)"
        )
        connection.execute(f"update marts.contacts set masked_name = '{name}', job_title = '{email} {mobile}'")
    for boundary in ("staging", "marts"):
        outcome = run_audit(settings, boundary, database=good, docs=True)
        assert not outcome.passed
        with pytest.raises(AuditFailed) as failure:
            raise_if_failed(outcome)
        assert not any(canary in str(failure.value) for canary in CANARIES)
    files = _files(settings.audits)
    assert len(files) > 20
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert not any(canary in text for canary in CANARIES), file


def test_the_pages_need_no_network(settings: Settings, good: Path) -> None:
    outcome = run_audit(settings, "staging", database=good, docs=True)
    assert outcome.docs_dir is not None
    for file in _files(outcome.docs_dir):
        text = file.read_text(encoding="utf-8")
        assert not re.findall(r"(?:src|href)=\"?(?:https?:)?//|url\(|@import|<script", text), file
        for link in re.findall(r'href="([^"#]+)"', text):
            assert (file.parent / link).resolve().exists(), (file, link)


def test_docs_show_what_another_process_audited(settings: Settings, good: Path) -> None:
    code = (
        "from pathlib import Path; from persona_warehouse.settings import load_settings;"
        "from persona_warehouse.quality.audit import run_audit;"
        f"run_audit(load_settings(), 'staging', database=Path({str(good)!r}), docs=False)"
    )
    environment = (
        os.environ
        | settings.environment()
        | {"PYTHONPATH": str(PROJECT_ROOT), "PERSONA_DATE": settings.business_date.isoformat()}
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=settings.home.parent)
    outcome = run_audit(settings, "marts", database=good, docs=True)
    assert outcome.docs_dir is not None
    assert (outcome.docs_dir / "staging" / "stg_website__events.html").exists()


def test_another_night_has_results_of_its_own(settings: Settings, good: Path, only: Callable[[str], None]) -> None:
    only("stg_crm__products")
    run_audit(settings, "staging", database=good, docs=False)
    following = settings.with_date(settings.business_date + timedelta(days=1))
    assert read_results(following) == []
    run_audit(following, "staging", database=good, docs=False)
    assert {result.as_of_date for result in read_results(following)} == {following.business_date}


def test_the_results_table_is_typed_also_when_empty(
    settings: Settings, good: Path, only: Callable[[str], None]
) -> None:
    only("stg_crm__products")
    outcome = run_audit(settings, "staging", database=good, docs=False)
    with scratch() as connection:
        for results in (outcome.results, []):
            assert write_results(connection, results) == len(results)
            described = connection.execute("describe quality.validation_results").fetchall()
            assert {name: type_.lower() for name, type_, *_ in described} == COLUMN_TYPES
            assert connection.execute("select count(*) from quality.validation_results").fetchone() == (len(results),)


def test_a_missing_table_is_a_fault_and_no_pass(settings: Settings, good: Path) -> None:
    with connect(good) as connection:
        connection.execute("drop table marts.coverage")
    with pytest.raises(PersonaError, match=r"marts\.coverage") as failure:
        run_audit(settings, "marts", database=good, docs=False)
    assert not isinstance(failure.value, AuditFailed)


def test_an_expectation_that_cannot_be_evaluated_is_a_fault_and_no_pass(
    settings: Settings, good: Path, only: Callable[[str], None]
) -> None:
    with connect(good) as connection:
        connection.execute("alter table staging.stg_crm__products rename column list_price to price")
    only("stg_crm__products")
    with pytest.raises(PersonaError, match="could not be evaluated: list_price is at least 0"):
        run_audit(settings, "staging", database=good, docs=False)
    with connect(good) as connection:
        connection.execute("select 1")


def test_a_missing_warehouse_is_wrong_use(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing to audit"):
        run_audit(settings, "staging", database=tmp_path / "none.duckdb", docs=False)
    assert not (tmp_path / "none.duckdb").exists()


def test_the_day_ends_in_the_business_time_zone(settings: Settings, good: Path, only: Callable[[str], None]) -> None:
    # 16:00 UTC is the next day in Shanghai and the same day in London
    with connect(good) as connection:
        connection.execute("update marts.journey_stages set entered_at = '2026-11-20 16:00:00+00' where is_current")
    only("journey_stages")
    assert not run_audit(settings, "marts", database=good, docs=False).passed
    assert run_audit(replace(settings, timezone="Europe/London"), "marts", database=good, docs=False).passed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("threshold,value\na,much\n", "no number"),
        ("threshold,value\na,1\na,2\n", "stands twice"),
        ("threshold,value\n,1\n", "no name"),
        (None, "are missing"),
    ],
)
def test_a_wrong_threshold_is_named(text: str | None, message: str, tmp_path: Path) -> None:
    file = tmp_path / "audit_thresholds.csv"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_bounds(file)


def test_a_threshold_that_is_not_set_is_named(tmp_path: Path) -> None:
    file = tmp_path / "audit_thresholds.csv"
    file.write_text("threshold,value\na,0.5\n")
    bounds = load_bounds(file)
    assert bounds["a"] == 0.5
    with pytest.raises(ConfigError, match="reject_rate_max"):
        _ = bounds["reject_rate_max"]


def test_importing_the_audit_does_not_import_great_expectations() -> None:
    code = "import sys; import persona_warehouse.quality.audit; assert 'great_expectations' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT_ROOT)
