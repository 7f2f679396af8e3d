"""Deals as the CRM delivered them."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import CURRENCY_SHAPE, known_words, not_before, not_in_future, rejected, shaped
from expectations.owners import Owner
from expectations.rules import BATCH, Asked, Given, Severity, between, condition, resolvable, rows

PRODUCTS = "staging.stg_crm__products"


def suite(given: Given) -> list[Expectation]:
    """Deals in a plausible order and size, of a known product, for a known company."""
    sales = Asked(severity=Severity.WARNING, owner=Owner.SALES_OPERATIONS)
    with_product = f"select * from {BATCH} where product is not null and exists (select 1 from {PRODUCTS})"
    return [
        *rejected(given, "crm", "deals"),
        not_in_future(given, "created_at", Owner.SALES_OPERATIONS),
        not_in_future(given, "updated_at"),
        not_before(
            "closed_at",
            "created_at",
            **sales,
            reason=(
                "Deals entered after the fact carry the day of typing as created_at, so a few are normal; more make"
                " the sales cycle meaningless. Never critical: the deal itself is real."
            ),
            at_most=given.bounds["closed_before_created_share_max"],
        ),
        between(
            "amount",
            0,
            given.bounds["deal_amount_max"],
            **sales,
            reason="Credit notes are not deals, and above the upper bound a decimal point or a currency went missing.",
        ),
        between(
            "probability",
            0,
            100,
            **sales,
            reason="A probability is a share (0 to 1) or a percentage (0 to 100); other numbers are another field.",
        ),
        between(
            "discount_pct",
            0,
            100,
            **sales,
            reason="A discount beyond the price or below zero is another field or a surcharge.",
        ),
        between(
            "presales_hours",
            0,
            None,
            **sales,
            reason="Hours worked cannot be negative; they lower the cost of winning.",
        ),
        rows(
            "product is known among the products",
            broken=(
                f"{with_product} and product not in (select product_id from {PRODUCTS}"
                f" union all select name from {PRODUCTS} where name is not null)"
            ),
            of=with_product,
            **sales,
            reason=(
                "None is tolerated, since every unknown product is a spelling that splits a product's numbers in two:"
                " map it under `values` in the sources file."
            ),
            column="product",
        ),
        resolvable(
            "company_id",
            "staging.stg_crm__companies",
            "company_id",
            **sales,
            reason="A deal of an undelivered company belongs to no account; usually the export of companies is cut.",
        ),
        condition(
            "most deals name their company",
            breaks="company_id is null",
            **sales,
            reason=(
                "A deal without a company survives, but no account, tier or persona counts it: above the bound the"
                " account numbers are too low to trust."
            ),
            at_most=given.bounds["deals_without_company_share_max"],
            column="company_id",
        ),
        condition(
            "a won deal is closed",
            where="is_won",
            breaks="not coalesce(is_closed, false)",
            **sales,
            reason="Won is a way of closing: a won deal that is open counts as revenue and as pipeline at once.",
            column="is_closed",
        ),
        shaped(
            "currency",
            CURRENCY_SHAPE,
            owner=Owner.SALES_OPERATIONS,
            severity=Severity.WARNING,
            reason="Three capitals (ISO 4217): money in any other currency text is not converted to CNY.",
        ),
        known_words(
            "stage",
            "deal_stages",
            "source_stage",
            owner=Owner.SALES_OPERATIONS,
            reason="A stage that nobody mapped counts as open and in the middle of the journey, even if it says won.",
        ),
    ]
