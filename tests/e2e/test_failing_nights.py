"""Nights on a small world that go wrong, one after the other: exit codes, what is published, what is kept."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.conftest import Answer, manifest, persona
from tests.standins.wechat import WeChatStandin

pytestmark = pytest.mark.heavy
DATE = "2026-10-31"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a published night of a world of thirty companies."""
    home = tmp_path_factory.mktemp("nights") / "home"
    written = persona("simulate", "--out", home / "sample", "--companies", "30", "--days", "60", home=home)
    assert written.code == 0, written.err
    answer = night(home)
    assert answer.code == 0, answer.out + answer.err
    return home


def night(home: Path, sources: Path | None = None, **environment: str) -> Answer:
    return persona("nightly", "--date", DATE, *(("--sources", sources) if sources else ()), home=home, **environment)


def changed_sources(home: Path, name: str, *changes: tuple[str, str]) -> Path:
    text = (home / "sample" / "sources.yml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = home / "sample" / name
    path.write_text(text, encoding="utf-8")
    return path


def accounts(home: Path) -> int:
    with duckdb.connect(str(home / "current" / "persona_marts.duckdb"), read_only=True) as connection:
        return int(connection.execute("select count(*) from marts.accounts").fetchall()[0][0])


def test_a_missing_file_fails_its_stream_alone(home: Path) -> None:
    before, known = manifest(home)["release_id"], accounts(home)
    answer = night(home, changed_sources(home, "missing.yml", ("deals.csv", "deal.csv")))
    assert answer.code == 2, answer.out
    for said in ("source crm", "object deals", "deal.csv", "similar: deals.csv", "to do:"):
        assert said in answer.out
    assert manifest(home)["release_id"] != before
    streams = manifest(home)["streams"]
    assert {name: one["status"] for name, one in streams.items()} == {
        "crm": "failed", "website": "fresh", "wechat": "fresh",
    }  # fmt: skip
    assert streams["crm"]["message"] == "a file of the sources file is missing"
    assert accounts(home) == known


def test_a_login_page_instead_of_an_api_is_a_fault_of_the_source(home: Path) -> None:
    text = (home / "sample" / "sources.yml").read_text(encoding="utf-8")
    sources = home / "sample" / "login.yml"
    head = text[: text.index("  wechat:")]
    sources.write_text(
        head + "  wechat:\n    - {connector: official_account, connection: wechat_main}\n", encoding="utf-8"
    )
    with WeChatStandin(login_page=True) as wechat:
        answer = night(home, sources, AIRFLOW_CONN_WECHAT_MAIN=wechat.connection_json())
    assert answer.code == 3, answer.out
    assert "source wechat" in answer.out
    assert "expected: HTTP 200 and a JSON object" in answer.out
    assert manifest(home)["streams"]["wechat"]["status"] == "failed"
    assert manifest(home)["streams"]["crm"]["status"] == "fresh"


def test_rows_that_break_a_critical_expectation_stop_the_night(home: Path) -> None:
    before = manifest(home)["release_id"]
    deals = home / "sample" / "crm" / "deals.csv"
    kept = deals.read_bytes()
    try:
        header, *lines = deals.read_text(encoding="utf-8-sig").splitlines()
        cut = [line.replace(",", ";") for line in lines]
        deals.write_text("\n".join([header, *cut]), encoding="utf-8")
        answer = night(home)
    finally:
        deals.write_bytes(kept)
    assert answer.code == 1, answer.out + answer.err
    assert "stg_crm__deals" in answer.out
    assert "nothing published; `current` is still " + before in answer.out
    assert manifest(home)["release_id"] == before
    page = home / "audits" / DATE / "quality" / "index.html"
    assert str(page) in answer.out
    assert "stg_crm__deals" in page.read_text(encoding="utf-8")
    told = persona("quality", home=home)
    assert told.code == 1
    assert "critical" in told.out
    examined = persona("doctor", home=home)
    assert "audit_staging failed" in examined.out


def test_the_next_night_heals_by_itself(home: Path) -> None:
    former = (home / "current" / "dbt_docs" / "index.html").resolve()
    answer = night(home)
    assert answer.code == 0, answer.out + answer.err
    assert manifest(home)["audit"]["passed"]
    # the models did not change: both releases share one documentation
    now = (home / "current" / "dbt_docs" / "index.html").resolve()
    assert now != former
    assert now.samefile(former)
    assert now.with_name("column_lineage.csv").samefile(former.with_name("column_lineage.csv"))


def test_the_streams_kept_their_history(home: Path) -> None:
    examined = persona("doctor", home=home)
    assert examined.code == 0, examined.out
    assert examined.out.count("hashes right") == 3
    listed = persona("releases", "list", home=home)
    assert listed.out.count("→") == 1


def test_rollback_and_back(home: Path) -> None:
    now = manifest(home)["release_id"]
    back = persona("releases", "rollback", home=home)
    assert back.code == 0
    assert manifest(home)["release_id"] < now
    assert persona("releases", "rollback", now, home=home).code == 0
    assert manifest(home)["release_id"] == now
    unknown = persona("releases", "show", "2031", home=home)
    assert unknown.code == 2
    assert "no such release" in unknown.err


def test_the_hash_key_is_in_no_file_of_the_night_but_its_own(home: Path) -> None:
    key = (home / "secrets" / "hash_key").read_text()
    pads = [bytes(byte ^ pad for byte in key.encode().ljust(64, b"\0")).hex() for pad in (0x36, 0x5C)]
    found = [
        path
        for path in home.rglob("*")
        if path.is_file() and path.name != "hash_key" and any(n.encode() in path.read_bytes() for n in (key, *pads))
    ]
    assert found == []
