{# every tag of a person by every method that speaks for it; of each type one tag is selected: what is recorded stands
   over what was said, that over what is inferred, and among inferred ones the likeliest wins; what a later record
   of the person ended stays as history and is selected only where nothing newer speaks; an inferred tag that is less likely than not stays a hint #}
with parameters as (
    select
        max(case when parameter = 'selected_confidence_min' then value end) as confidence_min,
        max(case when parameter = 'prior_people' then value end) as prior_people
    from {{ ref('role_parameters') }}
),

-- a guess from a clue is worth what it was worth for people whose part is recorded, as soon as there are enough of
-- them: the dictionary's confidence counts as so many people more (the mean of a beta distribution). A part is recorded
-- of whom sales deals with, who are more often those who decide than others that read the same: of behaviour the share
-- may lower a guess, not raise it
calibrated as (
    select
        e.contact_id,
        e.tag_type,
        e.tag,
        e.method,
        e.evidence,
        e.known_at,
        e.superseded_at,
        case
            when r.people_count is null then e.confidence
            when
                e.method = 'behaviour'
                and r.agreeing_count > r.people_count * e.confidence
                then e.confidence
            else (r.agreeing_count + p.prior_people * e.confidence) / (r.people_count + p.prior_people)
        end as confidence
    from {{ ref('int_people__role_evidence') }} as e
    cross join parameters as p
    left join {{ ref('int_people__clue_reliability') }} as r
        on r.tag_type = e.tag_type and r.clue = e.clue and r.tag = e.tag
),

-- pieces of one method lean on each other (a role typed on the contact and on the deal, two pages of one visit): the
-- surest of them counts
by_method as (
    select
        contact_id,
        tag_type,
        tag,
        method,
        cast(round(max(confidence), 9) as double) as confidence,
        {{ dbt.listagg('evidence', "'; '", 'order by evidence') }} as evidence,
        min(known_at) as valid_from,
        case when count(*) = count(superseded_at) then max(superseded_at) end as valid_to
    from calibrated
    group by contact_id, tag_type, tag, method
),

-- of a tag that something present speaks for, the past adds nothing
counted as (
    select
        *,
        max(case when valid_to is null then 1 else 0 end) over (partition by contact_id, tag_type, tag) as is_present
    from by_method
),

-- how much likelier the tag is than each other one of its type by what a method says; what says less than chance
-- says nothing. Who records a part has the title before them: the two are one witness
weighed as (
    select
        c.contact_id,
        c.tag_type,
        c.tag,
        max(1 - c.is_present) as is_past,
        min(case c.method when 'recorded' then 1 when 'interview' then 2 else 3 end) as rank_of_method,
        max(a.value) as alternatives,
        max(
            greatest(1.0, least(c.confidence, 0.99) * (a.value - 1) / (1 - least(c.confidence, 0.99)))
        ) as odds
    from counted as c
    inner join {{ ref('role_parameters') }} as a on a.parameter = concat('tags_of_', c.tag_type)
    where c.valid_to is null or c.is_present = 0
    group by c.contact_id, c.tag_type, c.tag, case when c.method = 'recorded' then 'title' else c.method end
),

by_tag as (
    select
        contact_id,
        tag_type,
        tag,
        max(is_past) as is_past,
        min(rank_of_method) as rank_of_method,
        max(alternatives) as alternatives,
        exp(sum(ln(odds))) as odds
    from weighed
    group by contact_id, tag_type, tag
),

-- witnesses are independent and exactly one tag of a type is right: Bayes' rule with equal priors, where one that
-- says otherwise takes from the tag what it gives to another. The past does not speak against the present
likely as (
    select
        contact_id,
        tag_type,
        tag,
        is_past,
        rank_of_method,
        cast(
            round(
                odds / (
                    sum(odds) over (partition by contact_id, tag_type, is_past)
                    + alternatives - count(*) over (partition by contact_id, tag_type, is_past)
                ),
                9
            ) as double
        ) as tag_confidence
    from by_tag
),

placed as (
    select
        *,
        row_number() over (
            partition by contact_id, tag_type
            order by is_past asc, rank_of_method asc, tag_confidence desc, tag asc
        ) as place
    from likely
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
cross join parameters as l
