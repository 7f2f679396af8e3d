"""One night on real files and the stand-in's followers, twice: exact counts at every layer."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.conftest import Answer, content_hashes, manifest, persona
from tests.standins.wechat import USER_INFO_BATCH, WeChatStandin

pytestmark = pytest.mark.heavy
SOURCES = Path(__file__).with_name("real_sources.yml")


@pytest.fixture(scope="module")
def home(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("real") / "home"


@pytest.fixture(scope="module")
def first_night(home: Path) -> tuple[Answer, dict[str, str]]:
    """The token expires in mid-run, and one answer is -1."""
    with WeChatStandin(expire_token_after=100, busy_once_at=USER_INFO_BATCH) as wechat:
        answer = _night(home, wechat)
        assert wechat.calls["/cgi-bin/user/get"] >= 3
    return answer, content_hashes(home)


def _night(home: Path, wechat: WeChatStandin) -> Answer:
    return persona(
        "nightly", "--sources", SOURCES, "--date", "2017-12-31",
        home=home, AIRFLOW_CONN_WECHAT_MAIN=wechat.connection_json(),
    )  # fmt: skip


@pytest.fixture(scope="module")
def release(first_night: tuple[Answer, dict[str, str]], home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    assert first_night[0].code == 0, first_night[0].out + first_night[0].err
    connection = duckdb.connect(str(home / "current" / "persona_marts.duckdb"), read_only=True)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def working(release: duckdb.DuckDBPyConnection, home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(str(home / "warehouse" / "persona.duckdb"), read_only=True)
    yield connection
    connection.close()


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query).fetchall()


def test_the_night_says_what_it_did_and_where_to_look(first_night: tuple[Answer, dict[str, str]], home: Path) -> None:
    answer = first_night[0]
    assert answer.code == 0, answer.out + answer.err
    assert len(re.findall(r"✓ \d/9 .* \d+\.\d s ", answer.out)) == 9
    for place in ("current/persona_marts.duckdb", "current/report/index.html", "current/quality/index.html"):
        assert (home / place).is_file()
        assert str(home / place) in answer.out


def test_everything_landed(release: duckdb.DuckDBPyConnection, home: Path) -> None:
    landed = {
        f"{stream}.{name}": rows(
            release, f"select count(*) from read_parquet('{home}/landing/{stream}/{name}/load_date=*/*.parquet')"
        )[0][0]
        for stream, name in (
            ("crm", "companies"), ("crm", "deals"), ("crm", "products"), ("website", "events"),
            ("wechat", "followers"), ("wechat", "tags"), ("wechat", "daily_follower_stats"),
            ("wechat", "account_daily_stats"),
        )
    }  # fmt: skip
    # the API has no account statistics from before November 2025
    assert landed == {
        "crm.companies": 85, "crm.deals": 8800, "crm.products": 7, "website.events": 10000,
        "wechat.followers": 25000, "wechat.tags": 6, "wechat.daily_follower_stats": 49,
        "wechat.account_daily_stats": 0,
    }  # fmt: skip


def test_staging_holds_every_row_but_the_malformed_line(working: duckdb.DuckDBPyConnection) -> None:
    tables = {
        "stg_crm__companies": 85, "stg_crm__deals": 8800, "stg_crm__products": 7, "stg_website__events": 9999,
        "stg_wechat__followers": 25000, "stg_wechat__tags": 6, "stg_crm__contacts": 0, "stg_crm__leads": 0,
    }  # fmt: skip
    found = {table: rows(working, f"select count(*) from staging.{table}")[0][0] for table in tables}
    assert found == tables


def test_the_malformed_line_is_in_quarantine_with_its_reason(
    working: duckdb.DuckDBPyConnection, release: duckdb.DuckDBPyConnection
) -> None:
    found = rows(working, "select source_row, rule, raw_row from quarantine.website__events")
    assert [row[:2] for row in found] == [(8899, "malformed_line")]
    assert "Googlebot/2.1" in str(found[0][2])
    # the release tells that, but not what stood there
    assert rows(release, "select object, rule, row_count, first_row from quality.quarantined_rows") == [
        ("events", "malformed_line", 1, 8899)
    ]


def test_deals_without_an_account_survive_as_such(release: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        release,
        "select stage, count(*), count(account_id), count(entered_at) from marts.lead_stages group by 1 order by 1",
    ) == [("lost", 2473, 2473, 2473), ("opportunity", 8800, 7375, 8300), ("won", 4238, 4238, 4238)]
    assert rows(release, "select count(distinct deal_id) from marts.lead_stages where account_id is null") == [(1425,)]


def test_fifteen_subsidiaries_have_their_parent(release: duckdb.DuckDBPyConnection) -> None:
    assert rows(release, "select count(*), count(parent_account_id) from marts.accounts") == [(85, 15)]
    parents = rows(
        release,
        """select p.account_name, count(*) from marts.accounts as a join marts.accounts as p
           on p.account_id = a.parent_account_id group by 1 order by 1""",
    )
    assert parents == [
        ("Acme Corporation", 4), ("Bubba Gump", 2), ("Golddex", 2), ("Inity", 2), ("Massive Dynamic", 1),
        ("Sonron", 3), ("Warephase", 1),
    ]  # fmt: skip


def test_a_misspelt_sector_is_mapped_and_an_unknown_product_reported(release: duckdb.DuckDBPyConnection) -> None:
    sectors = dict(rows(release, "select industry_name, count(*) from marts.accounts group by 1"))
    assert sectors["信息传输、软件和信息技术服务业"] == 12
    assert None not in sectors
    assert rows(
        release,
        """select severity, success, unexpected_count, evaluated_count from quality.validation_results
           where suite = 'stg_crm__deals' and column_name = 'product' and not success""",
    ) == [("warning", False, 1480, 8800)]


def test_money_in_millions_of_dollars_is_counted_in_yuan(release: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        release,
        """select cast(annual_revenue as varchar), currency, cast(annual_revenue_cny as varchar),
                  revenue_band, employee_band, country
           from marts.accounts where account_name = 'Acme Corporation'""",
    ) == [("1100040000.000000", "USD", "7810284000.000000", "1b-10b", "1000-4999", "United States")]


def test_sessions_are_those_that_the_log_holds(release: duckdb.DuckDBPyConnection, real_data: Path) -> None:
    """Counted again in plain Python: a visitor is an address and a user agent, 30 silent minutes end a session."""
    line = re.compile(r'^(\S+) .*?\[([^\]]+)\] ".*?" \d+ \S+ "(?:[^"\\]|\\.)*" "((?:[^"\\]|\\.)*)"\s*$')
    seen: dict[tuple[str, str], list[datetime]] = {}
    for text in (real_data / "web_apache_semicomplete" / "apache_logs").read_text(encoding="utf-8").splitlines():
        if found := line.match(text):
            moment = datetime.strptime(found[2], "%d/%b/%Y:%H:%M:%S %z")
            seen.setdefault((found[1], found[3]), []).append(moment)
    sessions = 0
    for moments in seen.values():
        moments.sort()
        sessions += 1 + sum(b - a > timedelta(minutes=30) for a, b in itertools.pairwise(moments))
    assert rows(release, "select count(*), sum(event_count), count(distinct visitor_key) from marts.sessions") == [
        (sessions, 9999, len(seen))
    ]


def test_bots_are_flagged(release: duckdb.DuckDBPyConnection, working: duckdb.DuckDBPyConnection) -> None:
    bots = dict(rows(release, "select bot_name, sum(event_count) from marts.sessions where is_bot group by 1"))
    declared = rows(
        working,
        """select count(*) from staging.stg_website__events
           where user_agent ilike '%googlebot%' or user_agent ilike '%bingbot%' or user_agent ilike '%baiduspider%'""",
    )[0][0]
    assert (
        sum(bots[name] for name in bots if name and re.search("googlebot|bingbot|baiduspider", name, re.I)) == declared
    )
    assert rows(release, "select count(*) from marts.touchpoints where touchpoint_type = 'web_session'") == [(0,)]


def test_followers_are_people_whose_openid_stays_inside(release: duckdb.DuckDBPyConnection) -> None:
    with WeChatStandin() as wechat:
        left = wechat.left_count
    assert rows(release, "select count(*), count_if(is_follower) from marts.contacts") == [(25000, 25000 - left)]
    assert rows(
        release,
        """select count(*), count(distinct source_id), count_if(regexp_full_match(source_id, '[0-9a-f]{32}'))
           from marts.contact_identities where source_object = 'followers'""",
    ) == [(25000, 25000, 25000)]


def test_customers_went_through_weighing_to_use_and_renewal(release: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        release,
        """select stage, count(*), count_if(is_current) from marts.journey_stages
           group by stage, stage_order order by stage_order""",
        # deals of one customer are older than the company is, by the CRM: they tell of no journey
    ) == [("weigh", 84, 0), ("use", 85, 0), ("renew", 85, 85)]


def test_worth_is_told_from_deals_alone_and_what_is_not_known_is_named(release: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        release,
        """select count(*), count(tier), count(rfm_segment), count(ltv_cny), count(gross_profit_12m_cny),
                  count(cac_cny), count(ltv_to_cac), count(nps_score), count(referral_count),
                  count_if(value_gaps = 'profit: no invoices; support: no tickets; referrals: none are recorded; '
                      || 'NPS: no surveys; use: none is recorded; CAC: no spend'),
                  count(distinct profit_basis), min(profit_basis)
           from marts.accounts""",
    ) == [(85, 85, 85, 85, 0, 0, 0, 0, 0, 85, 1, "deals at the assumed margin")]
    # eight are the best tenth, and the three that fell behind it a little stay
    tiers = dict(rows(release, "select tier, count(*) from marts.accounts group by 1"))
    assert sum(tiers.values()) == 85
    assert 8 <= tiers["S"] <= 10
    assert 25 <= tiers["A"] <= 30
    best = rows(
        release,
        """select count(*), count(rank_number), min(measure_count), max(measure_count), count_if(is_best)
           from marts.best_customers""",
    )
    assert best == [(85, 85, 2, 2, 10)]
    # the method's share, whatever the sources: key accounts bring 80 % and without the last of them less
    key = rows(
        release,
        """select max(cumulative_share) filter (is_key) >= 0.8, sum(region_share) filter (is_key) - min(region_share)
                  filter (is_key) < 0.8 from marts.key_accounts where measure = 'revenue' and region_type = 'all'""",
    )
    assert key == [(True, True)]


def test_the_same_night_again_changes_nothing(
    first_night: tuple[Answer, dict[str, str]], working: duckdb.DuckDBPyConnection, home: Path
) -> None:
    working.close()
    before = first_night[1]
    with WeChatStandin() as wechat:
        answer = _night(home, wechat)
    assert answer.code == 0, answer.out + answer.err
    assert answer.out.count("nothing new") == 2  # files; the API is always asked
    assert content_hashes(home) == before
    shown = persona("releases", "show", home=home)
    assert shown.code == 0
    for name, digest in before.items():
        assert re.search(rf"{re.escape(name)} .*{digest}", shown.out)
    assert manifest(home)["release_id"] != ""
    assert persona("releases", "verify", home=home).code == 0
    assert len(list((home / "releases").glob("[0-9]*"))) == 2
