"""Invoices as they were delivered."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import CURRENCY_SHAPE, not_before, not_in_future, rejected, shaped
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, condition, resolvable


def suite(given: Given) -> list[Expectation]:
    """Invoices in a plausible order and size, for a known company."""
    finance = Asked(severity=Severity.WARNING, owner=Owner.FINANCE)
    most = given.bounds["deal_amount_max"]
    return [
        *rejected(given, "crm", "invoices"),
        not_in_future(given, "issued_at", Owner.FINANCE),
        not_in_future(given, "paid_at", Owner.FINANCE),
        not_before(
            "due_at",
            "issued_at",
            **finance,
            reason="Nothing is due before it is asked for: the two columns are swapped, or a year was mistyped.",
        ),
        not_before(
            "paid_at",
            "issued_at",
            severity=Severity.INFO,
            owner=Owner.FINANCE,
            reason="Paying in advance is usual in some trades; where nearly all do, the days to payment say nothing.",
            at_most=given.bounds["prepaid_share_max"],
        ),
        condition(
            "few invoices are credit notes",
            breaks="amount < 0",
            **finance,
            reason="Credit notes are real and lower the revenue, but more of them mean that a sign is read wrongly.",
            at_most=given.bounds["credit_note_share_max"],
            column="amount",
        ),
        condition(
            "amount has a plausible size",
            breaks=f"abs(amount) > {most:f}",
            **finance,
            reason="Beyond the bound a decimal point or a currency went missing; one such row is all of the revenue.",
            column="amount",
        ),
        condition(
            "cost_amount has the sign of amount",
            where="cost_amount is not null",
            breaks="cost_amount * amount < 0",
            **finance,
            reason="A negative cost of a positive amount is more profit than revenue: costs were exported as debits.",
            column="cost_amount",
        ),
        resolvable(
            "company_id",
            "staging.stg_crm__companies",
            "company_id",
            **finance,
            reason="Revenue of an undelivered company belongs to no account, and its best customers look like nothing.",
        ),
        shaped(
            "currency",
            CURRENCY_SHAPE,
            owner=Owner.FINANCE,
            severity=Severity.WARNING,
            reason="Three capitals (ISO 4217): money in any other currency text is not converted to CNY.",
        ),
    ]
