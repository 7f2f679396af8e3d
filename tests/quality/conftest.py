"""A small warehouse in which everything holds, and one that is typed and empty; each test gets a copy to break."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from persona_warehouse.landing.contract import STREAMS, objects
from persona_warehouse.settings import PROJECT_ROOT, Settings
from persona_warehouse.warehouse import connect
from tests.contracts import mart_columns

VOCABULARIES = (
    "deal_stages",
    "activity_types",
    "lead_statuses",
    "known_words",
    "question_bank",
    "answer_codes",
    "persona_thresholds",
)

AS_OF = date(2026, 11, 20)

SQL_TYPES = {
    "text": "varchar",
    "integer": "bigint",
    "decimal": "decimal(38, 6)",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamptz",
    "json": "varchar",
}

QUARANTINE = (
    "quarantine_id varchar, stream varchar, object varchar, source_file varchar, source_row bigint, field varchar,"
    " rule varchar, expected varchar, found_type varchar, raw_row varchar, load_id varchar"
)

# twenty-four of each record, two weeks and a day of web events; the last company is deleted, the one before merged
GOOD_ROWS = """
insert into staging.stg_crm__companies (company_id, name, founded_year, employee_count, annual_revenue, currency,
    uscc, domain, created_at, parent_company_id, is_deleted, merged_into_id, load_id, source_file, source_row)
select 'c' || i, 'Firm ' || i, 2000, 10 * i, 1000 * i, 'CNY', '91110000600037341L', 'firm' || i || '.example',
    timestamptz '2026-01-01 00:00:00+00', if(i > 1, 'c1', null), i = 24, if(i = 23, 'c1', null), '1', 'c.csv', i
from range(1, 25) as numbers(i);
insert into staging.stg_crm__contacts (contact_id, company_id, full_name, email, openid, created_at,
    load_id, source_file, source_row)
select 'p' || i, 'c' || (1 + i % 22), '林小' || i, 'p' || i || '@firm.example', 'openid' || i,
    timestamptz '2026-01-02 00:00:00+00', '1', 'p.csv', i
from range(1, 25) as numbers(i);
insert into staging.stg_crm__deals (deal_id, company_id, product, amount, currency, probability, discount_pct,
    presales_hours, stage, created_at, closed_at, is_closed, is_won, load_id, source_file, source_row)
select 'd' || i, 'c' || (1 + i % 22), if(i % 2 = 0, 'prod1', 'GTX'), 100 * i, 'CNY', 50, 5, 2, 'won',
    timestamptz '2026-02-01 00:00:00+00', timestamptz '2026-03-01 00:00:00+00', true, true, '1', 'd.csv', i
from range(1, 25) as numbers(i);
insert into staging.stg_crm__leads (lead_id, email, converted_contact_id, converted_deal_id, created_at,
    load_id, source_file, source_row)
select 'l' || i, 'p' || i || '@firm.example', 'p' || i, 'd' || i, timestamptz '2026-01-01 00:00:00+00', '1', 'l.csv', i
from range(1, 25) as numbers(i);
insert into staging.stg_crm__deal_stage_history (deal_id, stage, entered_at, load_id, source_file, source_row)
select deal_id, 'won', closed_at, '1', 'h.csv', source_row from staging.stg_crm__deals;
insert into staging.stg_crm__deal_contacts (deal_id, contact_id, is_primary, load_id, source_file, source_row)
select 'd' || i, 'p' || i, true, '1', 'dc.csv', i from range(1, 25) as numbers(i);
insert into staging.stg_crm__activities (activity_id, activity_type, company_id, contact_id, deal_id, minutes,
    occurred_at, load_id, source_file, source_row)
select 'a' || i, 'call', 'c1', 'p1', 'd1', 30, timestamptz '2026-03-01 00:00:00+00', '1', 'a.csv', i
from range(1, 25) as numbers(i);
insert into staging.stg_crm__products (product_id, name, list_price, currency, load_id, source_file, source_row)
select 'prod' || i, if(i = 1, 'GTX', 'MG ' || i), 10, 'CNY', '1', 'pr.csv', i from range(1, 25) as numbers(i);
insert into staging.stg_crm__tickets (ticket_id, company_id, contact_id, opened_at, closed_at, effort_hours,
    load_id, source_file, source_row)
select 't' || i, 'c1', 'p1', timestamptz '2026-03-01 00:00:00+00', timestamptz '2026-03-02 00:00:00+00', 2,
    '1', 't.csv', i
from range(1, 25) as numbers(i);
insert into staging.stg_crm__invoices (invoice_id, company_id, deal_id, issued_at, due_at, paid_at, amount, cost_amount,
    currency, load_id, source_file, source_row)
select 'i' || i, 'c1', 'd' || i, timestamptz '2026-03-01 00:00:00+00', timestamptz '2026-04-01 00:00:00+00',
    timestamptz '2026-03-20 00:00:00+00', if(i = 24, -100, 100), if(i = 24, -40, 40), 'CNY', '1', 'i.csv', i
from range(1, 25) as numbers(i);
insert into staging.stg_crm__campaigns (campaign_id, name, started_at, ended_at, budget, currency,
    load_id, source_file, source_row)
select 'k' || i, 'Fair ' || i, timestamptz '2026-03-01 00:00:00+00', timestamptz '2027-03-01 00:00:00+00', 1000, 'CNY',
    '1', 'k.csv', i
from range(1, 25) as numbers(i);
insert into staging.stg_crm__campaign_members (campaign_member_id, campaign_id, contact_id, lead_id, responded_at,
    load_id, source_file, source_row)
select 'm' || i, 'k' || i, if(i % 2 = 0, 'p' || i, null), if(i % 2 = 1, 'l' || i, null),
    timestamptz '2026-03-02 00:00:00+00', '1', 'm.csv', i
from range(1, 25) as numbers(i);
insert into staging.stg_crm__ad_spend (spend_date, channel, campaign, cost, currency, impressions, clicks,
    load_id, source_file, source_row)
select date '2026-11-20' - i::int, 'baidu', if(i % 2 = 0, 'brand', null), 300, 'CNY', 1000, 20, '1', 's.csv', i
from range(1, 25) as numbers(i);
insert into staging.stg_crm__surveys (survey_response_id, survey_type, company_id, contact_id, score, responded_at,
    load_id, source_file, source_row)
select 'n' || i, if(i = 24, 'csat', 'nps'), 'c1', 'p1', if(i = 24, 95, i % 11), timestamptz '2026-03-01 00:00:00+00',
    '1', 'n.csv', i
from range(1, 25) as numbers(i);
insert into staging.stg_crm__interviews (interview_id, company_id, contact_id, interviewed_at, has_consent,
    load_id, source_file, source_row)
select 'v' || i, 'c1', 'p1', timestamptz '2026-03-01 00:00:00+00', true, '1', 'v.csv', i
from range(1, 25) as numbers(i);
insert into staging.stg_crm__interview_answers (interview_id, question_code, answer_code, answer_text, confidence,
    load_id, source_file, source_row)
select 'v' || i, 'q13', if(i % 2 = 0, 'manual_work', null), if(i % 2 = 1, 'too dear', null), 0.8, '1', 'va.csv', i
from range(1, 25) as numbers(i);
insert into staging.stg_crm__company_enrichment (company_id, uscc, attribute, value, source, as_of,
    load_id, source_file, source_row)
select if(i % 2 = 0, 'c1', null), if(i % 2 = 1, '91110000600037341L', null), 'employees_' || i, '100', 'registry',
    date '2026-01-01', '1', 'en.csv', i
from range(1, 25) as numbers(i);
insert into staging.stg_crm__product_usage (company_id, user_id, usage_date, feature, usage_count,
    load_id, source_file, source_row)
select 'c1', 'u1', date '2026-11-20' - i::int, 'login', 3, '1', 'u.csv', i from range(1, 25) as numbers(i);
insert into staging.stg_crm__referrals (referral_id, referrer_company_id, referrer_contact_id, referred_company_id,
    referred_lead_id, referred_at, load_id, source_file, source_row)
select 'r' || i, if(i < 24, 'c1', null), 'p1', 'c2', 'l1', timestamptz '2026-03-01 00:00:00+00', '1', 'r.csv', i
from range(1, 25) as numbers(i);
insert into staging.stg_crm__lifecycle_stage_history (record_type, record_id, stage, entered_at,
    load_id, source_file, source_row)
select kind, key || i, 'customer', timestamptz '2026-03-01 00:00:00+00', '1', 'ls.csv', row_number() over ()
from range(1, 9) as numbers(i), (values ('contact', 'p'), ('lead', 'l'), ('company', 'c')) as kinds(kind, key);
insert into staging.stg_website__events (event_id, anonymous_id, occurred_at, received_at, event_name, page_url,
    email, ip_address, http_status, load_id, source_file, source_row)
select 'e' || i, 'v' || i, timestamptz '2026-11-05 17:00:00+00' + to_hours(6 * i),
    timestamptz '2026-11-05 17:00:01+00' + to_hours(6 * i), 'page_view', '/prices', if(i = 1, 'p1@firm.example', null),
    '203.0.113.7', 200, '1', 'w.log', i
from range(0, 60) as numbers(i);
insert into staging.stg_wechat__followers (openid, is_subscribed, subscribed_at, tag_ids,
    load_id, source_file, source_row)
select 'openid' || i, true, timestamptz '2026-05-01 00:00:00+00', '[1, 2]', '1', 'user/info', i
from range(1, 25) as numbers(i);
insert into staging.stg_wechat__tags (tag_id, name, follower_count, load_id, source_file, source_row)
select i::varchar, 'tag ' || i, 3, '1', 'tags/get', i from range(1, 25) as numbers(i);
insert into staging.stg_wechat__daily_follower_stats (ref_date, user_source, new_user, cancel_user, cumulate_user,
    load_id, source_file, source_row)
select date '2026-11-19' - i::int, 0, 1, 0, 24, '1', 'getusercumulate', i from range(0, 24) as numbers(i);
insert into staging.stg_wechat__account_daily_stats (ref_date, read_user, share_user, is_delay,
    load_id, source_file, source_row)
select date '2026-11-20' - i::int, 100, 5, false, '1', 'getbizsummary', i from range(1, 25) as numbers(i);
insert into staging.stg_wechat__article_daily_stats (ref_date, msgid, read_user, share_user, is_delay,
    load_id, source_file, source_row)
select date '2026-11-20' - i::int, '1_' || i, 40, 2, false, '1', 'getarticleread', i from range(1, 25) as numbers(i);
insert into staging.stg_wechat__article_stats (msgid, stat_date, published_on, read_user, read_subscribe_user,
    is_delay, load_id, source_file, source_row)
select '1_' || i, date '2026-11-20' - i::int, date '2026-11-20' - i::int, 40, 30, false, '1', 'getarticletotaldetail', i
from range(1, 25) as numbers(i);
insert into staging.stg_wechat__follower_events (openid, created_at, event, message_type,
    load_id, source_file, source_row)
select 'openid' || i, timestamptz '2026-05-01 00:00:00+00', 'subscribe', 'event', '1', 'events.jsonl', i
from range(1, 25) as numbers(i);

insert into marts.accounts (account_id, account_name, country, contact_count, deal_count, open_deal_count,
    won_deal_count, first_touch_at, last_touch_at, created_at, source_record_count)
select 'acc' || i, 'Firm ' || i, 'CN', 0, 0, 0, 0, timestamptz '2026-01-01 00:00:00+00',
    timestamptz '2026-11-20 15:59:59+00', timestamptz '2026-01-01 00:00:00+00', 1
from range(1, 23) as numbers(i);
update staging.stg_crm__contacts set buying_role = 'CHAMPION; END_USER', lead_status = 'NEW', lifecycle_stage = 'lead';
update staging.stg_wechat__followers set subscribe_scene = 'ADD_SCENE_QR_CODE';
update staging.stg_crm__deal_contacts set role = 'Decision Maker';
update marts.accounts set deal_count = 24, won_deal_count = 24, contact_count = 24 where account_id = 'acc1';
update marts.accounts set industry_code = 'C36', industry_section = 'C', province_code = '440000',
    city_code = '440300', district_code = '440305', digital_maturity = 4, employee_growth_2y = -1;
insert into marts.account_attributes (account_attribute_id, account_id, attribute, value, value_number, source_type,
    source, source_record, confidence, agreeing_sources, agreement, is_inferred, is_mapped, is_sensitive, is_in_time,
    is_selected, is_contradiction)
select attribute || i, 'acc' || i, attribute, value, number, source_type, source_type, 'v1', 0.8, 1, 0.8, false, true,
    attribute = 'decision_standing', true, true, false
from range(1, 23) as numbers(i)
cross join (values ('org_type', 'brand', null, 'crm'), ('annual_revenue', '13912345678', 13912345678, 'crm'),
    ('decision_standing', 'secure', null, 'interview')) as told(attribute, value, number, source_type);
insert into marts.account_traits (account_id, trait, value, evidence, source_type, source, confidence, is_inferred)
select 'acc' || i, 'culture', 'sales', 'said by website', 'website', 'website', 0.8, false
from range(1, 23) as numbers(i);
insert into marts.account_coverage (subject, name, source_type, account_count, known_count, selected_count, known_share)
values ('column', 'org_type', 'any', 22, 22, 22, 1);
update marts.accounts set customer_since = date '2026-03-01', tier = 'B', tier_score = 30;
insert into marts.account_tiers (account_tier_id, account_id, tier, valid_from, valid_to, is_current, rank_share,
    customer_count, is_override, override_reason, override_author)
select 't' || i || tier, 'acc' || i, tier, since, until, until is null, i / 22.0, 22, tier = 'A',
    if(tier = 'A', 'benchmark', null), if(tier = 'A', 'sales', null)
from range(1, 23) as numbers(i)
cross join (values ('A', date '2026-03-01', date '2026-05-01'), ('B', date '2026-05-01', null))
    as periods(tier, since, until);
insert into marts.account_score_ledger (account_score_ledger_id, account_id, factor, direction, is_known, normalised,
    weight_share, points)
select factor || i, 'acc' || i, factor, direction, true, 0.5, share, points
from range(1, 23) as numbers(i)
cross join (values ('demand', 'plus', 0.8, 40), ('breach', 'minus', 0.2, -10))
    as told(factor, direction, share, points);
insert into marts.key_accounts (key_account_id, account_id, measure, region_type, region_code, rank_number,
    account_count, region_share, cumulative_share, is_key, team, sales_seat, operations_seat, product_seat,
    analyst_seat)
select 'key' || i, 'acc' || i, 'revenue', 'all', 'all', i, 4, 0.25, 0.25 * i, i < 5, 'city', 's', 'o', 'p', 'a'
from range(1, 5) as numbers(i);
insert into marts.moments (moment_id, account_id, milestone, reached_on, days_ago)
select 'm' || i, 'acc' || i, 'customer_100_days', date '2026-06-09', 164 from range(1, 23) as numbers(i);
insert into marts.account_health (account_id, standing, health, risk_count, risk_weight, strength_count, known_count,
    asked_count, days_without_touch, risks_zh, risks_en)
select 'acc' || i, 'customer', 'watch', 1, 2, 0, 4, 6, 130, '久未接触', 'no touch' from range(1, 23) as numbers(i);
insert into marts.target_vs_actual (target_vs_actual_id, attribute, value, step, n, k, target_share, actual_share,
    actual_low, actual_high, distance, is_drift_step)
values ('t1', 'province', 'a', 'raw', 10, 4, 0.5, 0.4, 0.2, 0.7, 0.1, true),
    ('t2', 'province', 'b', 'raw', 10, 6, 0.5, 0.6, 0.3, 0.8, 0.1, true),
    ('t3', 'province', 'a', 'mql', 10, 4, 0.5, 0.4, 0.2, 0.7, 0.1, false),
    ('t4', 'province', 'b', 'mql', 10, 6, 0.5, 0.6, 0.3, 0.8, 0.1, false);
insert into marts.persona_usage (persona_usage_id, use_case, persona, decision_role, aspect, value, k, n, share,
    share_low, share_high, asset_count, is_covered)
values ('u1', 'content', 'all', 'final', 'content_type', 'case', 4, 10, 0.4, 0.2, 0.7, 2, true);
insert into marts.sourcing_episodes (sourcing_episode_id, account_id, topic, episode_number, started_at, ended_at,
    session_count, purposefulness, covered_share, driver_share)
select 'e1', 'acc1', 'cloud', 1, timestamptz '2026-11-01 00:00:00+00', timestamptz '2026-11-02 00:00:00+00', 1,
    1, 0.5, 1;
insert into marts.follower_episodes (follower_episode_id, follower_key, episode_number, followed_at, unfollowed_at,
    is_follow_known, first_lead_at)
select 'f' || i, 'key' || i, 1, timestamptz '2026-11-01 00:00:00+00', timestamptz '2026-11-02 00:00:00+00', true,
    timestamptz '2026-11-01 12:00:00+00' from range(1, 5) as numbers(i);
insert into marts.follower_cohorts (follower_cohort_id, cohort, scene, window_days, outcome, new_n, new_k, new_rate,
    new_rate_low, new_rate_high, long_n, long_k, long_rate, long_rate_low, long_rate_high, lift, lift_low, lift_high)
values ('c1', 'all', 'all', 30, 'lead', 10, 4, 0.4, 0.2, 0.7, 10, 2, 0.2, 0.1, 0.5, 2, 0.5, 8);
insert into marts.content_demand (content_demand_id, content_type, role, stage, channel, demand_share, n, k, rate,
    rate_low, rate_high)
values ('d1', 'case', 'all', 'all', 'all', 0.75, 10, 4, 0.4, 0.2, 0.7),
    ('d2', 'product', 'all', 'all', 'all', 0.25, 10, 4, 0.4, 0.2, 0.7);
insert into marts.kpi_daily (kpi_daily_id, metric, segment_type, segment, day, value)
select segment || i, 'won_deals', segment_type, segment, date '2026-11-20' - i::int, value
from range(0, 22) as numbers(i)
cross join (values ('all', 'all', 3), ('product', 'cloud', 2)) as told(segment_type, segment, value);
insert into marts.kpi_alerts (kpi_alert_id, metric, segment_type, segment, day, value, lower_bound, upper_bound,
    p_value, q_value, direction)
values ('a1', 'won_deals', 'all', 'all', date '2026-11-20', 9, 1, 5, 0.001, 0.002, 'up');
insert into marts.experiments (experiment_variant_id, experiment_id, variant, is_control, visitor_count, mixed_count,
    is_share_as_planned, n, k, rate, rate_low, rate_high, behaviour_k, result)
values ('x-a', 'x', 'a', true, 12, 2, true, 10, 1, 0.1, 0.01, 0.4, 5, 'control'),
    ('x-b', 'x', 'b', false, 12, 2, true, 10, 6, 0.6, 0.3, 0.8, 5, 'better');
insert into marts.decision_maker_personas (decision_maker_persona_id, persona, decision_role, step, aspect, value, k,
    n, rate, rate_low, rate_high)
values ('d1', 'all', 'final', 'demographics', 'age', 'above_50', 6, 12, 0.5, 0.25, 0.75);
insert into marts.user_personas (user_persona_id, post, aspect, value, k, n, rate, rate_low, rate_high, inferred_count)
values ('u1', 'sales', 'kpi', 'revenue', 6, 12, 0.5, 0.25, 0.75, 6);
insert into marts.ecosystem_map (ecosystem_post_id, persona, post, people_count, efficiency_gain, cost_gain,
    experience_gain, burden, net_gain, influence, priority, priority_reason_zh, priority_reason_en)
values ('e1', 'all', 'sales', 9, 0, 1, 0, 2, -1, 0.4, 1, '先减负', 'lighten it first');
insert into marts.persona_stories (persona_story_id, story, sentence_number, text_zh, text_en, value_shown, n, label_zh,
    label_en, has_fictional_name)
values ('s1', 'day_in_the_life', 1, '周（虚构）9至12点占34%，64人', 'Zhou (fictional) at 9 to 12: 34% of 64', '34%', 64,
    '9至12点', '9 to 12', true);
insert into marts.interview_findings (interview_finding_id, finding_type, question_code, respondent_side,
    respondent_role, answer, k, n, rate, rate_low, rate_high, is_thin)
values ('f1', 'answer', 'q13', 'customer', 'all', 'manual_work', 8, 12, 0.67, 0.4, 0.86, false);
insert into marts.hypotheses (hypothesis_id, bound, k, n, rate, rate_low, rate_high, is_thin, verdict)
values ('h1', 0.5, 12, 12, 1, 0.76, 1, false, 'supported');
insert into marts.best_customers (account_id, rank_number, score, measure_count)
select 'acc' || i, i, 1 - i / 30.0, 7 from range(1, 23) as numbers(i);
insert into marts.icp_personas (persona_id, version, kind, name_zh, name_en, account_count, customer_count,
    customer_rate, customer_rate_low, customer_rate_high, description_en)
select 'p' || i, date '2026-11-20', 'persona', '画像', 'Persona', 20, 10, 0.5, 0.3, 0.7, 'Half'
from range(1, 4) as n(i);
insert into marts.icp_persona_shares (icp_persona_share_id, persona_id, facet, value, k, n, share, share_low,
    share_high)
values ('s1', 'p1', 'goal', 'cut_cost', 5, 10, 0.5, 0.2, 0.8);
insert into marts.icp_traits (icp_trait_id, persona_id, attribute, tested_as, p, p_adjusted, is_distinguishing,
    log_odds, log_odds_low, log_odds_high, difference, difference_low, difference_high)
values ('t1', 'p1', 'goal', 'value', 0.01, 0.02, true, 1, 0.5, 1.5, 0.3, 0.1, 0.5);
insert into marts.icp_traits (icp_trait_id, persona_id, attribute, tested_as, is_distinguishing, reason)
values ('t2', 'p1', 'tier', 'attribute', false, 'it defines who is best');
insert into marts.icp_fit_scores (account_id, score, probability, base_points, signals)
select 'acc' || i, 5.5, 0.6, 1.5, 'goal +4.5; size_2 -0.5' from range(1, 23) as n(i);
insert into marts.icp_fit_backtests (test, decile, n, k, auc, verdict, reason)
values ('unseen accounts', 0, 4, 2, 0.7, 'beats a constant', null), ('unseen accounts', 1, 2, 2, null, null, null),
    ('unseen accounts', 2, 2, 0, null, null, null), ('later accounts', 0, 0, 0, null, 'not tested', 'too few');
insert into marts.win_rates_by_prior_solution (win_rate_id, level, prior_solution, product, n, wins, win_rate,
    win_rate_low, win_rate_high)
values ('w1', 'all', 'all', 'all', 10, 5, 0.5, 0.2, 0.8),
    ('w2', 'prior solution', 'competitor', 'all', 10, 5, 0.5, 0.2, 0.8),
    ('w3', 'product', 'competitor', 'rival', 6, 3, 0.5, 0.2, 0.8);
insert into marts.industry_results (industry_section, account_count, customer_count, decided_n, won_n, win_rate,
    win_rate_low, win_rate_high)
values ('all', 22, 22, 24, 24, 1, 0.9, 1), ('C', 22, 22, 24, 24, 1, 0.9, 1);
insert into marts.contacts (contact_id, account_id, masked_name, job_title, first_touch_at, last_touch_at)
select 'per' || i, 'acc1', '林**', '采购经理 138', timestamptz '2026-01-01 00:00:00+00',
    timestamptz '2026-02-01 00:00:00+00'
from range(1, 25) as numbers(i);
insert into marts.contact_identities (identity_key, source_system, source_object, source_id, identity_type,
    contact_id, account_id, match_method, match_probability, valid_from)
select 'k-c' || i, 'crm', 'companies', 'c' || i, 'company_id', null, 'acc' || i, 'own id', 1,
    timestamptz '2026-01-01 00:00:00+00'
from range(1, 23) as numbers(i)
union all
select 'k-p' || i, 'crm', 'contacts', 'p' || i, 'contact_id', 'per' || i, 'acc1', 'own id', 1,
    timestamptz '2026-01-01 00:00:00+00'
from range(1, 25) as numbers(i);
insert into marts.identity_changes values
    ('k1', 'account', 'new', null, 'acc1', 'acc1', 'records that nobody was known by', '2026-11-19', 2),
    ('k2', 'account', 'merge', 'acc99', 'acc1', 'acc1', 'their records are linked now: domain', '2026-11-20', 1),
    ('k3', 'contact', 'split', 'per1', 'per2', 'per2', 'its records are no longer linked', '2026-11-20', 1);
insert into marts.contact_role_tags (contact_role_tag_id, contact_id, tag_type, tag, method, evidence, confidence,
    tag_confidence, is_selected)
select 'r' || i || tag, 'per' || i, 'decision_role', tag, 'title', 'title: 采购', 0.5, 0.5, tag = 'final'
from range(1, 25) as numbers(i) cross join (values ('final'), ('user')) as tags(tag);
insert into marts.decision_chains (deal_id, role_slot, account_id, is_required, contact_id, confidence, is_covered)
select 'd' || i, slot, 'acc1', true, 'per1', 0.5, true
from range(1, 3) as numbers(i) cross join (values ('economic'), ('user')) as slots(slot);
insert into marts.sessions (session_id, visitor_key, contact_id, account_id, started_at, ended_at, duration_seconds,
    page_views, event_count, entry_url, exit_url, channel, is_bot)
select sha256('s' || i), sha256('v' || i), 'per1', 'acc1', timestamptz '2026-11-05 17:00:00+00',
    timestamptz '2026-11-05 17:10:00+00', 600, 1, 1, 'https://example.com/a@2x.png?id=113812345678', '/prices',
    'direct', false
from range(0, 60) as numbers(i);
insert into marts.touchpoints (touchpoint_id, contact_id, account_id, touchpoint_type, channel, occurred_at)
select 't' || i, 'per1', 'acc1', 'web_session', 'direct', timestamptz '2026-11-05 17:00:00+00'
from range(0, 60) as numbers(i);
insert into marts.journey_stages (journey_stage_id, account_id, stage, stage_order, entered_at, left_at, days,
    is_current, evidence, evidence_count)
values ('j1', 'acc1', 'need', 1, '2026-01-01 00:00:00+00', '2026-02-01 00:00:00+00', 31, false, 'first visit', 1),
    ('j2', 'acc1', 'use', 5, '2026-02-01 00:00:00+00', null, 292, true, 'won deal', 2);
insert into marts.lead_stages (lead_stage_id, lead_id, contact_id, account_id, deal_id, is_primary_lead, stage,
    stage_order, entered_at, left_at, is_current)
select 'o' || i, 'l' || i, 'per1', 'acc1', 'd' || i, true, 'opportunity', 4, timestamptz '2026-02-01 00:00:00+00',
    timestamptz '2026-03-01 00:00:00+00', false
from range(1, 25) as numbers(i)
union all
select 'w' || i, 'l' || i, 'per1', 'acc1', 'd' || i, true, 'won', 5, timestamptz '2026-03-01 00:00:00+00', null, true
from range(1, 25) as numbers(i);
insert into marts.lead_funnel (lead_funnel_id, view, month_start, segment_type, segment, stage, entered, converted,
    lost, rate, rate_lower, rate_upper)
values ('f1', 'cohort', date '2026-09-01', 'all', 'all', 'raw', 10, 5, 2, 0.5, 0.24, 0.76);
insert into marts.awareness_states (awareness_state_id, subject_type, account_id, state, state_order, entered_at,
    is_current, action_en, action_zh)
values ('w1', 'account', 'acc1', 'problem_aware', 1, '2026-01-01 00:00:00+00', true, 'send a case', '发送案例');
insert into marts.deal_attribution (deal_attribution_id, deal_id, account_id, attribution_model, touchpoint_id,
    touchpoint_type, channel, weight)
values ('r1', 'd1', 'acc1', 'first', 't1', 'web_session', 'direct', 1);
insert into marts.coverage values ('crm', 'companies', 'uscc', 24, 24, 1.0), ('crm', 'gone', 'gone_id', 0, 0, null)
"""


def create_tables(database: Path) -> None:
    """Every table that an audit reads, typed and empty."""
    with connect(database) as connection:
        for schema in ("staging", "quarantine", "marts", "seeds"):
            connection.execute(f"create schema {schema}")
        for seed in VOCABULARIES:
            (file,) = (PROJECT_ROOT / "dbt_project" / "seeds").rglob(f"{seed}.csv")
            connection.execute(f"create table seeds.{seed} as from read_csv('{file}')")
        for stream in STREAMS:
            for name, contract in objects(stream).items():
                columns = ", ".join(f"{column.name} {SQL_TYPES[column.type]}" for column in contract.columns.values())
                connection.execute(
                    f"create table staging.stg_{stream}__{name}"
                    f" ({columns}, load_id varchar, source_file varchar, source_row bigint)"
                )
                connection.execute(f"create table quarantine.{stream}__{name} ({QUARANTINE})")
        connection.execute("create schema identity")
        connection.execute("create table identity.changes (change_id varchar, change varchar, changed_on date)")
        for mart, columns in mart_columns().items():
            connection.execute(f"create table marts.{mart} ({columns})")


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("warehouses")
    empty, good = folder / "empty.duckdb", folder / "good.duckdb"
    create_tables(empty)
    shutil.copy(empty, good)
    with connect(good) as connection:
        connection.execute(GOOD_ROWS)
    return {"empty": empty, "good": good}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "home", tmp_path / "sources.yml", AS_OF, "Asia/Shanghai", 7)


@pytest.fixture
def empty(templates: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copy(templates["empty"], tmp_path / "persona.duckdb"))


@pytest.fixture
def good(templates: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copy(templates["good"], tmp_path / "persona.duckdb"))


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Narrows the audits of a test to one table, which takes a tenth of the time."""
    import expectations

    every = expectations.boundary_tables

    def narrow(table: str) -> None:
        monkeypatch.setattr(
            expectations,
            "boundary_tables",
            lambda boundary, present: [entry for entry in every(boundary, present) if entry.table == table],
        )

    return narrow
