{# how often a clue told what is so: people of whom the clue is known and what it tells is known without one (a part
   that is recorded or was told in an interview, a function by the title), and of them the ones where it is the same.
   Whose records contradict each other proves nothing #}
with present as (
    select
        contact_id,
        tag_type,
        tag,
        method,
        clue
    from {{ ref('int_people__role_evidence') }}
    where superseded_at is null
),

told as (
    select
        contact_id,
        tag_type,
        min(tag) as tag
    from present
    where clue is null
    group by contact_id, tag_type
    having count(distinct tag) = 1
),

clues as (
    select distinct
        contact_id,
        tag_type,
        tag,
        clue
    from present
    where clue is not null
)

select
    c.tag_type,
    c.clue,
    c.tag,
    cast(count(*) as bigint) as people_count,
    cast(sum(case when t.tag = c.tag then 1 else 0 end) as bigint) as agreeing_count
from clues as c
inner join told as t on t.contact_id = c.contact_id and t.tag_type = c.tag_type
group by c.tag_type, c.clue, c.tag
