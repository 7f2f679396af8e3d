-- a target that is taken apart by channel, city or product for the same time must not promise more or less than it did
{{ config(tags=['marts'], severity='warn') }}

with parts as (
    select
        metric,
        segment_type,
        first_day,
        last_day,
        sum(target) as target
    from {{ ref('kpi_targets') }}
    where segment_type <> 'all'
    group by metric, segment_type, first_day, last_day
)

select
    p.metric,
    p.segment_type,
    p.first_day,
    p.target as target_of_parts,
    w.target
from parts as p
inner join {{ ref('kpi_targets') }} as w
    on
        w.metric = p.metric
        and w.segment_type = 'all'
        and w.first_day = p.first_day
        and w.last_day = p.last_day
where abs(p.target - w.target) > 0.01 * abs(w.target)
