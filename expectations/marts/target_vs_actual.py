"""Aim against funnel as it leaves."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import BATCH, Given, Severity, condition, rows


def suite(given: Given) -> list[Expectation]:
    """Shares that add up, distances that are shares, one step of drift for an attribute at most."""
    return [
        *no_personal_data(given),
        condition(
            "shares and distances lie between nought and one",
            breaks="k > n or target_share not between 0 and 1 or distance not between 0 and 1 + 1e-9"
            " or actual_share not between actual_low - 1e-9 and actual_high + 1e-9",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="A distance above one or a share above its whole means that a join fanned out.",
            column="distance",
        ),
        rows(
            "what is aimed at adds up to one in every step",
            broken=(f"select 1 from {BATCH} group by attribute, step having abs(sum(target_share) - 1) > 1e-4"),
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="An aim that does not add up shows a distance that nobody caused.",
            column="target_share",
        ),
        rows(
            "an attribute drifts in one step at most",
            broken=f"select 1 from {BATCH} where is_drift_step group by attribute having count(distinct step) > 1",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="The step named is where somebody starts to mend; two of them are none.",
            column="is_drift_step",
        ),
    ]
