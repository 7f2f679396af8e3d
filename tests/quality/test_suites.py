"""Every critical expectation holds on good rows and breaks on a row made to break it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import expectations
from expectations.owners import Owner
from expectations.rules import Given
from expectations.staging import OBJECTS
from persona_warehouse.quality.audit import run_audit
from persona_warehouse.quality.results import Boundary
from persona_warehouse.quality.thresholds import load_bounds, load_reject_rates
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import connect

PERSONAL = "holds no e-mail address or mobile number"
LATE = "timestamptz '2026-11-20 16:00:00+00'"


@dataclass(frozen=True)
class Break:
    """SQL that turns the good warehouse into one that breaks one expectation."""

    boundary: Boundary
    table: str
    fact: str
    sql: str


def _reject(stream: str, name: str) -> Break:
    return Break(
        "staging",
        f"stg_{stream}__{name}",
        "few rows of the newest load are rejected",
        # eight of the thirty-two rows of the load, each with two errors
        f"delete from staging.stg_{stream}__{name} where source_row > 24;"
        f"insert into quarantine.{stream}__{name} (source_file, source_row, field, load_id)"
        " select 'x', i // 2, 'f', '1' from range(0, 16) as n(i)",
    )


BREAKS = [
    *(_reject(*one) for one in OBJECTS),
    Break(
        "staging",
        "stg_website__events",
        "hardly any event is in the future",
        "update staging.stg_website__events set occurred_at = '2026-11-21 16:00:00+00' where source_row < 4",
    ),
    Break(
        "marts",
        "accounts",
        "last_touch_at is not before first_touch_at",
        "update marts.accounts set last_touch_at = first_touch_at - interval 1 second where account_id = 'acc2'",
    ),
    Break(
        "marts",
        "accounts",
        "every account comes from a source record",
        "insert into marts.accounts (account_id, contact_count, deal_count, open_deal_count, won_deal_count)"
        " values ('extra', 0, 0, 0, 0)",
    ),
    Break(
        "marts",
        "accounts",
        "open and won deals are part of all deals",
        "update marts.accounts set open_deal_count = 1 where account_id = 'acc2'",
    ),
    Break(
        "marts",
        "accounts",
        "contact_count is the number of the account's contacts",
        "update marts.accounts set contact_count = 1 where account_id = 'acc2'",
    ),
    Break(
        "marts",
        "accounts",
        "the accounts' deals are not more than the staged deals",
        "update marts.accounts set deal_count = 1 where account_id = 'acc2'",
    ),
    Break(
        "marts",
        "accounts",
        "codes of industry and place are of their standards and fit each other",
        "update marts.accounts set city_code = '330100' where account_id = 'acc2'",
    ),
    Break(
        "marts",
        "accounts",
        "digital maturity is a grade from 0 to 4 and nobody loses more than everybody",
        "update marts.accounts set digital_maturity = 5 where account_id = 'acc2'",
    ),
    Break(
        "marts",
        "account_attributes",
        "an account has at most one selected value of an attribute",
        "update marts.account_attributes set attribute = 'org_type' where account_id = 'acc2'",
    ),
    Break(
        "marts",
        "account_attributes",
        "a selected value is in time",
        "update marts.account_attributes set is_in_time = false where account_attribute_id = 'org_type2'",
    ),
    Break(
        "marts",
        "account_attributes",
        "confidence and agreement are within 0 to 1",
        "update marts.account_attributes set agreement = 80 where account_attribute_id = 'org_type2'",
    ),
    Break(
        "marts",
        "account_attributes",
        "what is sensitive comes from an interview with consent",
        "update staging.stg_crm__interviews set has_consent = false where interview_id = 'v1'",
    ),
    Break(
        "marts",
        "account_traits",
        "a trait has a value and evidence",
        "update marts.account_traits set evidence = '' where account_id = 'acc2'",
    ),
    Break(
        "marts",
        "account_traits",
        "confidence is within 0 to 1",
        "update marts.account_traits set confidence = 1.5 where account_id = 'acc2'",
    ),
    Break(
        "marts",
        "account_coverage",
        "selected accounts are part of known ones and these of all",
        "update marts.account_coverage set selected_count = 23",
    ),
    Break(
        "marts",
        "account_coverage",
        "account_count is the number of accounts",
        "update marts.account_coverage set account_count = 44",
    ),
    Break(
        "marts",
        "account_tiers",
        "valid_to is not before valid_from",
        "update marts.account_tiers set valid_to = date '2026-02-01' where account_tier_id = 't1A'",
    ),
    Break(
        "marts",
        "account_tiers",
        "what people decided has a reason and an author",
        "update marts.account_tiers set override_reason = ' ' where account_tier_id = 't1A'",
    ),
    Break(
        "marts",
        "account_tiers",
        "a rank is a share of the customers of its day",
        "update marts.account_tiers set rank_share = 1.2 where account_tier_id = 't1A'",
    ),
    Break(
        "marts",
        "account_tiers",
        "an account that bought has a present tier",
        "delete from marts.account_tiers where account_tier_id = 't1B'",
    ),
    Break(
        "marts",
        "account_score_ledger",
        "points are 100 times place times weight, with the sign of the factor",
        "update marts.account_score_ledger set points = 10 where account_score_ledger_id = 'breach1'",
    ),
    Break(
        "marts",
        "account_score_ledger",
        "the weights of an account add up to one",
        "delete from marts.account_score_ledger where account_score_ledger_id = 'breach1'",
    ),
    Break(
        "marts",
        "key_accounts",
        "a share is part of the cumulative share and this of the whole",
        "update marts.key_accounts set cumulative_share = 0.2 where account_id = 'acc2'",
    ),
    Break(
        "marts",
        "key_accounts",
        "the shares of a region add up to one",
        "delete from marts.key_accounts where account_id = 'acc2'",
    ),
    Break(
        "marts",
        "account_health",
        "risks that are counted are told, in both languages",
        "update marts.account_health set risks_en = null where account_id = 'acc1'",
    ),
    Break(
        "marts",
        "account_health",
        "what is unknown says why, and nobody is well of whom nothing is known",
        "update marts.account_health set health = 'unknown' where account_id = 'acc1'",
    ),
    Break(
        "marts",
        "target_vs_actual",
        "shares and distances lie between nought and one",
        "update marts.target_vs_actual set k = 11",
    ),
    Break(
        "marts",
        "target_vs_actual",
        "what is aimed at adds up to one in every step",
        "update marts.target_vs_actual set target_share = 0.6",
    ),
    Break(
        "marts",
        "target_vs_actual",
        "an attribute drifts in one step at most",
        "update marts.target_vs_actual set is_drift_step = true",
    ),
    Break(
        "marts",
        "persona_usage",
        "a share lies within its interval and k is among n",
        "update marts.persona_usage set k = 11",
    ),
    Break("marts", "persona_usage", "what is covered has an asset", "update marts.persona_usage set asset_count = 0"),
    Break(
        "marts",
        "moments",
        "a milestone was reached by the as-of date",
        "update marts.moments set reached_on = date '2026-11-21' where moment_id = 'm1'",
    ),
    Break(
        "marts",
        "follower_episodes",
        "unfollowed_at is not before followed_at",
        "update marts.follower_episodes set unfollowed_at = followed_at - interval 1 second",
    ),
    Break(
        "marts",
        "follower_episodes",
        "followed_at is not after the as-of date",
        "update marts.follower_episodes set followed_at = timestamptz '2026-11-20 16:00:00+00', unfollowed_at = null",
    ),
    Break(
        "marts",
        "follower_episodes",
        "what came of a follow came after it",
        "update marts.follower_episodes set first_lead_at = followed_at - interval 1 second",
    ),
    Break(
        "marts",
        "follower_cohorts",
        "who converted is among those who were counted",
        "update marts.follower_cohorts set new_k = 11",
    ),
    Break(
        "marts",
        "follower_cohorts",
        "rates and lift lie within their intervals",
        "update marts.follower_cohorts set lift = 9",
    ),
    Break(
        "marts",
        "follower_cohorts",
        "a missing lift has its reason",
        "update marts.follower_cohorts set lift = null",
    ),
    Break(
        "marts",
        "content_demand",
        "who went further is among those who read",
        "update marts.content_demand set k = 11",
    ),
    Break(
        "marts",
        "content_demand",
        "the demand of an audience adds up to one",
        "update marts.content_demand set demand_share = 0.75",
    ),
    Break(
        "marts",
        "content_demand",
        "a missing rate has its reason",
        "update marts.content_demand set rate = null",
    ),
    Break(
        "marts",
        "sourcing_episodes",
        "ended_at is not before started_at",
        "update marts.sourcing_episodes set ended_at = started_at - interval 1 second",
    ),
    Break(
        "marts",
        "sourcing_episodes",
        "ended_at is not after the as-of date",
        "update marts.sourcing_episodes set ended_at = timestamptz '2026-11-20 16:00:00+00'",
    ),
    Break(
        "marts",
        "sourcing_episodes",
        "shares of an episode lie between nought and one",
        "update marts.sourcing_episodes set covered_share = 1.1",
    ),
    Break(
        "marts",
        "sourcing_episodes",
        "episodes hold no visit twice",
        "update marts.sourcing_episodes set session_count = 1000",
    ),
    Break(
        "marts",
        "best_customers",
        "a score is a share and rests on at least one measure",
        "update marts.best_customers set measure_count = 0 where account_id = 'acc1'",
    ),
    Break(
        "marts",
        "best_customers",
        "ranks run from one without a gap",
        "update marts.best_customers set rank_number = 1 where account_id = 'acc2'",
    ),
    Break(
        "marts",
        "icp_personas",
        "a rate lies within its interval and customers are among the accounts",
        "update marts.icp_personas set customer_rate = 0.9 where persona_id = 'p1'",
    ),
    Break(
        "marts",
        "icp_personas",
        "a card without a description says why",
        "update marts.icp_personas set description_en = null where persona_id = 'p1'",
    ),
    Break(
        "marts",
        "icp_persona_shares",
        "a share is what was counted and lies within its interval",
        "update marts.icp_persona_shares set k = 6",
    ),
    Break(
        "marts",
        "icp_traits",
        "an effect lies within its interval",
        "update marts.icp_traits set log_odds = 2 where icp_trait_id = 't1'",
    ),
    Break(
        "marts",
        "icp_traits",
        "an adjusted p is not below the plain one",
        "update marts.icp_traits set p_adjusted = 0.001 where icp_trait_id = 't1'",
    ),
    Break(
        "marts",
        "icp_traits",
        "what is refused or unknown distinguishes nothing",
        "update marts.icp_traits set is_distinguishing = true where icp_trait_id = 't2'",
    ),
    Break(
        "marts",
        "icp_fit_scores",
        "base and signals add up to the score",
        "update marts.icp_fit_scores set signals = 'goal +4.5' where account_id = 'acc2'",
    ),
    Break(
        "marts",
        "icp_fit_scores",
        "a probability is one, and tells whether there is a score",
        "update marts.icp_fit_scores set probability = 60 where account_id = 'acc2'",
    ),
    Break(
        "marts",
        "icp_fit_backtests",
        "the tenths of a test add up to all of it",
        "delete from marts.icp_fit_backtests where decile = 2",
    ),
    Break(
        "marts",
        "icp_fit_backtests",
        "every test has a verdict or its tenths",
        "update marts.icp_fit_backtests set verdict = null",
    ),
    Break(
        "marts",
        "win_rates_by_prior_solution",
        "the kinds of prior solution add up to all deals",
        "update marts.win_rates_by_prior_solution set n = 11, win_rate = 5 / 11 where level = 'all'",
    ),
    Break(
        "marts",
        "win_rates_by_prior_solution",
        "a rate is what was counted and lies within its interval",
        "update marts.win_rates_by_prior_solution set win_rate = 0.7",
    ),
    Break(
        "marts",
        "industry_results",
        "the industries add up to the market",
        "update marts.industry_results set account_count = 21 where industry_section = 'C'",
    ),
    Break(
        "marts",
        "industry_results",
        "a rate lies within its interval",
        "update marts.industry_results set win_rate = 0.5 where industry_section = 'C'",
    ),
    Break(
        "marts",
        "kpi_daily",
        "a series has every day from its first to the as-of date",
        "delete from marts.kpi_daily where kpi_daily_id = 'cloud3'",
    ),
    Break(
        "marts",
        "kpi_daily",
        "the parts of a metric are not more than the whole",
        "update marts.kpi_daily set value = 4 where kpi_daily_id = 'cloud3'",
    ),
    Break(
        "marts",
        "kpi_alerts",
        "a value that swung is outside of its bounds, on the side that is told",
        "update marts.kpi_alerts set value = 4",
    ),
    Break(
        "marts",
        "kpi_alerts",
        "an adjusted chance is not below the plain one",
        "update marts.kpi_alerts set q_value = 0",
    ),
    Break(
        "marts",
        "experiments",
        "successes are part of the visitors and a rate lies within its bounds",
        "update marts.experiments set k = 11 where experiment_variant_id = 'x-b'",
    ),
    Break(
        "marts",
        "experiments",
        "no result is read where the visitors are not shared out as planned",
        "update marts.experiments set is_share_as_planned = false",
    ),
    Break(
        "marts",
        "decision_maker_personas",
        "a share or a number rests on enough and lies within its bounds",
        "update marts.decision_maker_personas set n = 4, k = 2, step = 'who'",
    ),
    Break(
        "marts",
        "decision_maker_personas",
        "age, sex, residence, education, marriage and income are cells of the smallest size or more",
        "update marts.decision_maker_personas set k = 4",
    ),
    Break(
        "marts",
        "user_personas",
        "a share or a number of a post rests on enough and lies within its bounds",
        "update marts.user_personas set rate_low = 0.6",
    ),
    Break(
        "marts",
        "user_personas",
        "every KPI of a post was inferred",
        "update marts.user_personas set inferred_count = 5",
    ),
    Break(
        "marts",
        "ecosystem_map",
        "the net gain is the gains less the burden",
        "update marts.ecosystem_map set net_gain = 1",
    ),
    Break(
        "marts",
        "ecosystem_map",
        "a priority has a reason, a net gain and an influence that rests on enough people",
        "update marts.ecosystem_map set people_count = 2",
    ),
    Break(
        "marts",
        "persona_stories",
        "every number of a sentence is its metric's",
        "update marts.persona_stories set text_en = replace(text_en, '34', '43')",
    ),
    Break(
        "marts",
        "persona_stories",
        "a fictional name says that it is",
        "update marts.persona_stories set text_zh = replace(text_zh, '（虚构）', '')",
    ),
    Break(
        "marts",
        "interview_findings",
        "a share lies within its bounds and rests on enough interviews",
        "update marts.interview_findings set n = 4, k = 3",
    ),
    Break(
        "marts",
        "interview_findings",
        "nothing about age, sex, residence, education, marriage or income stands among the answers",
        "update marts.interview_findings set question_code = 's01'",
    ),
    Break(
        "marts",
        "hypotheses",
        "a verdict rests on ten interviews and on an interval that does not hold the bound",
        "update marts.hypotheses set rate_low = 0.4",
    ),
    Break(
        "marts",
        "contacts",
        "masked_name is no name of the CRM",
        "update marts.contacts set masked_name = '林小7' where contact_id = 'per7'",
    ),
    Break(
        "marts",
        "contacts",
        "last_touch_at is not before first_touch_at",
        "update marts.contacts set first_touch_at = last_touch_at + interval 1 day where contact_id = 'per7'",
    ),
    Break(
        "marts",
        "contacts",
        "every contact comes from a source record",
        "insert into marts.contacts (contact_id) values ('extra')",
    ),
    Break(
        "marts",
        "identity_changes",
        "a change has another id after than before",
        "update marts.identity_changes set id_after = id_before where change_id = 'k3'",
    ),
    Break(
        "marts",
        "identity_changes",
        "an id before is there where something was before",
        "update marts.identity_changes set id_before = 'acc2' where change_id = 'k1'",
    ),
    Break(
        "marts",
        "identity_changes",
        "a change is about records",
        "update marts.identity_changes set record_count = 0 where change_id = 'k1'",
    ),
    Break(
        "marts",
        "identity_changes",
        "what merged is no account or contact of its own",
        "update marts.identity_changes set id_before = 'acc2' where change_id = 'k2'",
    ),
    Break(
        "marts",
        "contact_identities",
        "every live record of companies has an identity",
        "delete from marts.contact_identities where source_id = 'c22'",
    ),
    Break(
        "marts",
        "contact_identities",
        "every live record of contacts has an identity",
        "update marts.contact_identities set contact_id = null where source_id = 'p9'",
    ),
    Break(
        "marts",
        "contact_identities",
        "every identity of companies is a staged record",
        "update marts.contact_identities set source_id = 'c99' where source_id = 'c22'",
    ),
    Break(
        "marts",
        "contact_identities",
        "every identity of contacts is a staged record",
        "update marts.contact_identities set source_id = 'p99' where source_id = 'p9'",
    ),
    Break(
        "marts",
        "contact_identities",
        "valid_to is not before valid_from",
        "update marts.contact_identities set valid_to = valid_from - interval 1 day where source_id = 'p9'",
    ),
    Break(
        "marts",
        "contact_role_tags",
        "confidences are within 0 to 1",
        "update marts.contact_role_tags set tag_confidence = 1.2 where contact_id = 'per1'",
    ),
    Break(
        "marts",
        "contact_role_tags",
        "of each type a person has at most one selected tag",
        "update marts.contact_role_tags set is_selected = true where contact_id = 'per1'",
    ),
    Break(
        "marts",
        "decision_chains",
        "every open deal has every slot",
        "delete from marts.decision_chains where deal_id = 'd1' and role_slot = 'user'",
    ),
    Break(
        "marts",
        "decision_chains",
        "confidence is within 0 to 1",
        "update marts.decision_chains set confidence = -0.1 where deal_id = 'd1'",
    ),
    Break(
        "marts",
        "contact_identities",
        "match_probability is within 0 to 1",
        "update marts.contact_identities set match_probability = 'nan' where source_id = 'p9'",
    ),
    Break(
        "marts",
        "sessions",
        "ended_at is not before started_at",
        "update marts.sessions set ended_at = started_at - interval 1 second where session_id = sha256('s1')",
    ),
    Break(
        "marts",
        "sessions",
        "counts and durations are not negative",
        "update marts.sessions set duration_seconds = -1 where session_id = sha256('s1')",
    ),
    Break(
        "marts",
        "sessions",
        "page_views are part of the events",
        "update marts.sessions set page_views = 2 where session_id = sha256('s1')",
    ),
    Break(
        "marts",
        "sessions",
        "sessions hold no event twice",
        "update marts.sessions set event_count = 2 where session_id = sha256('s1')",
    ),
    Break(
        "marts",
        "touchpoints",
        "web touches are not more than the sessions",
        "insert into marts.touchpoints (touchpoint_id, touchpoint_type) values ('extra', 'web_session')",
    ),
    Break(
        "marts",
        "journey_stages",
        "entered_at is not after the as-of date",
        f"update marts.journey_stages set entered_at = {LATE} where journey_stage_id = 'j2'",
    ),
    Break(
        "marts",
        "journey_stages",
        "left_at is not before entered_at",
        "update marts.journey_stages set left_at = entered_at - interval 1 day where journey_stage_id = 'j1'",
    ),
    Break(
        "marts",
        "journey_stages",
        "days is not negative",
        "update marts.journey_stages set days = -0.5 where journey_stage_id = 'j1'",
    ),
    Break(
        "marts",
        "journey_stages",
        "an account is in at most one stage now",
        "update marts.journey_stages set is_current = true",
    ),
    Break(
        "marts",
        "lead_funnel",
        "no more leads go on than entered",
        "update marts.lead_funnel set converted = 11",
    ),
    Break(
        "marts",
        "lead_funnel",
        "a rate lies in its interval",
        "update marts.lead_funnel set rate_upper = 0.4",
    ),
    Break(
        "marts",
        "lead_funnel",
        "an empty rate says why",
        "update marts.lead_funnel set rate = null",
    ),
    Break(
        "marts",
        "awareness_states",
        "a state is told of an account or a person",
        "update marts.awareness_states set account_id = null",
    ),
    Break(
        "marts",
        "awareness_states",
        "entered_at is not after the as-of date",
        "update marts.awareness_states set entered_at = timestamptz '2026-11-20 16:00:00+00'",
    ),
    Break(
        "marts",
        "awareness_states",
        "left_at is not before entered_at",
        "update marts.awareness_states set left_at = entered_at - interval 1 day",
    ),
    Break(
        "marts",
        "deal_attribution",
        "a weight is a share",
        "update marts.deal_attribution set weight = 1.5",
    ),
    Break(
        "marts",
        "deal_attribution",
        "a deal without a touch says so",
        "update marts.deal_attribution set touchpoint_id = null",
    ),
    Break(
        "marts",
        "lead_stages",
        "every staged deal is an opportunity of one lead that counts for it",
        "delete from marts.lead_stages where lead_stage_id = 'o5'",
    ),
    Break(
        "marts",
        "lead_stages",
        "every deal of the funnel is a staged deal",
        "update marts.lead_stages set deal_id = 'gone' where lead_stage_id = 'w5'",
    ),
    Break(
        "marts",
        "coverage",
        "filled_share is within 0 to 1",
        "update marts.coverage set filled_share = 1.01 where object = 'companies'",
    ),
    Break(
        "marts",
        "coverage",
        "filled_count is part of row_count",
        "update marts.coverage set filled_count = 25 where object = 'companies'",
    ),
    Break(
        "marts",
        "coverage",
        "filled_share is null exactly when there are no rows",
        "update marts.coverage set filled_share = 0 where object = 'gone'",
    ),
]

# what must be seen, but must not stop a night
WARNINGS = [
    ("staging", "stg_crm__deals", "product is known among the products", "product = 'GTXPro'"),
    ("staging", "stg_crm__deals", "amount is at least 0 and at most 10000000000", "amount = -1"),
    ("staging", "stg_crm__deals", "closed_at is not before created_at", "closed_at = created_at - interval 1 day"),
    ("staging", "stg_crm__deals", "company_id stands in staging.stg_crm__companies", "company_id = 'gone'"),
    ("staging", "stg_crm__deals", "most deals name their company", "company_id = null"),
    ("staging", "stg_crm__deals", "created_at is not in the future", "created_at = '2026-11-21 16:00:00+00'"),
    ("staging", "stg_crm__contacts", "company_id stands in staging.stg_crm__companies", "company_id = 'gone'"),
    ("staging", "stg_crm__contacts", "email has its usual shape", "email = 'ask Lin'"),
    ("staging", "stg_crm__companies", "currency has its usual shape", "currency = '人民币'"),
    ("staging", "stg_crm__deals", "the words of stage are known", "stage = if(source_row = 1, '神秘阶段', stage)"),
    ("staging", "stg_crm__deals", "updated_at is not in the future", "updated_at = '2026-11-21 16:00:00+00'"),
    ("staging", "stg_crm__deal_stage_history", "the words of stage are known", "stage = '神秘阶段'"),
    ("staging", "stg_crm__activities", "the words of activity_type are known", "activity_type = 'teleport'"),
    ("staging", "stg_crm__leads", "the words of lead_status are known", "lead_status = 'lukewarm'"),
    ("staging", "stg_crm__leads", "the words of lifecycle_stage are known", "lifecycle_stage = 'lukewarm'"),
    ("staging", "stg_crm__contacts", "the words of lead_status are known", "lead_status = 'lukewarm'"),
    ("staging", "stg_crm__contacts", "the words of buying_role are known", "buying_role = 'CHAMPION;MASCOT'"),
    ("staging", "stg_crm__deal_contacts", "the words of role are known", "role = 'mascot'"),
    ("staging", "stg_crm__lifecycle_stage_history", "the words of stage are known", "stage = 'lukewarm'"),
    ("staging", "stg_crm__surveys", "the words of survey_type are known", "survey_type = 'quiz'"),
    (
        "staging",
        "stg_wechat__followers",
        "the words of subscribe_scene are known",
        "subscribe_scene = 'ADD_SCENE_MARS'",
    ),
    ("staging", "stg_crm__tickets", "closed_at is not before opened_at", "closed_at = opened_at - interval 1 second"),
    ("staging", "stg_crm__tickets", "opened_at is not in the future", "opened_at = '2026-11-21 16:00:00+00'"),
    ("staging", "stg_crm__tickets", "effort_hours is at least 0 and at most 2000", "effort_hours = -1"),
    ("staging", "stg_crm__tickets", "company_id stands in staging.stg_crm__companies", "company_id = 'gone'"),
    ("staging", "stg_crm__invoices", "few invoices are credit notes", "amount = if(source_row > 21, -1, amount)"),
    ("staging", "stg_crm__invoices", "amount has a plausible size", "amount = -1e11"),
    ("staging", "stg_crm__invoices", "cost_amount has the sign of amount", "cost_amount = -cost_amount"),
    ("staging", "stg_crm__invoices", "due_at is not before issued_at", "due_at = issued_at - interval 1 day"),
    ("staging", "stg_crm__invoices", "paid_at is not in the future", "paid_at = '2026-11-21 16:00:00+00'"),
    ("staging", "stg_crm__campaigns", "ended_at is not before started_at", "ended_at = started_at - interval 1 day"),
    ("staging", "stg_crm__campaigns", "budget is at least 0", "budget = -1"),
    ("staging", "stg_crm__campaign_members", "a participation names a contact or a lead", "contact_id = null"),
    ("staging", "stg_crm__campaign_members", "lead_id stands in staging.stg_crm__leads", "lead_id = 'gone'"),
    ("staging", "stg_crm__ad_spend", "cost is at least 0", "cost = -1"),
    ("staging", "stg_crm__ad_spend", "clicks are not negative and not more than impressions", "clicks = 1001"),
    ("staging", "stg_crm__ad_spend", "spend_date is not in the future", "spend_date = '2026-11-22'"),
    ("staging", "stg_crm__surveys", "the score of an NPS answer is 0 to 10", "score = 11"),
    ("staging", "stg_crm__surveys", "the score of an NPS answer is 0 to 10", "score = 7.5"),
    ("staging", "stg_crm__surveys", "most answers have a score", "score = null"),
    ("staging", "stg_crm__surveys", "most answers tell whose they are", "company_id = null, contact_id = null"),
    ("staging", "stg_crm__interviews", "nobody refused to be recorded", "has_consent = false"),
    ("staging", "stg_crm__interview_answers", "an answer has a code or a text", "answer_text = null"),
    (
        "staging",
        "stg_crm__interview_answers",
        "a coded answer stands in the list of its question",
        "answer_code = 'boredom'",
    ),
    (
        "staging",
        "stg_crm__interview_answers",
        "what is never asked outright was inferred",
        "question_code = 'q16', answer_code = 'profit'",
    ),
    ("staging", "stg_crm__interview_answers", "confidence is at least 0 and at most 1", "confidence = 80"),
    ("staging", "stg_crm__company_enrichment", "a fact names its company", "uscc = null"),
    ("staging", "stg_crm__product_usage", "usage_count is at least 0", "usage_count = -1"),
    ("staging", "stg_crm__referrals", "nobody refers themselves", "referred_company_id = 'c1'"),
    ("staging", "stg_crm__referrals", "a referral names who referred", "referrer_contact_id = null"),
    ("staging", "stg_crm__lifecycle_stage_history", "record_type is contact, lead or company", "record_type = 'deal'"),
    ("staging", "stg_crm__lifecycle_stage_history", "record_id is a staged record of its type", "record_id = 'gone'"),
    ("staging", "stg_wechat__account_daily_stats", "no more people share than read", "share_user = 101"),
    ("staging", "stg_wechat__account_daily_stats", "read_user is at least 0", "read_user = -1, share_user = null"),
    ("staging", "stg_wechat__account_daily_stats", "the newest ref_date is recent", "ref_date = '2026-10-01'"),
    ("staging", "stg_wechat__article_daily_stats", "share_user is at least 0", "share_user = -1"),
    ("staging", "stg_wechat__article_daily_stats", "msgid stands in staging.stg_wechat__article_stats", "msgid = 'x'"),
    ("staging", "stg_wechat__article_stats", "stat_date is not before published_on", "stat_date = published_on - 1"),
    ("staging", "stg_wechat__article_stats", "no more followers read than people", "read_subscribe_user = 41"),
    ("staging", "stg_wechat__article_stats", "numbers become final", "is_delay = true, stat_date = '2026-11-01'"),
    ("staging", "stg_wechat__article_stats", "stat_date is not in the future", "stat_date = '2026-11-23'"),
    ("staging", "stg_website__events", "the newest occurred_at is recent", "occurred_at = '2026-11-01 00:00:00+00'"),
    (
        "staging",
        "stg_website__events",
        "the as-of date has about as many events as a usual day",
        "occurred_at = if(occurred_at >= '2026-11-19 16:00:00+00', '2026-01-01 00:00:00+00', occurred_at)",
    ),
    (
        "staging",
        "stg_wechat__followers",
        "as many followers were fetched as WeChat counts",
        "is_subscribed = source_row < 9",
    ),
    ("staging", "stg_wechat__followers", "the followers' tags stand in the list of tags", "tag_ids = '[99]'"),
    ("marts", "lead_stages", "left_at is not before entered_at", "left_at = entered_at - interval 1 day"),
    ("marts", "sessions", "sessions hold every event", "event_count = null"),
    ("marts", "follower_episodes", "most follows are known, not only the leave", "is_follow_known = false"),
    ("marts", "account_health", "days without touch are not negative", "days_without_touch = -1"),
    ("marts", "coverage", "row_count is the number of staged rows", "row_count = row_count + 1"),
]


@pytest.fixture(scope="module")
def critical_facts() -> set[tuple[str, str, str]]:
    return {
        (boundary, entry.table, expectation.meta["fact"])
        for boundary, entries in expectations.BOUNDARIES.items()
        for entry in entries
        for expectation in entry.suite(_given())
        if expectation.severity == "critical" and PERSONAL not in expectation.meta["fact"]
    }


def _given() -> Given:
    seed = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds" / "audit_thresholds.csv"
    return Given(
        date(2026, 11, 20),
        datetime(2026, 11, 20, 16, tzinfo=UTC),
        load_bounds(seed),
        {"note": "VARCHAR"},
        load_reject_rates(seed.parent / "gates" / "reject_rates.csv"),
    )


def _broken(settings: Settings, boundary: Boundary, database: Path) -> dict[tuple[str, str], str]:
    outcome = run_audit(settings, boundary, database=database, docs=False)
    return {(result.suite, result.expectation): result.severity for result in outcome.results if not result.success}


def test_every_expectation_says_who_how_bad_and_why() -> None:
    for entries in expectations.BOUNDARIES.values():
        for entry in entries:
            facts = set()
            for expectation in entry.suite(_given()):
                meta = expectation.meta
                assert meta["owner"] in set(Owner)
                assert expectation.severity in {"critical", "warning", "info"}
                assert re.fullmatch(r"[A-Z].{20,}[.]", meta["reason"]), meta
                assert meta["fact"] not in facts
                facts.add(meta["fact"])
            assert facts


def test_every_boundary_table_has_a_module_of_its_name() -> None:
    for boundary, entries in expectations.BOUNDARIES.items():
        folder = Path(expectations.__file__).parent / boundary
        modules = {path.stem for path in folder.glob("*.py")} - {"__init__", "any_mart"}
        assert modules == {entry.table for entry in entries}
        assert all(entry.schema == boundary for entry in entries)


@pytest.mark.parametrize("boundary", ["staging", "marts"])
def test_everything_holds_on_good_rows(boundary: Boundary, settings: Settings, good: Path) -> None:
    assert _broken(settings, boundary, good) == {}


@pytest.mark.parametrize("boundary", ["staging", "marts"])
def test_everything_holds_on_empty_typed_tables(boundary: Boundary, settings: Settings, empty: Path) -> None:
    assert _broken(settings, boundary, empty) == {}


def test_every_critical_expectation_has_a_row_that_breaks_it(critical_facts: set[tuple[str, str, str]]) -> None:
    assert {(one.boundary, one.table, one.fact) for one in BREAKS} == critical_facts


@pytest.mark.parametrize("one", BREAKS, ids=lambda one: f"{one.table}: {one.fact}")
def test_a_critical_expectation_breaks_on_a_row_made_to_break_it(
    one: Break, settings: Settings, good: Path, only: Callable[[str], None]
) -> None:
    with connect(good) as connection:
        connection.execute(one.sql)
    only(one.table)
    assert _broken(settings, one.boundary, good).get((one.table, one.fact)) == "critical"


@pytest.mark.parametrize(("boundary", "table", "fact", "change"), WARNINGS, ids=lambda value: str(value)[:50])
def test_dirt_is_seen_and_does_not_stop_the_night(
    boundary: Boundary, table: str, fact: str, change: str, settings: Settings, good: Path, only: Callable[[str], None]
) -> None:
    with connect(good) as connection:
        connection.execute(f"update {boundary}.{table} set {change}")
    only(table)
    broken = _broken(settings, boundary, good)
    assert broken[table, fact] in {"warning", "info"}


def test_unknown_words_are_counted_one_by_one(settings: Settings, good: Path, only: Callable[[str], None]) -> None:
    with connect(good) as connection:
        connection.execute(
            "update staging.stg_crm__contacts set buying_role = 'Champion;MASCOT;Clown' where source_row < 3"
        )
    only("stg_crm__contacts")
    results = run_audit(settings, "staging", database=good, docs=False).results
    (found,) = [result for result in results if not result.success]
    # two times three words, and two words of each of the others
    assert (found.column_name, found.unexpected_count, found.evaluated_count) == ("buying_role", 4, 50)
    assert "the seed known_words" in found.reason


def test_an_id_that_was_used_again_this_night_is_seen(
    settings: Settings, good: Path, only: Callable[[str], None]
) -> None:
    fact = ("contact_identities", "no id of the CRM has passed to somebody else")
    only("contact_identities")
    with connect(good) as connection:
        connection.execute(
            "insert into identity.changes values ('1', 'reused', '2026-11-19'), ('2', 'merge', '2026-11-20')"
        )
    assert fact not in _broken(settings, "marts", good)
    with connect(good) as connection:
        connection.execute("insert into identity.changes values ('3', 'reused', '2026-11-20')")
    assert _broken(settings, "marts", good)[fact] == "warning"


def test_a_small_load_is_not_judged(settings: Settings, good: Path, only: Callable[[str], None]) -> None:
    with connect(good) as connection:
        connection.execute(
            "insert into quarantine.crm__deals (source_file, source_row, load_id)"
            " select 'x', i, '2' from range(19) n(i)"
        )
    only("stg_crm__deals")
    # the newest load has nineteen rows, all of them rejected: too few; of all rows together it is a warning
    assert _broken(settings, "staging", good) == {
        ("stg_crm__deals", "few of all rows ever received stand in quarantine"): "warning"
    }


@pytest.mark.parametrize(
    "text", ["write to lin.mei@firm.example.cn", "?m=lin%40firm.example", "电话13812345678", "+86 138-1234-5678"]
)
def test_personal_data_is_found_in_every_text_column_of_every_mart(text: str, settings: Settings, good: Path) -> None:
    with connect(good) as connection:
        connection.execute("create table marts.new_mart (note varchar, tags varchar[], facts json)")
        connection.execute("insert into marts.new_mart values (null, null, null)")
        columns = connection.execute(
            "select table_name, column_name, data_type from information_schema.columns where table_schema = 'marts'"
            " and (data_type like '%VARCHAR%' or data_type = 'JSON')"
        ).fetchall()
        for table, column, type_ in columns:
            value = {"VARCHAR[]": "[$text]", "JSON": "to_json($text)"}.get(type_, "$text")
            connection.execute(f"update marts.{table} set {column} = {value}", {"text": text})
    found = {(suite, fact.split()[0]) for suite, fact in _broken(settings, "marts", good) if PERSONAL in fact}
    # a number of eleven digits may be the CRM's own id, so in these columns only addresses are looked for
    crm_ids = {
        ("lead_stages", "lead_id"),
        ("lead_stages", "deal_id"),
        ("decision_chains", "deal_id"),
        ("deal_attribution", "deal_id"),
        ("account_attributes", "source_record"),
    }
    expected = {(table, column) for table, column, _ in columns}
    assert found == (expected if "@" in text or "%40" in text else expected - crm_ids)


def test_an_id_of_the_crm_may_be_a_number_of_eleven_digits(
    settings: Settings, good: Path, only: Callable[[str], None]
) -> None:
    with connect(good) as connection:
        connection.execute("update staging.stg_crm__contacts set contact_id = '13812345678' where contact_id = 'p9'")
        connection.execute("update marts.contact_identities set source_id = '13812345678' where source_id = 'p9'")
    only("contact_identities")
    assert _broken(settings, "marts", good) == {}
    with connect(good) as connection:
        connection.execute(
            "update marts.contact_identities set source_object = 'events' where source_id = '13812345678'"
        )
    assert ("contact_identities", f"source_id {PERSONAL}") in _broken(settings, "marts", good)
