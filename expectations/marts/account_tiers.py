"""Tiers of customers as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data, ordered
from expectations.owners import Owner
from expectations.rules import BATCH, Given, Severity, condition, rows


def suite(given: Given) -> list[Expectation]:
    """Periods that are in order, of customers, with a reason wherever people decided."""
    return [
        *no_personal_data(given),
        ordered("valid_from", "valid_to"),
        condition(
            "what people decided has a reason and an author",
            breaks="is_override and (coalesce(trim(override_reason), '') = '' or override_author is null)",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="A tier that stands above the score must be answered for by somebody.",
            column="override_reason",
        ),
        condition(
            "a rank is a share of the customers of its day",
            breaks="rank_share <= 0 or rank_share > 1 or customer_count < 1",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="Tiers are shares of customers; a rank outside of them was counted over another set.",
            column="rank_share",
        ),
        rows(
            "an account that bought has a present tier",
            broken=(
                "select account_id from marts.accounts where customer_since is not null and account_id not in"
                f" (select account_id from {BATCH} where is_current)"
            ),
            of=f"select account_id from marts.accounts where customer_since is not null /* beside {BATCH} */",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="Service levels hang on the tier: a customer without one is served by nobody's rule.",
            column="tier",
        ),
    ]
