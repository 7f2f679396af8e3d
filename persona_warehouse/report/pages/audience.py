"""Who follows, what they read, what is missing, and who looks for something just now."""

from __future__ import annotations

from persona_warehouse.report import charts
from persona_warehouse.report.sections import RATE_INTERVAL, Column, Page, Rows, Section, named
from persona_warehouse.report.texts import Language


def _two_sides(rows: Rows, language: Language) -> dict[str, object]:
    """New beside long-active followers, in the window of 30 days."""
    sides = {
        "new": str(language.t("headers.new_followers")),
        "long": str(language.t("headers.long_followers")),
    }
    told = named([row for row in rows if row["window_days"] == 30], "outcome", language, "values.follow_outcome")
    return charts.intervals(
        [
            {"outcome": row["outcome"], "side": words, "rate": row[f"{side}_rate"], "low": row[f"{side}_low"],
             "high": row[f"{side}_high"]}
            for row in told for side, words in sides.items() if row[f"{side}_rate"] is not None
        ],
        "outcome", "rate", "low", "high", str(language.t("headers.converted")), group="side",
    )  # fmt: skip


PAGE = Page(
    "audience",
    (
        Section(
            "sourcing",
            "marts.sourcing_episodes",
            """select a.account_name, e.topic, e.driver, e.sub_driver, e.ended_at, e.session_count, e.contact_count,
                e.purposefulness, e.missing_contents, a.journey_stage
            from marts.sourcing_episodes as e inner join marts.accounts as a using (account_id)
            where e.is_open
            order by e.session_count desc, e.ended_at desc, a.account_name, e.sourcing_episode_id""",
            (
                Column("account_name"), Column("topic"), Column("driver", "label"), Column("sub_driver", "label"),
                Column("ended_at", "day"), Column("session_count", "count"), Column("contact_count", "count"),
                Column("purposefulness", "share"), Column("journey_stage", "label", group="journey_stages"),
                Column("missing_contents", "list", group="values.content_type"),
            ),
        ),
        Section(
            "demand",
            "marts.content_demand",
            """select content_type, page_views, demand_share, item_count, supply_share, gap as share_gap, n,
                rate as went_further, rate_low, rate_high
            from marts.content_demand where role = 'all' and stage = 'all' and channel = 'all'
            order by demand_share desc nulls last, content_type""",
            (
                Column("content_type", "label"), Column("page_views", "count"), Column("demand_share", "share"),
                Column("item_count", "count"), Column("supply_share", "share"), Column("share_gap", "share"),
                Column("went_further", "share", n="n"),
                RATE_INTERVAL,
            ),
            lambda rows, language: charts.heat(
                named(named(rows, "stage", language, "journey_stages"), "content_type", language),
                "stage", "content_type", "demand_share", ".0%",
            ),
            drawn="""select content_type, stage, demand_share from marts.content_demand
                where role = 'all' and channel = 'all' and stage not in ('all', 'unknown')
                    and demand_share is not null
                    and content_type in (
                        select content_type from marts.content_demand
                        where role = 'all' and stage = 'all' and channel = 'all' and page_views > 0
                    )
                order by array_position(['need', 'seek', 'weigh', 'decide', 'use', 'renew', 'churn'], stage),
                    content_type""",
            first_rows=20,
        ),
        Section(
            "demand_by_role",
            "marts.content_demand",
            """with ranked as (
                select role, content_type, page_views, demand_share, item_count, audience,
                    row_number() over (partition by role order by demand_share desc, content_type) as place
                from marts.content_demand
                where stage = 'all' and channel = 'all' and role not in ('all', 'unknown') and demand_share > 0
            ) select * from ranked where place <= 3
            order by array_position(['final', 'adviser', 'user'], role), place""",
            (
                Column("reader_role", "label", field="role", group="values.decision_role"),
                Column("content_type", "label"),
                Column("demand_share", "share"), Column("page_views", "count"), Column("item_count", "count"),
            ),
        ),
        Section(
            "new_and_long",
            "marts.follower_cohorts",
            """select outcome, window_days, new_rate, new_n, new_rate_low as new_low, new_rate_high as new_high,
                long_rate, long_n, long_rate_low as long_low, long_rate_high as long_high, lift, lift_low, lift_high
            from marts.follower_cohorts where cohort = 'all' and scene = 'all'
            order by window_days, array_position(['lead', 'sql', 'won'], outcome)""",
            (
                Column("follow_outcome", "label", field="outcome"), Column("window_days", "count"),
                Column("new_followers", "share", field="new_rate", n="new_n"),
                Column("long_followers", "share", field="long_rate", n="long_n"),
                Column("lift", "number"),
                Column("lift_interval", "interval", low="lift_low", high="lift_high", unit="number"),
            ),
            _two_sides,
        ),
        Section(
            "doors",
            "marts.follower_episodes",
            """select coalesce(nullif(qr_scene, '0'), follow_scene, '?') as door, count(*) as follows,
                count_if(unfollowed_at is null) / count(*) as still_share,
                count_if(first_lead_at is not null) as new_leads, count_if(first_won_at is not null) as won_later
            from marts.follower_episodes where is_follow_known group by all order by follows desc, door""",
            (
                Column("door", "label"), Column("follows", "count"), Column("still_share", "share", n="follows"),
                Column("new_leads", "count"), Column("won_later", "count"),
            ),
        ),
        Section(
            "awareness",
            "marts.awareness_states",
            """select state as awareness, count(*) as accounts, action_zh, action_en, action_owner
            from marts.awareness_states where is_current and subject_type = 'account'
            group by all order by min(state_order), accounts desc, action_en""",
            (
                Column("awareness", "label"), Column("accounts", "count"),
                Column("advice", words={"zh": "action_zh", "en": "action_en"}), Column("action_owner", "label"),
            ),
        ),
    ),
)  # fmt: skip
