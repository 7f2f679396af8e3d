{# which touches brought a deal, by four models. Touches of the account up to the deal's opening count, as far back as
   the seed allows; a deal without any has one row of an unknown touch, so that no deal is lost #}
{% set first_share = lead_parameter('position_first') %}
{% set last_share = lead_parameter('position_last') %}
{% set days_back = 'cast(-' ~ lead_parameter('attribution_days') ~ ' as integer)' %}
with deals as (
    select
        d.deal_id,
        d.account_id,
        d.deal_state,
        d.created_at,
        {{ in_cny('d.amount') }} as amount_cny
    from {{ ref('int_crm__deals_classified') }} as d
    left join {{ ref('exchange_rates') }} as x on x.currency = coalesce(upper(trim(d.currency)), 'CNY')
),

touches as (
    select * from {{ ref('touchpoints') }}
    where touchpoint_type <> 'deal_created' and account_id is not null
),

placed as (
    select
        d.*,
        t.touchpoint_id,
        t.contact_id,
        t.touchpoint_type,
        t.channel,
        t.campaign,
        t.occurred_at,
        row_number() over (partition by d.deal_id order by t.occurred_at, t.touchpoint_id) as place,
        count(*) over (partition by d.deal_id) as touch_count
    from deals as d
    left join touches as t
        on
            t.account_id = d.account_id
            and t.occurred_at <= d.created_at
            and t.occurred_at >= {{ dbt.dateadd('day', days_back, 'd.created_at') }}
),

weighed as (
    select
        *,
        case when place = 1 then 1.0 else 0.0 end as first_weight,
        case when place = touch_count then 1.0 else 0.0 end as last_weight,
        cast(1 as double) / touch_count as linear_weight,
        case
            when touch_count = 1 then 1.0
            -- two share what would be between them as the ends do
            when touch_count = 2 and place = 1 then {{ first_share }} / ({{ first_share }} + {{ last_share }})
            when touch_count = 2 then {{ last_share }} / ({{ first_share }} + {{ last_share }})
            when place = 1 then {{ first_share }}
            when place = touch_count then {{ last_share }}
            else (1 - {{ first_share }} - {{ last_share }}) / (touch_count - 2)
        end as position_weight
    from placed
),

models as (
    {% for model in ['first', 'last', 'linear', 'position'] %}
        select
            *,
            '{{ model }}' as attribution_model,
            cast({{ model }}_weight as double) as weight
        from weighed
        where {{ model }}_weight > 0
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    {{ dbt.hash("concat_ws('|', deal_id, attribution_model, coalesce(touchpoint_id, ''))") }} as deal_attribution_id,
    deal_id,
    account_id,
    deal_state,
    attribution_model,
    touchpoint_id,
    contact_id,
    coalesce(touchpoint_type, 'unknown') as touchpoint_type,
    coalesce(channel, 'unknown') as channel,
    campaign,
    occurred_at,
    touch_count - case when touchpoint_id is null then 1 else 0 end as touch_count,
    weight,
    cast(case when deal_state = 'won' and amount_cny >= 0 then round(weight * amount_cny, 2) end as double)
        as credited_cny
from models
