"""Followers as the Official Account delivered them."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import known_words, not_in_future, rejected, shaped
from expectations.owners import Owner
from expectations.rules import BATCH, Given, Severity, rows

STATS = "staging.stg_wechat__daily_follower_stats"
TAGS = "staging.stg_wechat__tags"


def suite(given: Given) -> list[Expectation]:
    """All followers, with ids and tags that WeChat itself knows."""
    marketing = Owner.MARKETING_OPERATIONS
    return [
        *rejected(given, "wechat", "followers"),
        not_in_future(given, "subscribed_at", marketing),
        shaped(
            "openid",
            "^[0-9A-Za-z_-]{6,64}$",
            owner=marketing,
            reason="Openids are letters, digits, _ and -; anything else was cut or re-encoded on its way.",
        ),
        _as_many_as_wechat_counts(given),
        _tags_are_known(),
        known_words(
            "subscribe_scene",
            "known_words",
            "word",
            owner=Owner.MARKETING_OPERATIONS,
            reason="WeChat adds scenes without notice; followers of an unknown one count for no channel.",
            where="vocabulary = 'subscribe_scene'",
        ),
    ]


def _as_many_as_wechat_counts(given: Given) -> Expectation:
    """The followers that were fetched are about as many as WeChat's own statistics say."""
    counted = (
        f"(select max(cumulate_user) from {STATS} where ref_date ="
        f" (select max(ref_date) from {STATS} where cumulate_user is not null))"
    )
    fetched = f"(select count(*) from {BATCH} where is_subscribed)"
    # as many rows as the gap is wide: the numbers themselves are what is reported
    return rows(
        "as many followers were fetched as WeChat counts",
        broken=f"select unnest(range(abs({fetched} - {counted}))) where {fetched} > 0",
        of=f"select unnest(range({counted})) where {fetched} > 0",
        severity=Severity.WARNING,
        owner=Owner.DATA_ENGINEERING,
        reason=(
            "The list comes in pages of 10,000: a larger gap than a day's follows and unfollows means that paging"
            " stopped early."
        ),
        at_most=given.bounds["follower_gap_share_max"],
        min_rows=given.bounds["reject_rate_min_rows"],
    )


def _tags_are_known() -> Expectation:
    used = (
        f"select unnest(from_json(tag_ids, '[\"VARCHAR\"]')) as tag_id from {BATCH}"
        f" where json_valid(tag_ids) and exists (select 1 from {TAGS})"
    )
    return rows(
        "the followers' tags stand in the list of tags",
        broken=f"select tag_id from ({used}) where tag_id not in (select tag_id from {TAGS} where tag_id is not null)",
        of=used,
        severity=Severity.WARNING,
        owner=Owner.MARKETING_OPERATIONS,
        reason="An unknown tag has no name in any table: the two answers of the API are of different days.",
        column="tag_ids",
    )
