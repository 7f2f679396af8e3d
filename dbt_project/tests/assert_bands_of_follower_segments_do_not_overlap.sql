{# two segments whose bands hold the same day, or that leave a day between them to nobody #}
select
    a.follower_segment as one_segment,
    b.follower_segment as other_segment,
    'overlap' as fault
from {{ ref('follower_segments') }} as a
inner join {{ ref('follower_segments') }} as b
    on
        b.follower_segment > a.follower_segment
        and a.min_days < coalesce(b.max_days, a.min_days + 1)
        and b.min_days < coalesce(a.max_days, b.min_days + 1)
        and coalesce(a.is_active, b.is_active, true) = coalesce(b.is_active, a.is_active, true)
union all
select
    a.follower_segment as one_segment,
    null as other_segment,
    'nobody follows on' as fault
from {{ ref('follower_segments') }} as a
left join {{ ref('follower_segments') }} as b on b.min_days = a.max_days
where a.max_days is not null and b.min_days is null
