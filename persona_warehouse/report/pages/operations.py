"""The operating metrics: the month against its target, the course of sixty days, swings beyond chance, experiments."""

from __future__ import annotations

from persona_warehouse.report import charts
from persona_warehouse.report.sections import RATE_INTERVAL, Column, Page, Section, named

METRIC = Column("metric", "label")

PAGE = Page(
    "operations",
    (
        Section(
            "swings",
            "marts.kpi_alerts",
            """select metric, segment_type, segment, day, value, usual_value, lower_bound, upper_bound, is_good, q_value
            from marts.kpi_alerts
            where day > (select max(day) - 30 from marts.kpi_daily) order by day desc, q_value, metric, segment""",
            (
                METRIC, Column("segment_type", "label"), Column("segment"), Column("day", "day"),
                Column("value", "number"), Column("usual_value", "number"),
                Column("usual_range", "interval", low="lower_bound", high="upper_bound", unit="number"),
                Column("is_good", "flag"),
            ),
        ),
        Section(
            "month",
            "marts.kpi_daily",
            """select metric, month_value, month_target, month_attainment, value, week_ago_value, year_ago_value
            from marts.kpi_daily where segment_type = 'all' and day = (select max(day) from marts.kpi_daily)
            order by metric""",
            (
                METRIC, Column("month_value", "number"), Column("month_target", "number"),
                Column("month_attainment", "share"), Column("value", "number"), Column("week_ago_value", "number"),
                Column("year_ago_value", "number"),
            ),
            lambda rows, language: charts.lines(
                named(rows, "metric", language), "day", "value", "metric", "target"
            ),
            drawn="""select metric, day, value, target from marts.kpi_daily
            where segment_type = 'all' and day > (select max(day) - 60 from marts.kpi_daily) order by metric, day""",
        ),
        Section(
            "experiments",
            "marts.experiments",
            """select name, variant, metric, n, rate, rate_low, rate_high, difference, difference_low, difference_high,
                is_share_as_planned, power, result
            from marts.experiments order by name, is_control desc, variant""",
            (
                Column("name"), Column("variant"), Column("metric"), Column("rate", "share", n="n"),
                RATE_INTERVAL, Column("difference", "share"),
                Column("difference_interval", "interval", low="difference_low", high="difference_high"),
                Column("is_share_as_planned", "flag"), Column("power", "share"), Column("result", "label"),
            ),
        ),
    ),
)  # fmt: skip
