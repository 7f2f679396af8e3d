"""What must hold where the contract is with somebody else: what enters (staging) and what leaves (marts).

A suite is a function of `Given`; nothing is generated and nothing is stored. README.md says who checks what.
"""

from __future__ import annotations

import os

# great expectations reads it when it is imported, which the modules below do
os.environ["GX_ANALYTICS_ENABLED"] = "false"

from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from great_expectations.expectations.expectation import Expectation

from expectations.marts import (
    account_attributes,
    account_coverage,
    account_health,
    account_score_ledger,
    account_tiers,
    account_traits,
    accounts,
    any_mart,
    awareness_states,
    best_customers,
    contact_identities,
    contact_role_tags,
    contacts,
    content_demand,
    coverage,
    deal_attribution,
    decision_chains,
    decision_maker_personas,
    ecosystem_map,
    experiments,
    follower_cohorts,
    follower_episodes,
    hypotheses,
    icp_fit_backtests,
    icp_fit_scores,
    icp_persona_shares,
    icp_personas,
    icp_traits,
    identity_changes,
    industry_results,
    interview_findings,
    journey_stages,
    key_accounts,
    kpi_alerts,
    kpi_daily,
    lead_funnel,
    lead_stages,
    moments,
    persona_stories,
    persona_usage,
    sessions,
    sourcing_episodes,
    target_vs_actual,
    touchpoints,
    user_personas,
    win_rates_by_prior_solution,
)
from expectations.rules import Given
from expectations.staging import OBJECTS

BoundaryName = Literal["staging", "marts"]


@dataclass(frozen=True)
class BoundaryTable:
    """A table at a boundary and the function that says what must hold for it."""

    schema: str
    table: str
    suite: Callable[[Given], list[Expectation]]


def _staged(table: str) -> BoundaryTable:
    return BoundaryTable("staging", table, import_module(f"expectations.staging.{table}").suite)


BOUNDARIES: dict[BoundaryName, list[BoundaryTable]] = {
    "staging": [_staged(f"stg_{stream}__{name}") for stream, name in OBJECTS],
    "marts": [
        BoundaryTable("marts", "accounts", accounts.suite),
        BoundaryTable("marts", "account_attributes", account_attributes.suite),
        BoundaryTable("marts", "account_traits", account_traits.suite),
        BoundaryTable("marts", "account_coverage", account_coverage.suite),
        BoundaryTable("marts", "account_tiers", account_tiers.suite),
        BoundaryTable("marts", "account_score_ledger", account_score_ledger.suite),
        BoundaryTable("marts", "key_accounts", key_accounts.suite),
        BoundaryTable("marts", "moments", moments.suite),
        BoundaryTable("marts", "account_health", account_health.suite),
        BoundaryTable("marts", "target_vs_actual", target_vs_actual.suite),
        BoundaryTable("marts", "persona_usage", persona_usage.suite),
        BoundaryTable("marts", "sourcing_episodes", sourcing_episodes.suite),
        BoundaryTable("marts", "follower_episodes", follower_episodes.suite),
        BoundaryTable("marts", "follower_cohorts", follower_cohorts.suite),
        BoundaryTable("marts", "content_demand", content_demand.suite),
        BoundaryTable("marts", "kpi_daily", kpi_daily.suite),
        BoundaryTable("marts", "kpi_alerts", kpi_alerts.suite),
        BoundaryTable("marts", "experiments", experiments.suite),
        BoundaryTable("marts", "best_customers", best_customers.suite),
        BoundaryTable("marts", "icp_personas", icp_personas.suite),
        BoundaryTable("marts", "icp_persona_shares", icp_persona_shares.suite),
        BoundaryTable("marts", "icp_traits", icp_traits.suite),
        BoundaryTable("marts", "icp_fit_scores", icp_fit_scores.suite),
        BoundaryTable("marts", "icp_fit_backtests", icp_fit_backtests.suite),
        BoundaryTable("marts", "win_rates_by_prior_solution", win_rates_by_prior_solution.suite),
        BoundaryTable("marts", "industry_results", industry_results.suite),
        BoundaryTable("marts", "decision_maker_personas", decision_maker_personas.suite),
        BoundaryTable("marts", "user_personas", user_personas.suite),
        BoundaryTable("marts", "ecosystem_map", ecosystem_map.suite),
        BoundaryTable("marts", "persona_stories", persona_stories.suite),
        BoundaryTable("marts", "interview_findings", interview_findings.suite),
        BoundaryTable("marts", "hypotheses", hypotheses.suite),
        BoundaryTable("marts", "contacts", contacts.suite),
        BoundaryTable("marts", "contact_identities", contact_identities.suite),
        BoundaryTable("marts", "identity_changes", identity_changes.suite),
        BoundaryTable("marts", "contact_role_tags", contact_role_tags.suite),
        BoundaryTable("marts", "decision_chains", decision_chains.suite),
        BoundaryTable("marts", "sessions", sessions.suite),
        BoundaryTable("marts", "touchpoints", touchpoints.suite),
        BoundaryTable("marts", "journey_stages", journey_stages.suite),
        BoundaryTable("marts", "lead_stages", lead_stages.suite),
        BoundaryTable("marts", "lead_funnel", lead_funnel.suite),
        BoundaryTable("marts", "awareness_states", awareness_states.suite),
        BoundaryTable("marts", "deal_attribution", deal_attribution.suite),
        BoundaryTable("marts", "coverage", coverage.suite),
    ],
}


def boundary_tables(boundary: BoundaryName, present: Collection[str]) -> list[BoundaryTable]:
    """The tables of a boundary; a mart that is `present` without a suite of its own gets the one for any mart."""
    listed = BOUNDARIES[boundary]
    if boundary == "staging":
        return listed
    others = sorted(set(present) - {entry.table for entry in listed})
    return listed + [BoundaryTable("marts", table, any_mart.suite) for table in others]
