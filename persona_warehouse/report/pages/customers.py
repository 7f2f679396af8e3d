"""Who the customers are worth having: tiers, classes, the best, key accounts by region, milestones."""

from __future__ import annotations

from persona_warehouse.report import charts
from persona_warehouse.report.sections import Column, Page, Section, named

ACCOUNT = Column("account_name")
ROUTED = """select a.account_name, a.province, k.rank_number, k.amount_cny, k.region_share, k.cumulative_share, k.team,
    k.sales_seat
from marts.key_accounts as k inner join marts.accounts as a using (account_id)
where k.measure = 'revenue' and k.region_type = 'all' and k.is_key order by k.rank_number"""

PAGE = Page(
    "customers",
    (
        Section(
            "tiers",
            "marts.account_tiers",
            """select t.tier, count(*) as accounts, avg(t.score)::double as mean_score,
                sum(a.won_revenue_cny) as won_revenue_cny, sum(a.gross_profit_cny) as gross_profit_cny,
                sum(a.open_deal_count) as open_deals, count_if(t.is_override) as overrides
            from marts.account_tiers as t inner join marts.accounts as a using (account_id)
            where t.is_current group by t.tier order by array_position(['S', 'A', 'B'], t.tier)""",
            (
                Column("tier"), Column("accounts", "count"), Column("mean_score", "number"),
                Column("won_revenue_cny", "money"), Column("gross_profit_cny", "money"), Column("open_deals", "count"),
                Column("overrides", "count"),
            ),
            lambda rows, language: charts.bars(
                rows, "tier", "won_revenue_cny", str(language.t("headers.won_revenue_cny")), ",.0f"
            ),
        ),
        Section(
            "health",
            "marts.account_health",
            """select a.account_name, h.tier, h.health, h.risks_zh, h.risks_en, h.next_action_zh, h.next_action_en,
                h.action_owner, h.known_count
            from marts.account_health as h inner join marts.accounts as a using (account_id)
            where h.health in ('at_risk', 'watch') and h.standing <> 'prospect'
            order by h.health, array_position(['S', 'A', 'B'], h.tier) nulls last, h.risk_weight desc,
                a.account_name, h.account_id""",
            (
                ACCOUNT, Column("tier"), Column("health", "label"),
                Column("why", words={"zh": "risks_zh", "en": "risks_en"}),
                Column("next_step", words={"zh": "next_action_zh", "en": "next_action_en"}),
                Column("action_owner", "label"), Column("measures_known", "count", field="known_count"),
            ),
            lambda rows, language: charts.bars(
                named(rows, "health", language), "health", "accounts", str(language.t("headers.accounts"))
            ),
            drawn="""select health, count(*) as accounts from marts.account_health where standing <> 'prospect'
                group by health order by array_position(['at_risk', 'watch', 'good', 'unknown'], health)""",
        ),
        Section(
            "best",
            "marts.best_customers",
            """select b.rank_number, a.account_name, a.industry_name, a.tier, b.score, b.gross_profit_cny, b.cycle_days,
                b.referral_count, b.support_hours_per_10k, b.ltv_to_cac, b.nps_score, b.nps_responses, b.chosen_by
            from marts.best_customers as b inner join marts.accounts as a using (account_id)
            where b.is_best or b.is_picked order by b.rank_number""",
            (
                ACCOUNT, Column("rank_number", "count"), Column("industry_name"), Column("score", "share"),
                Column("gross_profit_cny", "money"), Column("cycle_days", "days"), Column("referral_count", "count"),
                Column("support_hours_per_10k", "number"), Column("ltv_to_cac", "number"),
                Column("nps_score", "days", n="nps_responses"), Column("chosen_by", "label"),
            ),
        ),
        Section(
            "classes",
            "marts.accounts",
            """select value_class, count(*) as accounts, sum(won_revenue_cny) as won_revenue_cny,
                median(ltv_cny)::double as median_ltv_cny, median(ltv_to_cac) as ltv_to_cac
            from marts.accounts where value_class is not null group by value_class
            order by array_position(['mvp', 'high_value', 'ordinary', 'relationship', 'new', 'mass'], value_class)""",
            (
                Column("value_class", "label"), Column("accounts", "count"), Column("won_revenue_cny", "money"),
                Column("median_ltv_cny", "money"), Column("ltv_to_cac", "number"),
            ),
            lambda rows, language: charts.bars(
                named(rows, "value_class", language), "value_class", "accounts",
                str(language.t("headers.accounts")),
            ),
        ),
        Section(
            "rfm",
            "marts.accounts",
            """select rfm_segment, count(*) as accounts, sum(won_revenue_cny) as won_revenue_cny,
                avg(rfm_r) as recency, avg(rfm_f) as frequency, avg(rfm_m) as monetary
            from marts.accounts where rfm_segment is not null group by rfm_segment
            order by sum(won_revenue_cny) desc nulls last, rfm_segment""",
            (
                Column("rfm_segment", "label"), Column("accounts", "count"), Column("won_revenue_cny", "money"),
                Column("recency", "number"), Column("frequency", "number"), Column("monetary", "number"),
            ),
        ),
        Section(
            "regions",
            "marts.accounts",
            """select coalesce(province, '?') as province, any_value(province_code) as province_code,
                count(*) as accounts, count_if(won_deal_count > 0) as customers,
                sum(won_revenue_cny) as won_revenue_cny
            from marts.accounts group by province order by customers desc, accounts desc, province""",
            (
                Column("province"), Column("accounts", "count"), Column("customers", "count"),
                Column("won_revenue_cny", "money"),
            ),
            lambda rows, language: charts.tiles(
                [row for row in rows if row["province_code"]], "province_code", "customers", language.code
            ),
        ),
        Section(
            "key_accounts",
            "marts.key_accounts",
            ROUTED,
            (
                ACCOUNT, Column("province"), Column("amount_cny", "money"), Column("region_share", "share"),
                Column("cumulative_share", "share"), Column("team", "label"), Column("sales_seat"),
            ),
        ),
        Section(
            "moments",
            "marts.moments",
            """select a.account_name, m.name_zh, m.name_en, m.reached_on, m.days_ago
            from marts.moments as m inner join marts.accounts as a using (account_id)
            where m.days_ago between -30 and 30 order by m.days_ago, a.account_name, m.name_en""",
            (
                ACCOUNT, Column("milestone", words={"zh": "name_zh", "en": "name_en"}), Column("reached_on", "day"),
                Column("days_ago", "days"),
            ),
        ),
    ),
)  # fmt: skip
