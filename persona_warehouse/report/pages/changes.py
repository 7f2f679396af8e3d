"""What is new since the release that readers had before: accounts that moved, personas, rows of tables."""

from __future__ import annotations

from persona_warehouse.report import charts
from persona_warehouse.report.sections import Column, Page, Section, named

# the surest first; one that may be noise is told only where nothing is sure
SHARES = """select coalesce(p.name_zh, c.persona_id) as name_zh, coalesce(p.name_en, c.persona_id) as name_en,
    coalesce(w.words_zh, c.what) as what_zh, coalesce(w.words_en, c.what) as what_en,
    c.k_before / c.n_before as share_before, c.n_before, c.k / c.n as share, c.n, c.difference, c.p_adjusted,
    c.is_more_than_noise
from quality.persona_changes as c
left join marts.icp_personas as p using (persona_id)
left join (
    select attribute || ' = ' || value as what, any_value(value_words_zh) as words_zh,
        any_value(value_words_en) as words_en
    from marts.icp_traits where value is not null group by all
) as w using (what)
where c.difference <> 0
order by c.is_more_than_noise desc, c.p_adjusted, abs(c.difference) desc, c.persona_id, c.what limit 50"""

PAGE = Page(
    "changes",
    (
        Section(
            "stage_moves",
            "quality.account_changes",
            """select c.account_name, a.tier, c.value_before as stage_before, c.value as stage_now
            from quality.account_changes as c inner join marts.accounts as a using (account_id)
            where c.what = 'journey_stage'
            order by a.tier is null, array_position(['S', 'A', 'B'], a.tier), c.account_name, c.account_id""",
            (
                Column("account_name"), Column("tier"),
                Column("stage_before", "label", group="journey_stages"),
                Column("stage_now", "label", group="journey_stages"),
            ),
            lambda rows, language: charts.heat(
                named(named(rows, "stage_before", language, "journey_stages"), "stage_now", language,
                      "journey_stages"),
                "stage_now", "stage_before", "accounts", ",d",
            ),
            drawn="""select coalesce(value_before, 'unknown') as stage_before, coalesce(value, 'unknown') as stage_now,
                count(*) as accounts
            from quality.account_changes where what = 'journey_stage' group by all order by all""",
        ),
        Section(
            "account_moves",
            "quality.account_changes",
            """select what, account_name, value_before, value as value_now
            from quality.account_changes where what <> 'journey_stage'
            order by array_position(['customer_since', 'tier', 'icp_fit_segment', 'sales_motion', 'new', 'gone'], what),
                account_name, account_id""",
            (
                Column("what_changed", "label", group="values.what", field="what"), Column("account_name"),
                Column("value_before", "label", group="values.moved"),
                Column("value_now", "label", group="values.moved"),
            ),
        ),
        Section(
            "persona_matches",
            "quality.persona_matches",
            """select name_zh, name_en, case when m.persona_id_before is null then 'new'
                when m.persona_id is null then 'gone' else 'stays' end as persona_state,
                m.account_count_before, m.account_count, m.overlap
            from quality.persona_matches as m left join marts.icp_personas as p using (persona_id)
            order by m.account_count desc, m.persona_id""",
            (
                Column("persona", words={"zh": "name_zh", "en": "name_en"}), Column("persona_state", "label"),
                Column("account_count_before", "count"), Column("account_count", "count"), Column("overlap", "share"),
            ),
        ),
        Section(
            "share_changes",
            "quality.persona_changes",
            SHARES,
            (
                Column("persona", words={"zh": "name_zh", "en": "name_en"}),
                Column("share_of_what", words={"zh": "what_zh", "en": "what_en"}),
                Column("share_before", "share", n="n_before"), Column("share_now", "share", field="share", n="n"),
                Column("p_adjusted", "p"), Column("is_more_than_noise", "flag"),
            ),
        ),
        Section(
            "row_changes",
            "quality.table_changes",
            """select table_name, row_count_before, row_count, row_count - row_count_before as row_difference
            from quality.table_changes where row_count_before is distinct from row_count
            order by abs(coalesce(row_count - row_count_before, row_count)) desc, table_name""",
            (
                Column("table_name"), Column("row_count_before", "count"), Column("row_count", "count"),
                Column("row_difference", "count"),
            ),
        ),
    ),
)  # fmt: skip
