{# every tag of a person by every method that speaks for it; of each type one tag is selected: what is recorded stands
   over what was said, that over what is inferred, and among inferred ones the likeliest wins; what a later record
   of the person ended stays as history and is selected only where nothing newer speaks; an inferred tag that is less likely than not stays a hint #}
with by_method as (
    select
        contact_id,
        tag_type,
        tag,
        method,
        -- independent pieces of evidence: the chance that not all of them are wrong (noisy or)
        cast(round(1 - exp(sum(ln(1 - case when confidence > 0.99 then 0.99 else confidence end))), 9) as double)
            as confidence,
        {{ dbt.listagg('evidence', "'; '", 'order by evidence') }} as evidence,
        min(known_at) as valid_from,
        case when count(*) = count(superseded_at) then max(superseded_at) end as valid_to
    from {{ ref('int_people__role_evidence') }}
    group by contact_id, tag_type, tag, method
),

-- of a tag that something present speaks for, the past adds nothing
counted as (
    select
        *,
        max(case when valid_to is null then 1 else 0 end) over (partition by contact_id, tag_type, tag) as is_present
    from by_method
),

by_tag as (
    select
        contact_id,
        tag_type,
        tag,
        1 - max(is_present) as is_past,
        min(case when method = 'recorded' then 1 when method = 'interview' then 2 else 3 end) as rank_of_method,
        cast(round(1 - exp(sum(ln(1 - case when confidence > 0.99 then 0.99 else confidence end))), 9) as double)
            as tag_confidence
    from counted
    where valid_to is null or is_present = 0
    group by contact_id, tag_type, tag
),

least as (
    select value as confidence_min
    from {{ ref('role_parameters') }}
    where parameter = 'selected_confidence_min'
),

placed as (
    select
        *,
        row_number() over (
            partition by contact_id, tag_type
            order by is_past asc, rank_of_method asc, tag_confidence desc, tag asc
        ) as place
    from by_tag
)

select
    {{ dbt.hash("concat_ws('|', m.contact_id, m.tag_type, m.tag, m.method)") }} as contact_role_tag_id,
    m.contact_id,
    m.tag_type,
    m.tag,
    m.method,
    m.evidence,
    m.confidence,
    p.tag_confidence,
    p.place = 1
    and (p.rank_of_method < 3 or p.tag_confidence >= l.confidence_min) as is_selected,
    m.valid_from,
    m.valid_to
from by_method as m
inner join placed as p on p.contact_id = m.contact_id and p.tag_type = m.tag_type and p.tag = m.tag
cross join least as l
