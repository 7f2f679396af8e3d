"""Metrics as MetricFlow defines them: each is computed from its definition, and nothing personal is asked of a mart."""

from __future__ import annotations

import re
from typing import Any

import duckdb
import pytest

from persona_warehouse.files import read_json
from persona_warehouse.settings import Settings
from tests.dbt.conftest import Project

AGGREGATES = {"count": "count({})", "sum": "sum({})", "average": "avg({})", "count_distinct": "count(distinct {})"}
ROWS = """
insert into marts.accounts by name
    select 'a1' as account_id, 2 as won_deal_count, 1 as open_deal_count, 3 as contact_count,
        900 as won_revenue_cny, 400 as gross_profit_cny, 3000 as ltv_cny, 500 as cac_cny
    union all select 'a2', 1, 0, 1, 100, 50, 1000, null
    union all select 'a3', 0, 2, 0, null, null, null, null;
insert into marts.lead_stages by name
    select 'e1' as lead_stage_id, 'l1' as lead_id, 'raw' as stage
    union all select 'e2', 'l1', 'mql' union all select 'e3', 'l1', 'raw' union all select 'e4', 'l2', 'raw'
    union all select 'e5', 'l1', 'won';
insert into marts.sessions by name
    select 's1' as session_id, 'a1' as account_id, false as is_bot, false as is_own_traffic
    union all select 's2', null, false, false union all select 's3', 'a1', true, false
    union all select 's4', 'a1', false, true;
insert into marts.follower_episodes by name
    select 'f1' as follower_episode_id, null as unfollowed_at
    union all select 'f2', timestamptz '2026-11-01 00:00:00+00';
"""
EXPECTED = {
    "accounts": 3, "customers": 2, "customer_rate": 2 / 3, "won_deals": 3, "open_deals": 3, "contacts": 4,
    "revenue": 1000, "gross_profit": 450, "revenue_per_customer": 500, "mean_ltv": 2000, "mean_cac": 500,
    "ltv_to_cac": 4, "leads": 2, "mqls": 1, "sqls": 0, "leads_won": 1, "visits": 2, "known_visits": 1,
    "known_visit_share": 0.5, "follows": 2, "following": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def semantic(empty_world: Settings) -> dict[str, Any]:
    return dict(read_json(empty_world.home / "dbt_target" / "semantic_manifest.json"))


def test_every_metric_is_what_its_definition_says(
    semantic: dict[str, Any], world_copy: duckdb.DuckDBPyConnection
) -> None:
    # without the contract's other columns, which are of no account here
    for name in ("accounts", "lead_stages", "sessions", "follower_episodes"):
        world_copy.execute(f"create or replace table marts.{name} as from marts.{name}")
    world_copy.execute(ROWS)
    measures = {
        measure["name"]: f"select {AGGREGATES[measure['agg']].format(measure['expr'] or measure['name'])}"
        f" from marts.{model['node_relation']['alias']}"
        for model in semantic["semantic_models"]
        for measure in model["measures"]
    }
    metrics = {metric["name"]: metric["type_params"] for metric in semantic["metrics"]}

    def value(metric: str) -> float | None:
        told = metrics[metric]
        if told["numerator"]:
            above, below = value(told["numerator"]["name"]), value(told["denominator"]["name"])
            return above / below if above is not None and below else None
        row = world_copy.execute(measures[told["measure"]["name"]]).fetchone()
        return float(row[0]) if row and row[0] is not None else None

    assert {name: value(name) for name in metrics} == pytest.approx(EXPECTED)


def test_metrics_read_published_marts_and_nothing_personal(semantic: dict[str, Any], project: Project) -> None:
    for model in semantic["semantic_models"]:
        mart = project.marts[model["node_relation"]["alias"]]
        kinds = {name: column["meta"].get("classification") for name, column in mart["columns"].items()}
        asked = {
            word
            for one in (*model["entities"], *model["dimensions"], *model["measures"])
            for word in re.findall(r"\w+", one["expr"] or one["name"])
            if word in kinds
        }
        assert asked
        assert {kinds[name] for name in asked} <= {"public", "internal"}
