"""Referrals as they were delivered."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import not_in_future, rejected
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, condition, resolvable


def suite(given: Given) -> list[Expectation]:
    """Referrals from somebody known to somebody else."""
    sales = Asked(severity=Severity.WARNING, owner=Owner.SALES_OPERATIONS)
    lost = "A referral from or to somebody undelivered has one end only; who spreads the word is not seen."
    return [
        *rejected(given, "crm", "referrals"),
        not_in_future(given, "referred_at", Owner.SALES_OPERATIONS),
        condition(
            "a referral names who referred",
            breaks="referrer_company_id is null and referrer_contact_id is null",
            **sales,
            reason="Without a company and a person nobody can be thanked for it, and no account counts it.",
        ),
        condition(
            "nobody refers themselves",
            where="referrer_company_id is not null and referred_company_id is not null",
            breaks="referrer_company_id = referred_company_id",
            **sales,
            reason="A company that refers itself bought again and was entered as a referral; it would count as both.",
            column="referred_company_id",
        ),
        resolvable("referrer_company_id", "staging.stg_crm__companies", "company_id", **sales, reason=lost),
        resolvable("referrer_contact_id", "staging.stg_crm__contacts", "contact_id", **sales, reason=lost),
        resolvable("referred_company_id", "staging.stg_crm__companies", "company_id", **sales, reason=lost),
        resolvable("referred_lead_id", "staging.stg_crm__leads", "lead_id", **sales, reason=lost),
    ]
