{# the four conversions. By cohort: what became of the leads that came in a month, as a plain rate and as Kaplan and
   Meier's estimate of conversion within the horizon, which is fair to young cohorts. By period: what went on in a month,
   whenever the leads came #}
{% set text = dbt.type_string() %}
{% set z = lead_parameter('confidence_z') %}
{% set min_cell = lead_parameter('funnel_min_cell') %}
{% set longest = lead_parameter('funnel_horizon_days') %}
{% set step = lead_parameter('funnel_horizon_step') %}
{% set night = "cast('" ~ var("as_of_date") ~ "' as date)" %}
{% set segments = [
    ('all', "'all'", "origin <> 'deal'"),
    ('origin', 'origin', 'origin is not null'),
    ('lead_source', 'lead_source', "lead_source is not null and origin <> 'deal'"),
    ('industry_section', 'industry_section', "industry_section is not null and origin <> 'deal'")
] %}
{% set cell = 'segment_type, segment, month_start, stage' %}
with spells as (
    {% for segment_type, segment, condition in segments %}
        select
            *,
            '{{ segment_type }}' as segment_type,
            cast({{ segment }} as {{ dbt.type_string() }}) as segment
        from {{ ref('int_leads__spells') }}
        where {{ condition }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

cohort_spells as (
    select
        *,
        cohort_month as month_start,
        -- who was lost may still be won back: all are watched until the night
        case when is_converted and days_to_convert >= 0 then days_to_convert else watched_days end as seen_days,
        case when is_converted and days_to_convert >= 0 then 1 else 0 end as is_event
    from spells
),

-- as far as the cohort's first leads were watched, in full steps: cohorts of one horizon can be compared
horizons as (
    select
        {{ cell }},
        least({{ longest }}, floor(max(watched_days) / {{ step }}) * {{ step }}) as horizon
    from cohort_spells
    group by {{ cell }}
),

watched as (
    select
        s.*,
        h.horizon
    from cohort_spells as s
    inner join horizons as h
        on
            h.segment_type = s.segment_type
            and h.segment = s.segment
            and h.month_start = s.month_start
            and h.stage = s.stage
),

cohorts as (
    select
        {{ cell }},
        min(horizon) as horizon,
        min(stage_order) as stage_order,
        count(*) as entered,
        sum(case when is_converted then 1 else 0 end) as converted,
        sum(case when is_lost then 1 else 0 end) as lost,
        sum(case when not is_converted and watched_days < {{ longest }} then 1 else 0 end) as censored,
        sum(
            case when watched_days >= horizon or (is_event = 1 and days_to_convert <= horizon) then 1 else 0 end
        ) as followed,
        {{ median_of('case when is_event = 1 then days_to_convert end') }} as median_days
    from watched
    group by {{ cell }}
),

ends as (
    select
        {{ cell }},
        horizon,
        seen_days,
        sum(is_event) as events,
        count(*) as leads
    from watched
    group by {{ cell }}, horizon, seen_days
),

-- who converts on a day was there that morning, and so was who is watched until then
at_risk as (
    select
        *,
        sum(leads) over (
            partition by {{ cell }}
            order by seen_days desc
            rows between unbounded preceding and current row
        ) as at_risk
    from ends
),

-- where the last that were watched all convert nothing remains, and nothing would say how sure that is: half a lead of
-- them is held back for it, which is Wilson's interval where everybody was watched, and a wider one where few were
counted as (
    select
        *,
        case when events = at_risk then events - 0.5 else cast(events as double) end as told_events
    from at_risk
    where seen_days <= horizon
),

-- Kaplan and Meier 1958; the sum of Greenwood 1926
estimates as (
    select
        {{ cell }},
        max(case when events = at_risk then 1 else 0 end) as has_all,
        exp(sum(ln(1 - told_events / at_risk))) as told_share,
        sum(told_events / (cast(at_risk as double) * (at_risk - told_events))) as greenwood
    from counted
    group by {{ cell }}
),

remaining as (
    select
        c.*,
        case when e.has_all = 1 then 0.0 else coalesce(e.told_share, 1.0) end as remaining_share,
        e.told_share,
        e.greenwood
    from cohorts as c
    left join estimates as e
        on
            e.segment_type = c.segment_type
            and e.segment = c.segment
            and e.month_start = c.month_start
            and e.stage = c.stage
),

-- how many leads watched to the end would tell as much (Rothman 1978): the interval is Wilson's over these, and where
-- everybody was watched it is Wilson's over all
weighed as (
    select
        *,
        case
            when remaining_share >= 1 or greenwood = 0 then cast(followed as double)
            else (1 - told_share) / (told_share * greenwood)
        end as effective_n
    from remaining
),

months as (
    select distinct
        cohort_month as month_start,
        {{ dbt.dateadd('month', 1, 'cohort_month') }} as next_month
    from spells
),

periods as (
    select
        s.segment_type,
        s.segment,
        m.month_start,
        s.stage,
        min(s.stage_order) as stage_order,
        count(*) as entered,
        sum(
            case
                when
                    s.is_converted
                    and s.converted_on >= m.month_start
                    and s.converted_on < m.next_month
                    then 1
                else 0
            end
        ) as converted,
        sum(
            case
                when
                    not s.is_converted and s.is_lost
                    and s.left_on >= m.month_start
                    and s.left_on < m.next_month
                    then 1
                else 0
            end
        ) as lost,
        {{ median_of(
            "case when s.is_converted and s.days_to_convert >= 0 and s.converted_on >= m.month_start"
            ~ " and s.converted_on < m.next_month then s.days_to_convert end"
        ) }} as median_days
    from spells as s
    inner join months as m
        on
            m.next_month > s.entered_on
            and (m.month_start <= s.left_on or s.left_on is null)
    group by s.segment_type, s.segment, m.month_start, s.stage
),

views as (
    select
        'cohort' as view,
        {{ cell }},
        stage_order,
        entered,
        converted,
        lost,
        censored,
        median_days,
        -- the last digit of a sum depends on its order, and a share such as 1/128 stands right between two roundings
        round(1 - remaining_share, 12) as share,
        round(effective_n, 9) as effective_n,
        horizon
    from weighed
    union all
    select
        'period' as view,
        {{ cell }},
        stage_order,
        entered,
        converted,
        lost,
        cast(null as bigint) as censored,
        median_days,
        cast(null as double) as share,
        cast(null as double) as effective_n,
        cast(null as double) as horizon
    from periods
),

told as (
    select
        v.*,
        case when v.entered >= {{ min_cell }} then v.entered end as n_told,
        case when v.entered >= {{ min_cell }} and v.horizon > 0 then v.effective_n end as effective_n_told,
        v.view = 'cohort' and v.segment_type = 'all' as is_costed
    from views as v
)

select
    {{ dbt.hash("concat_ws('|', t.view, t.segment_type, t.segment, cast(t.month_start as " ~ text ~ "), t.stage)") }}
        as lead_funnel_id,
    t.view,
    t.month_start,
    t.segment_type,
    t.segment,
    t.stage,
    t.stage_order,
    n.lead_stage as next_stage,
    cast(t.entered as bigint) as entered,
    cast(t.converted as bigint) as converted,
    cast(t.lost as bigint) as lost,
    cast(t.censored as bigint) as censored,
    cast(round(case when t.n_told is not null then cast(t.converted as double) / t.entered end, 6) as double) as rate,
    cast(round({{ wilson_bound('t.converted', 't.n_told', z, 'lower') }}, 6) as double) as rate_lower,
    cast(round({{ wilson_bound('t.converted', 't.n_told', z, 'upper') }}, 6) as double) as rate_upper,
    cast(t.horizon as bigint) as horizon_days,
    cast(round(case when t.effective_n_told is not null then t.share end, 6) as double) as rate_by_horizon,
    cast(round({{ wilson_bound('t.share * t.effective_n_told', 't.effective_n_told', z, 'lower') }}, 6) as double)
        as rate_by_horizon_lower,
    cast(round({{ wilson_bound('t.share * t.effective_n_told', 't.effective_n_told', z, 'upper') }}, 6) as double)
        as rate_by_horizon_upper,
    cast(round(t.effective_n_told, 6) as double) as effective_n,
    case
        when t.entered < {{ min_cell }} then 'fewer leads than the least that are told'
        when t.view = 'cohort' and t.horizon = 0 then 'younger than any horizon'
    end as rate_gap,
    cast(t.median_days as double) as median_days,
    cast(case when t.is_costed then c.spend_cny + c.presales_cny end as decimal(38, 6)) as cost_cny,
    cast(case when t.is_costed and t.entered > 0 then (c.spend_cny + c.presales_cny) / t.entered end as double)
        as cost_per_entry_cny,
    cast(
        case when t.is_costed and t.converted > 0 then (c.spend_cny + c.presales_cny) / t.converted end as double
    ) as cost_per_conversion_cny,
    cast(case when t.is_costed then c.won_cny end as decimal(38, 6)) as won_cny,
    cast(
        case
            when t.is_costed and c.spend_cny + c.presales_cny > 0
                then cast(c.won_cny - c.spend_cny - c.presales_cny as double) / (c.spend_cny + c.presales_cny)
        end as double
    ) as roi,
    case
        when t.view = 'period' then 'costs are told by cohort'
        when t.segment_type <> 'all' then 'spend is not recorded by segment'
        when c.spend_cny is null then 'no spend is recorded for the month'
    end as cost_gap
from told as t
inner join {{ ref('lead_stage_order') }} as n on n.stage_order = t.stage_order + 1
left join {{ ref('int_leads__costs') }} as c on c.month_start = t.month_start
where t.month_start <= {{ night }}
