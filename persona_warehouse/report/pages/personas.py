"""Whom to look for: ideal customers with what sets them apart, prior solutions, fit and its test, stories, the map."""

from __future__ import annotations

from persona_warehouse.report import charts
from persona_warehouse.report.sections import RATE_INTERVAL, Column, Page, Rows, Section, named
from persona_warehouse.report.texts import Language

# personas first, then the best, then all customers
CARDS = """select name_zh, name_en, description_zh, description_en, account_count as accounts,
    customer_count as customers, case when kind = 'persona' then customer_rate end as customer_rate,
    customer_rate_low as rate_low, customer_rate_high as rate_high, cycle_days, cycle_days_n,
    stakeholder_count, stakeholder_count_n, presales_hours, presales_hours_n, cast(amount_cny as decimal(38, 2))
    as median_deal_cny, coverage, stability, is_thin, reason as gap
from marts.icp_personas order by kind <> 'persona', persona_number, kind desc"""
TRAITS = """select p.name_zh, p.name_en, t.value_words_zh, t.value_words_en, t.share_best, t.best_n, t.share_rest,
    t.rest_n, t.lift, t.difference, t.difference_low as rate_low, t.difference_high as rate_high, t.p_adjusted
from marts.icp_traits as t inner join marts.icp_personas as p using (persona_id)
where t.is_distinguishing and t.tested_as = 'value' and t.value is not null
    -- who does not is whoever is not among those who do
    and t.value <> 'no'
order by p.kind <> 'best customers', p.persona_number, t.difference desc, t.icp_trait_id"""
STORIES = """select story, string_agg(text_zh, '' order by sentence_number) as description_zh,
    string_agg(text_en, ' ' order by sentence_number) as description_en, count(*) as sentences,
    count_if(is_guess) as guesses, count_if(is_thin) as thin_sentences
from marts.persona_stories group by story
order by array_position(['ideal_customer', 'ideal_decision_maker', 'day_in_the_life'], story)"""


# of the signals the three that weigh most, in words
SCORED = """with scored as (
    select a.account_name, a.industry_name, a.province, f.account_id, f.probability, f.score, f.segment, f.signals,
        a.journey_stage
    from marts.icp_fit_scores as f inner join marts.accounts as a using (account_id)
    where a.won_deal_count = 0 and f.probability is not null
    order by f.score desc, a.account_name, f.account_id limit 100
),
signals as (
    select account_id, split_part(signal, ' ', 1) as attribute, split_part(signal, ' ', 2) as points,
        row_number() over (
            partition by account_id order by abs(cast(split_part(signal, ' ', 2) as double)) desc, signal
        ) as place
    from (select account_id, trim(unnest(string_split(signals, ';'))) as signal from scored)
),
attributes as (select distinct attribute, attribute_name_zh, attribute_name_en from marts.icp_traits),
told as (
    select s.account_id,
        string_agg(concat(coalesce(n.attribute_name_zh, replace(s.attribute, '_', ' ')), ' ', s.points), '、'
            order by s.place) as signals_zh,
        string_agg(concat(coalesce(n.attribute_name_en, replace(s.attribute, '_', ' ')), ' ', s.points), ', '
            order by s.place) as signals_en
    from signals as s left join attributes as n using (attribute) where s.place <= 3 group by s.account_id
)
select * from scored inner join told using (account_id) order by score desc, account_name, account_id"""


# values that are off by five points or more
TARGETS = """select t.attribute, t.step, t.basis, any_value(t.n) as n, any_value(t.distance) as distance,
    any_value(t.distance_by_chance) as by_chance, bool_or(t.is_drift_step) as is_drift_step,
    string_agg(concat(coalesce(i.industry_name_zh, t.value), ' ', case when t.difference > 0 then '+' else '' end,
        cast(round(100 * t.difference) as integer), '%'), '、' order by abs(t.difference) desc, t.value)
        filter (where abs(t.difference) >= 0.05) as most_off_zh,
    string_agg(concat(coalesce(i.industry_name_en, t.value), ' ', case when t.difference > 0 then '+' else '' end,
        cast(round(100 * t.difference) as integer), '%'), '; ' order by abs(t.difference) desc, t.value)
        filter (where abs(t.difference) >= 0.05) as most_off_en
from marts.target_vs_actual as t
left join marts.industry_results as i on t.attribute = 'industry_section' and i.industry_section = t.value
where t.distance is not null
group by t.attribute, t.step, t.basis order by t.attribute, any_value(t.step_order)"""


def _distinguishing(rows: Rows, language: Language) -> dict[str, object]:
    """The best alone where they differ; else whoever does."""
    first = [row for row in rows if row["name_en"] == rows[0]["name_en"]]
    return charts.intervals(
        [row | {"trait": row[f"value_words_{language.code}"]} for row in first],
        "trait", "difference", "rate_low", "rate_high", str(language.t("axes.difference_of_shares")),
        "+.0%", reference=0,
    )  # fmt: skip


def _map(rows: Rows, language: Language) -> dict[str, object] | None:
    placed = [row for row in rows if row["influence"] is not None and row["net_gain"] is not None]
    return charts.scatter(
        [row | {"post": row[f"post_{language.code}"]} for row in placed], "net_gain", "influence", "post",
        str(language.t("headers.net_gain")), str(language.t("headers.influence")), "people_count",
    ) if placed else None  # fmt: skip


PAGE = Page(
    "personas",
    (
        Section(
            "icp",
            "marts.icp_personas",
            CARDS,
            (
                Column("persona", words={"zh": "name_zh", "en": "name_en"}),
                Column("description", words={"zh": "description_zh", "en": "description_en"}),
                Column("accounts", "count"), Column("customers", "count"), Column("customer_rate", "share"),
                RATE_INTERVAL, Column("cycle_days", "days", n="cycle_days_n"),
                Column("median_deal_cny", "money"), Column("stakeholder_count", "days", n="stakeholder_count_n"),
                Column("presales_hours", "days", n="presales_hours_n"), Column("coverage", "share"),
                Column("stability", "share"), Column("is_thin", "flag"), Column("gap", "label"),
            ),
            is_cards=True,
        ),
        Section(
            "traits",
            "marts.icp_traits",
            TRAITS,
            (
                Column("persona", words={"zh": "name_zh", "en": "name_en"}),
                Column("trait", words={"zh": "value_words_zh", "en": "value_words_en"}),
                Column("share_best", "share", n="best_n"), Column("share_rest", "share", n="rest_n"),
                Column("lift", "number"), Column("difference_interval", "interval", low="rate_low", high="rate_high"),
                Column("p_adjusted", "p"),
            ),
            _distinguishing,
        ),
        Section(
            "stories",
            "marts.persona_stories",
            STORIES,
            (
                Column("story", "label"),
                Column("description", words={"zh": "description_zh", "en": "description_en"}),
                Column("sentences", "count"), Column("guesses", "count"), Column("thin_sentences", "count"),
            ),
            is_cards=True,
        ),
        Section(
            "prior_solutions",
            "marts.win_rates_by_prior_solution",
            """select prior_solution, case when product <> 'all' then product end as rival, n,
                win_rate as rate, win_rate_low as rate_low, win_rate_high as rate_high, is_different, p_adjusted
            from marts.win_rates_by_prior_solution where win_rate is not null
            order by level = 'product', level <> 'all', win_rate desc, prior_solution, product""",
            (
                Column("prior_solution", "label"), Column("rival"),
                Column("rate_of_wins", "share", field="rate", n="n"), RATE_INTERVAL,
                Column("is_different", "flag"), Column("p_adjusted", "p"),
            ),
            lambda rows, language: charts.intervals(
                named([row for row in rows if row["rival"] is None], "prior_solution", language),
                "prior_solution", "rate", "rate_low", "rate_high", str(language.t("headers.rate_of_wins")),
            ),
        ),
        Section(
            "fit",
            "marts.icp_fit_scores",
            SCORED,
            (
                Column("account_name"), Column("industry_name"), Column("province"), Column("probability", "share"),
                Column("score", "number"), Column("fit_segment", "label", field="segment"),
                Column("journey_stage", "label", group="journey_stages"),
                Column("strongest_signals", words={"zh": "signals_zh", "en": "signals_en"}),
            ),
        ),
        Section(
            "fit_test",
            "marts.icp_fit_backtests",
            """select test, n, auc, auc_low as rate_low, auc_high as rate_high, points_table_auc, gain, gain_low,
                gain_high, calibration_slope, verdict
            from marts.icp_fit_backtests where decile = 0 order by test desc""",
            (
                Column("test", "label", group="values.backtest"), Column("n", "count"),
                Column("auc", "number"), Column("auc_interval", "interval", low="rate_low", high="rate_high",
                                                unit="number"),
                Column("points_table_auc", "number"), Column("gain_over_table", "number", field="gain"),
                Column("gain_interval", "interval", low="gain_low", high="gain_high", unit="number"),
                Column("calibration_slope", "number"), Column("fit_verdict", "list", field="verdict",
                                                              group="values.fit_verdict", separator=";"),
            ),
            lambda rows, language: charts.intervals(
                [row | {"tenth": str(row["decile"])} for row in rows], "tenth", "rate", "rate_low", "rate_high",
                str(language.t("axes.rate_of_tenth")), reference=rows[0]["average"],
            ),
            drawn="""select b.decile, b.rate, b.rate_low, b.rate_high, w.rate as average
                from marts.icp_fit_backtests as b
                inner join marts.icp_fit_backtests as w on w.test = b.test and w.decile = 0
                where b.decile > 0 and b.test = 'unseen accounts' and b.rate is not null order by b.decile""",
        ),
        Section(
            "target",
            "marts.target_vs_actual",
            TARGETS,
            (
                Column("attribute", "label", group="values.target_attribute"),
                Column("step", "label", group="values.funnel_step"), Column("basis", "label"), Column("n", "count"),
                Column("distance", "share"), Column("by_chance", "share"), Column("is_drift_step", "flag"),
                Column("most_off", words={"zh": "most_off_zh", "en": "most_off_en"}),
            ),
            lambda rows, language: charts.heat(
                named(named(rows, "step", language, "values.funnel_step"), "attribute", language,
                      "values.target_attribute"),
                "step", "attribute", "distance", ".0%",
            ),
        ),
        Section(
            "needs",
            "marts.persona_usage",
            """select u.decision_role, u.aspect, d.value_zh, d.value_en, any_value(u.n) as n,
                any_value(u.share) as share, any_value(u.share_low) as rate_low, any_value(u.share_high) as rate_high,
                max(u.asset_count) filter (where u.use_case = 'case') as cases,
                max(u.asset_count) filter (where u.use_case = 'collateral') as collateral,
                max(u.asset_count) filter (where u.use_case = 'demo_answer') as demo_answers,
                max(u.asset_count) filter (where u.use_case = 'onboarding_step') as onboarding_steps
            from marts.persona_usage as u
            inner join (
                select distinct decision_role, aspect, value, value_zh, value_en from marts.decision_maker_personas
                where persona = 'all' and stage is null
            ) as d using (decision_role, aspect, value)
            where u.persona = 'all' and u.use_case in ('case', 'collateral', 'demo_answer', 'onboarding_step')
            group by u.decision_role, u.aspect, u.value, d.value_zh, d.value_en
            order by array_position(['final', 'adviser', 'user'], u.decision_role), share desc, u.aspect, u.value""",
            (
                Column("reader_role", "label", field="decision_role", group="values.decision_role"),
                Column("aspect", "label"), Column("need", words={"zh": "value_zh", "en": "value_en"}),
                Column("share_of_role", "share", field="share", n="n"), RATE_INTERVAL, Column("cases", "count"),
                Column("collateral", "count"), Column("demo_answers", "count"), Column("onboarding_steps", "count"),
            ),
        ),
        Section(
            "industries",
            "marts.industry_results",
            """select coalesce(industry_name_zh, '全部') as industry_name_zh,
                coalesce(industry_name_en, 'All') as industry_name_en,
                account_count as accounts, customer_count as customers,
                win_rate as rate_of_wins, win_rate_low as rate_low, win_rate_high as rate_high, decided_n,
                cast(contract_value_cny as decimal(38, 2)) as contract_value_cny, cycle_days, cycle_n,
                revenue_growth, employee_growth_2y
            from marts.industry_results order by customer_count desc, account_count desc, industry_section""",
            (
                Column("industry", words={"zh": "industry_name_zh", "en": "industry_name_en"}),
                Column("accounts", "count"), Column("customers", "count"),
                Column("rate_of_wins", "share", n="decided_n"), RATE_INTERVAL, Column("contract_value_cny", "money"),
                Column("cycle_days", "days", n="cycle_n"), Column("revenue_growth", "share"),
                Column("employee_growth_2y", "share"),
            ),
        ),
        Section(
            "ecosystem",
            "marts.ecosystem_map",
            """select post_zh, post_en, people_count, gain, burden, net_gain, influence, buying_influence, priority,
                priority_reason_zh, priority_reason_en, is_guess
            from marts.ecosystem_map where persona = 'all'
            order by priority nulls last, influence desc nulls last, post""",
            (
                Column("post", words={"zh": "post_zh", "en": "post_en"}), Column("people_count", "count"),
                Column("gain", "number"), Column("burden", "number"), Column("net_gain", "number"),
                Column("influence", "number"), Column("buying_influence", "label"), Column("priority", "count"),
                Column("advice", words={"zh": "priority_reason_zh", "en": "priority_reason_en"}),
                Column("is_guess", "flag"),
            ),
            _map,
            first_rows=20,
        ),
    ),
)  # fmt: skip
