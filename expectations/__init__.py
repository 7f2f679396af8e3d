"""What must hold where the contract is with somebody else: what enters (staging) and what leaves (marts).

A suite is a function of `Given`; nothing is generated and nothing is stored. README.md says who checks what.
"""

from __future__ import annotations

import os

# great expectations reads it when it is imported, which the modules below do
os.environ["GX_ANALYTICS_ENABLED"] = "false"

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from great_expectations.expectations.expectation import Expectation

from expectations.marts import (
    accounts,
    any_mart,
    contact_identities,
    contacts,
    coverage,
    journey_stages,
    lead_stages,
    sessions,
    touchpoints,
)
from expectations.rules import Given
from expectations.staging import (
    stg_crm__activities,
    stg_crm__companies,
    stg_crm__contacts,
    stg_crm__deal_contacts,
    stg_crm__deal_stage_history,
    stg_crm__deals,
    stg_crm__leads,
    stg_crm__products,
    stg_website__events,
    stg_wechat__daily_follower_stats,
    stg_wechat__follower_events,
    stg_wechat__followers,
    stg_wechat__tags,
)

BoundaryName = Literal["staging", "marts"]


@dataclass(frozen=True)
class BoundaryTable:
    """A table at a boundary and the function that says what must hold for it."""

    schema: str
    table: str
    suite: Callable[[Given], list[Expectation]]


BOUNDARIES: dict[BoundaryName, list[BoundaryTable]] = {
    "staging": [
        BoundaryTable("staging", "stg_crm__companies", stg_crm__companies.suite),
        BoundaryTable("staging", "stg_crm__contacts", stg_crm__contacts.suite),
        BoundaryTable("staging", "stg_crm__leads", stg_crm__leads.suite),
        BoundaryTable("staging", "stg_crm__deals", stg_crm__deals.suite),
        BoundaryTable("staging", "stg_crm__deal_stage_history", stg_crm__deal_stage_history.suite),
        BoundaryTable("staging", "stg_crm__deal_contacts", stg_crm__deal_contacts.suite),
        BoundaryTable("staging", "stg_crm__activities", stg_crm__activities.suite),
        BoundaryTable("staging", "stg_crm__products", stg_crm__products.suite),
        BoundaryTable("staging", "stg_website__events", stg_website__events.suite),
        BoundaryTable("staging", "stg_wechat__followers", stg_wechat__followers.suite),
        BoundaryTable("staging", "stg_wechat__tags", stg_wechat__tags.suite),
        BoundaryTable("staging", "stg_wechat__daily_follower_stats", stg_wechat__daily_follower_stats.suite),
        BoundaryTable("staging", "stg_wechat__follower_events", stg_wechat__follower_events.suite),
    ],
    "marts": [
        BoundaryTable("marts", "accounts", accounts.suite),
        BoundaryTable("marts", "contacts", contacts.suite),
        BoundaryTable("marts", "contact_identities", contact_identities.suite),
        BoundaryTable("marts", "sessions", sessions.suite),
        BoundaryTable("marts", "touchpoints", touchpoints.suite),
        BoundaryTable("marts", "journey_stages", journey_stages.suite),
        BoundaryTable("marts", "lead_stages", lead_stages.suite),
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
