{# all that speaks for a tag of a person: what is recorded, what titles say, what was read or attended, interviews;
   `clue` is what a guess rests on, coarse enough for many people to share it #}
with people as (
    select
        contact_id,
        account_id,
        source_object,
        source_id
    from {{ source('identity', 'people') }}
    where source_system = 'crm'
),

told as (
    select
        p.contact_id,
        p.account_id,
        p.source_object,
        p.source_id,
        c.job_title,
        c.department,
        c.seniority,
        c.buying_role,
        coalesce(c.updated_at, c.created_at) as known_at
    from people as p
    inner join {{ ref('stg_crm__contacts') }} as c on c.contact_id = p.source_id
    where p.source_object = 'contacts' and c.merged_into_id is null
    union all
    select
        p.contact_id,
        p.account_id,
        p.source_object,
        p.source_id,
        l.job_title,
        l.department,
        cast(null as {{ dbt.type_string() }}) as seniority,
        cast(null as {{ dbt.type_string() }}) as buying_role,
        coalesce(l.updated_at, l.created_at) as known_at
    from people as p
    inner join {{ ref('stg_crm__leads') }} as l on l.lead_id = p.source_id
    where p.source_object = 'leads' and l.merged_into_id is null
),

numbered as (
    select
        r.*,
        t.seniority as read_seniority,
        t.job_function as read_function,
        row_number() over (
            partition by r.contact_id order by r.known_at nulls first, r.source_object, r.source_id
        ) as record_number
    from told as r
    left join {{ source('identity', 'titles') }} as t on t.raw = r.job_title
),

-- a later record of the person ends what an earlier one told: of their work, when its title is another post or it
-- names another company; of their part in purchases, when it tells a part itself or names another company
ended as (
    select
        a.contact_id,
        a.record_number,
        min(
            case
                when b.account_id <> a.account_id then b.known_at
                when b.read_seniority = 'unknown' or b.read_function = 'unknown' then null
                when a.read_seniority is null then b.known_at
                when b.read_seniority <> a.read_seniority or b.read_function <> a.read_function then b.known_at
            end
        ) as work_ended_at,
        min(case when b.buying_role is not null or b.account_id <> a.account_id then b.known_at end) as role_ended_at,
        min(case when b.account_id <> a.account_id then b.known_at end) as moved_at
    from numbered as a
    inner join numbered as b on b.contact_id = a.contact_id and b.record_number > a.record_number
    where b.job_title is not null or b.buying_role is not null
    group by a.contact_id, a.record_number
),

records as (
    select
        r.contact_id,
        r.source_object,
        r.source_id,
        r.job_title,
        r.department,
        r.seniority,
        r.buying_role,
        r.known_at,
        e.work_ended_at as superseded_at,
        e.role_ended_at,
        e.moved_at
    from numbered as r
    left join ended as e on e.contact_id = r.contact_id and e.record_number = r.record_number
),

titles as (
    select
        r.contact_id,
        r.known_at,
        r.superseded_at,
        concat(t.seniority, ' of ', t.job_function) as clue,
        t.*
    from records as r
    inner join {{ source('identity', 'titles') }} as t on t.raw = r.job_title
),

departments as (
    select
        r.contact_id,
        r.known_at,
        r.superseded_at,
        t.raw,
        t.department,
        t.job_function
    from records as r
    inner join {{ source('identity', 'titles') }} as t on t.raw = r.department
    where t.department <> 'unknown'
),

-- a role on a deal counts for the person; which deal it was stays in decision_chains
recorded_roles as (
    select
        contact_id,
        'buying_role' as source_column,
        buying_role as source_role,
        known_at,
        role_ended_at as superseded_at
    from records
    where buying_role is not null
    union all
    select
        p.contact_id,
        'role on a deal' as source_column,
        d.role as source_role,
        cast(null as {{ timestamp_type() }}) as known_at,
        r.moved_at as superseded_at
    from {{ ref('stg_crm__deal_contacts') }} as d
    inner join people as p on p.source_object = 'contacts' and p.source_id = d.contact_id
    left join records as r on r.source_object = 'contacts' and r.source_id = d.contact_id
    where d.role is not null
),

-- a later interview that tells their part ends what an earlier one told
interviews as (
    select
        p.contact_id,
        i.respondent_role,
        i.interviewed_at as known_at,
        lead(i.interviewed_at) over (partition by p.contact_id order by i.interviewed_at, i.interview_id)
            as superseded_at
    from {{ ref('stg_crm__interviews') }} as i
    inner join people as p on p.source_object = 'contacts' and p.source_id = i.contact_id
    where i.respondent_role is not null
),

behaviour as (
    select
        contact_id,
        signal,
        signal_count,
        first_at
    from {{ ref('int_people__pages_read') }}
    union all
    select
        a.contact_id,
        s.signal,
        cast(sum(a.activity_count) as bigint) as signal_count,
        min(a.first_at) as first_at
    from {{ ref('int_people__activities_joined') }} as a
    inner join {{ ref('role_signals') }} as s on s.activity_type = a.activity_type
    group by a.contact_id, s.signal
),

-- one more of the same adds less than the one before
weighed as (
    select
        b.contact_id,
        s.decision_role,
        s.buying_influence,
        concat(b.signal, ' x', cast(b.signal_count as {{ dbt.type_string() }})) as evidence,
        concat(
            b.signal,
            case when b.signal_count >= 4 then ' often' when b.signal_count >= 2 then ' again' else ' once' end
        ) as clue,
        0.6 * (1 - exp(-s.weight * case when b.signal_count > 6 then 6 else b.signal_count end)) as confidence,
        b.first_at as known_at
    from behaviour as b
    inner join {{ ref('role_signals') }} as s on s.signal = b.signal
),

terms as (
    select * from {{ ref('role_terms') }}
),

tagged as (
    select
        contact_id,
        'department' as tag_type,
        department as tag,
        'recorded' as method,
        concat('department: ', raw) as evidence,
        cast(null as {{ dbt.type_string() }}) as clue,
        cast(0.95 as double) as confidence,
        known_at,
        superseded_at
    from departments
    union all
    select
        contact_id,
        'job_function' as tag_type,
        job_function as tag,
        -- a department is a place: its data analyst is one, whatever it is called; the title says what somebody does
        'title' as method,
        concat('department: ', raw) as evidence,
        concat('in ', department) as clue,
        0.6 as confidence,
        known_at,
        superseded_at
    from departments
    union all
    select
        r.contact_id,
        'seniority' as tag_type,
        t.seniority as tag,
        'recorded' as method,
        concat('seniority: ', r.seniority) as evidence,
        cast(null as {{ dbt.type_string() }}) as clue,
        0.9 as confidence,
        r.known_at,
        r.superseded_at
    from records as r
    inner join {{ ref('seniority_terms') }} as t on t.source_seniority = lower(trim(r.seniority))
    union all
    select
        r.contact_id,
        'buying_role' as tag_type,
        t.buying_role as tag,
        'recorded' as method,
        concat(r.source_column, ': ', r.source_role) as evidence,
        cast(null as {{ dbt.type_string() }}) as clue,
        0.95 as confidence,
        r.known_at,
        r.superseded_at
    from recorded_roles as r
    inner join terms as t on t.source_role = lower(trim(r.source_role))
    union all
    select
        r.contact_id,
        'decision_role' as tag_type,
        t.decision_role as tag,
        'recorded' as method,
        concat(r.source_column, ': ', r.source_role) as evidence,
        cast(null as {{ dbt.type_string() }}) as clue,
        0.95 as confidence,
        r.known_at,
        r.superseded_at
    from recorded_roles as r
    inner join terms as t on t.source_role = lower(trim(r.source_role))
    union all
    select
        r.contact_id,
        'buying_influence' as tag_type,
        t.buying_influence as tag,
        'recorded' as method,
        concat(r.source_column, ': ', r.source_role) as evidence,
        cast(null as {{ dbt.type_string() }}) as clue,
        0.95 as confidence,
        r.known_at,
        r.superseded_at
    from recorded_roles as r
    inner join terms as t on t.source_role = lower(trim(r.source_role))
    union all
    select
        i.contact_id,
        'decision_role' as tag_type,
        t.decision_role as tag,
        'interview' as method,
        concat('interview: ', i.respondent_role) as evidence,
        cast(null as {{ dbt.type_string() }}) as clue,
        0.9 as confidence,
        i.known_at,
        i.superseded_at
    from interviews as i
    inner join terms as t on t.source_role = lower(trim(i.respondent_role))
    union all
    select
        i.contact_id,
        'buying_influence' as tag_type,
        t.buying_influence as tag,
        'interview' as method,
        concat('interview: ', i.respondent_role) as evidence,
        cast(null as {{ dbt.type_string() }}) as clue,
        0.9 as confidence,
        i.known_at,
        i.superseded_at
    from interviews as i
    inner join terms as t on t.source_role = lower(trim(i.respondent_role))
    union all
    select
        contact_id,
        'seniority' as tag_type,
        seniority as tag,
        'title' as method,
        concat('title: ', matched_terms) as evidence,
        cast(null as {{ dbt.type_string() }}) as clue,
        confidence,
        known_at,
        superseded_at
    from titles
    union all
    select
        contact_id,
        'job_function' as tag_type,
        job_function as tag,
        'title' as method,
        concat('title: ', matched_terms) as evidence,
        cast(null as {{ dbt.type_string() }}) as clue,
        confidence,
        known_at,
        superseded_at
    from titles
    union all
    select
        contact_id,
        'department' as tag_type,
        department as tag,
        'title' as method,
        concat('title: ', matched_terms) as evidence,
        cast(null as {{ dbt.type_string() }}) as clue,
        confidence * 0.9 as confidence,
        known_at,
        superseded_at
    from titles
    union all
    select
        contact_id,
        'decision_role' as tag_type,
        decision_role as tag,
        'title' as method,
        concat('title: ', matched_terms) as evidence,
        clue,
        decision_confidence as confidence,
        known_at,
        superseded_at
    from titles
    union all
    select
        contact_id,
        'buying_influence' as tag_type,
        buying_influence as tag,
        'title' as method,
        concat('title: ', matched_terms) as evidence,
        clue,
        decision_confidence as confidence,
        known_at,
        superseded_at
    from titles
    union all
    select
        contact_id,
        'buying_role' as tag_type,
        buying_role as tag,
        'title' as method,
        concat('title: ', matched_terms) as evidence,
        clue,
        decision_confidence as confidence,
        known_at,
        superseded_at
    from titles
    union all
    select
        contact_id,
        'decision_role' as tag_type,
        decision_role as tag,
        'behaviour' as method,
        evidence,
        clue,
        confidence,
        known_at,
        cast(null as {{ timestamp_type() }}) as superseded_at
    from weighed
    union all
    select
        contact_id,
        'buying_influence' as tag_type,
        buying_influence as tag,
        'behaviour' as method,
        evidence,
        clue,
        confidence,
        known_at,
        cast(null as {{ timestamp_type() }}) as superseded_at
    from weighed
)

select
    contact_id,
    tag_type,
    tag,
    method,
    evidence,
    clue,
    cast(max(confidence) as double) as confidence,
    min(known_at) as known_at,
    case when count(*) = count(superseded_at) then max(superseded_at) end as superseded_at
from tagged
where tag is not null and tag <> 'unknown' and confidence > 0
group by contact_id, tag_type, tag, method, evidence, clue
