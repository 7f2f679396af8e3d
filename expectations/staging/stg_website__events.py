"""Web events as the website's tools delivered them."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import EMAIL_SHAPE, recent, rejected, shaped
from expectations.owners import Owner
from expectations.rules import BATCH, Given, Severity, between, condition, instant, rows


def suite(given: Given) -> list[Expectation]:
    """Events in time, complete by the day, in the shape of web traffic."""
    marketing = Owner.MARKETING_OPERATIONS
    days = given.bounds["future_tolerance_days"]
    future = f"occurred_at >= {given.after_day_end(days)}"
    share = given.bounds["future_events_share_max"]
    return [
        *rejected(given, "website", "events"),
        condition(
            "hardly any event is in the future",
            breaks=future,
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason=(
                f"Above {share:.0%} it is not a visitor's wrong clock but a wrong date format or time zone of the whole"
                " source: every session would land on another day."
            ),
            at_most=share,
            column="occurred_at",
        ),
        condition(
            "occurred_at is not in the future",
            breaks=future,
            severity=Severity.WARNING,
            owner=Owner.DATA_ENGINEERING,
            reason=f"A grace of {days:g} day(s) covers time zones; later comes from devices whose clock is wrong.",
            column="occurred_at",
        ),
        condition(
            "received_at is not long before occurred_at",
            where="received_at is not null",
            breaks=f"received_at < occurred_at - interval '{given.bounds['clock_skew_hours_max']:g} hours'",
            severity=Severity.WARNING,
            owner=marketing,
            reason=(
                "Nothing arrives before it happens. Device clocks differ by hours, rarely more; a larger share means"
                " that one of the two columns is in another time zone."
            ),
            at_most=given.bounds["clock_skew_share_max"],
            column="received_at",
        ),
        recent(
            given,
            "occurred_at",
            given.bounds["events_fresh_days"],
            owner=marketing,
            reason="A company's site is visited every day, by bots at least: silence means tracking or export stopped.",
        ),
        _last_day_is_complete(given),
        between(
            "http_status",
            100,
            599,
            severity=Severity.WARNING,
            owner=marketing,
            reason="The range of HTTP status codes (RFC 9110); other numbers come from a shifted log column.",
        ),
        shaped(
            "page_url",
            "^(/|https?:/|[a-z]+:/)",
            owner=marketing,
            at_most=given.bounds["misshapen_share_max"],
            reason="A path or a full address; free text means that titles were mapped to addresses.",
        ),
        shaped(
            "ip_address",
            "^[0-9A-Fa-f.:]+$",
            owner=marketing,
            at_most=given.bounds["misshapen_share_max"],
            reason="IPv4 or IPv6; host names or hashes cannot tell an office from a data centre.",
        ),
        shaped(
            "email",
            EMAIL_SHAPE,
            owner=marketing,
            at_most=given.bounds["misshapen_share_max"],
            reason="Forms let typing errors through; many misshapen addresses mean a wrong field is tracked.",
        ),
        _web_reaches_crm(given),
    ]


def _last_day_is_complete(given: Given) -> Expectation:
    """The as-of date has not far fewer events than a usual day."""
    share = given.bounds["events_day_share_min"]
    window = given.bounds["events_usual_days"]
    start = given.after_day_end(-1)
    per_day = (
        f"select (epoch_us({start}) - epoch_us(occurred_at) - 1) // 86400000000 as days_ago, count(*) as events"
        f" from {BATCH} where occurred_at >= {given.after_day_end(-1 - window)} and occurred_at < {start} group by 1"
    )
    usual = f"select median(events) as usual, count(*) as days from ({per_day})"
    today = (
        f"select count(*) as events from {BATCH}"
        f" where occurred_at >= {start} and occurred_at < {instant(given.day_end)}"
    )
    # with a gap in the days before there is no usual day to compare with
    judged = f"select usual, (select events from ({today})) as events from ({usual}) where days >= {window:g}"
    return rows(
        "the as-of date has about as many events as a usual day",
        broken=f"select usual from ({judged}) where events < {share} * usual",
        of=judged,
        severity=Severity.WARNING,
        owner=Owner.MARKETING_OPERATIONS,
        reason=(
            f"Weekends halve business traffic, so only less than {share:.0%} of the median of the {window:g} days"
            " before counts: that is a day of which only a part was exported."
        ),
        column="occurred_at",
    )


def _web_reaches_crm(given: Given) -> Expectation:
    """Of the e-mail addresses left on the website, the CRM knows at least some."""
    left = (
        f"select distinct lower(email) as email from {BATCH} where email is not null"
        " and exists (select 1 from staging.stg_crm__contacts union all select 1 from staging.stg_crm__leads)"
    )
    known = (
        "select lower(email) from staging.stg_crm__contacts where email is not null"
        " union all select lower(email) from staging.stg_crm__leads where email is not null"
    )
    return rows(
        "the CRM knows some of the addresses left on the website",
        broken=f"select email from ({left}) where email not in ({known})",
        of=left,
        severity=Severity.INFO,
        owner=Owner.MARKETING_OPERATIONS,
        reason=(
            "Form fills become leads: when the CRM knows hardly any address, the hand-over from website to CRM is"
            " broken, or the addresses are hashed on one side."
        ),
        at_most=given.bounds["web_email_unknown_share_max"],
        min_rows=given.bounds["reject_rate_min_rows"],
        column="email",
    )
