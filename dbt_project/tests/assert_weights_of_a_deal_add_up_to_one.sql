-- every deal is credited once by every model: less loses it, more counts it twice
{{ config(tags=['marts']) }}

with sums as (
    select
        deal_id,
        attribution_model,
        sum(weight) as total
    from {{ ref('deal_attribution') }}
    group by deal_id, attribution_model
),

deals as (
    select
        d.deal_id,
        count(s.attribution_model) as model_count,
        max(abs(s.total - 1)) as off
    from {{ ref('int_crm__deals_classified') }} as d
    left join sums as s on s.deal_id = d.deal_id
    group by d.deal_id
)

select *
from deals
where model_count <> 4 or off > 0.000000001
