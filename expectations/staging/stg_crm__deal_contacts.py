"""Who takes part in which deal, as the CRM delivered it."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import known_words, rejected
from expectations.owners import Owner
from expectations.rules import BATCH, Asked, Given, Severity, resolvable, rows


def suite(given: Given) -> list[Expectation]:
    """Participations between a known deal and a known contact, one of them the primary one."""
    sales = Asked(severity=Severity.WARNING, owner=Owner.SALES_OPERATIONS)
    return [
        *rejected(given, "crm", "deal_contacts"),
        resolvable(
            "deal_id",
            "staging.stg_crm__deals",
            "deal_id",
            **sales,
            reason="A participation in an undelivered deal says nothing; the two exports are filtered apart.",
        ),
        resolvable(
            "contact_id",
            "staging.stg_crm__contacts",
            "contact_id",
            **sales,
            reason="An undelivered participant leaves a hole in the decision chain that looks like a missing role.",
        ),
        rows(
            "a deal has at most one primary contact",
            broken=f"select deal_id from {BATCH} where is_primary group by deal_id having count(*) > 1",
            of=f"select distinct deal_id from {BATCH} where is_primary",
            severity=Severity.INFO,
            owner=Owner.SALES_OPERATIONS,
            reason="With two primary contacts the deal's first touch is a matter of chance.",
            column="is_primary",
        ),
        known_words(
            "role",
            "known_words",
            "word",
            owner=Owner.SALES_OPERATIONS,
            reason="An unknown role fills no place in the decision chain.",
            where="vocabulary = 'buying_role'",
        ),
    ]
