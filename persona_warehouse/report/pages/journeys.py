"""How companies come to buy, stay and leave: where they stand, how long each stage takes, who goes back and why."""

from __future__ import annotations

from persona_warehouse.report import charts
from persona_warehouse.report.sections import Column, Page, Section, named
from persona_warehouse.report.statistics import wilson_interval


def _rate(part: int, n: int) -> dict[str, float]:
    low, high = wilson_interval(part, n)
    return {"rate": part / n, "low": low, "high": high}


STAGE = Column("stage", "label", group="journey_stages")

PAGE = Page(
    "journeys",
    (
        Section(
            "stages",
            "marts.journey_stages",
            # a stage that is not left yet is no finished stay: its days would make every stage look short
            """select stage, any_value(stage_order) as stage_order, count_if(is_current) as here_now,
                count(distinct account_id) as ever_here, count_if(not is_current) as stays,
                case when count_if(not is_current) >= 5 then median(days) filter (where not is_current) end
                    as median_days,
                count_if(is_back_move) as back_moves
            from marts.journey_stages group by stage order by stage_order""",
            (
                STAGE, Column("here_now", "count"), Column("ever_here", "count"),
                Column("median_days", "days", n="stays"), Column("back_moves", "count"),
            ),
            lambda rows, language: charts.bars(
                named(rows, "stage", language, "journey_stages"), "stage", "here_now",
                str(language.t("headers.here_now")),
            ),
        ),
        Section(
            "moves",
            "marts.journey_stages",
            """with moves as (
                select stage, stage_order,
                    lead(stage) over (partition by account_id order by entry_number) as next_stage,
                    lead(stage_order) over (partition by account_id order by entry_number) as next_order
                from marts.journey_stages
            )
            select stage, next_stage, count(*) as moves, any_value(next_order) < any_value(stage_order) as is_back
            from moves where next_stage is not null group by stage, next_stage
            order by any_value(stage_order), any_value(next_order)""",
            (
                STAGE, Column("next_stage", "label", group="journey_stages"), Column("moves", "count"),
                Column("is_back", "flag"),
            ),
            lambda rows, language: charts.heat(
                named(named(rows, "stage", language, "journey_stages"), "next_stage", language, "journey_stages"),
                "next_stage", "stage", "moves",
            ),
        ),
        Section(
            "conversion",
            "marts.lead_funnel",
            # a month whose leads were all watched for ninety days; what is younger says nothing of them yet
            """select month_start, stage, next_stage, entered, converted, censored, rate, rate_lower, rate_upper,
                rate_by_horizon, horizon_days, rate_by_horizon_lower, rate_by_horizon_upper, median_days,
                cost_per_conversion_cny
            from marts.lead_funnel where view = 'cohort' and segment_type = 'all'
            order by month_start desc, stage_order""",
            (
                Column("month_start", "day"), Column("stage", "label", group="lead_stages"), Column("entered", "count"),
                Column("converted", "count"), Column("censored", "count"), Column("rate_by_horizon", "share"),
                Column("horizon_interval", "interval", low="rate_by_horizon_lower", high="rate_by_horizon_upper"),
                Column("horizon_days", "days"), Column("median_days", "days"),
                Column("cost_per_conversion_cny", "money"),
            ),
            lambda rows, language: charts.intervals(
                [row | _rate(row["converted"], row["entered"])
                 for row in named(rows, "stage", language, "lead_stages")],
                "stage", "rate", "low", "high", str(language.t("headers.rate_by_horizon")),
            ),
            drawn="""select stage, sum(converted)::bigint as converted, sum(entered)::bigint as entered
            from marts.lead_funnel where view = 'cohort' and segment_type = 'all' and horizon_days >= 90
            group by stage, stage_order having sum(entered) >= 5 order by stage_order""",
        ),
        Section(
            "stage_reasons",
            "marts.journey_stages",
            """select stage, reason, count(*) as entries,
                count(*) / sum(count(*)) over (partition by stage) as share_of_stage,
                sum(count(*)) over (partition by stage) as known
            from marts.journey_stages where reason is not null group by stage, reason
            order by any_value(stage_order), entries desc, reason""",
            (
                STAGE, Column("reason", "label"), Column("entries", "count"),
                Column("share_of_stage", "share", n="known"),
            ),
        ),
    ),
)  # fmt: skip
