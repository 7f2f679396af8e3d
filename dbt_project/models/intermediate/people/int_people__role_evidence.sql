{# all that speaks for a tag of a person: what is recorded, what titles say, what was read or attended, interviews #}
with people as (
    select
        contact_id,
        source_object,
        source_id
    from {{ source('identity', 'people') }}
    where source_system = 'crm'
),

told as (
    select
        p.contact_id,
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

-- a later record of the person that tells a title ends what an earlier one told of their work
records as (
    select
        contact_id,
        job_title,
        department,
        seniority,
        buying_role,
        known_at,
        min(case when job_title is not null then known_at end) over (
            partition by contact_id
            order by known_at nulls first, source_object, source_id
            rows between 1 following and unbounded following
        ) as superseded_at
    from told
),

titles as (
    select
        r.contact_id,
        r.known_at,
        r.superseded_at,
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
        known_at
    from records
    where buying_role is not null
    union all
    select
        p.contact_id,
        'role on a deal' as source_column,
        d.role as source_role,
        cast(null as {{ timestamp_type() }}) as known_at
    from {{ ref('stg_crm__deal_contacts') }} as d
    inner join people as p on p.source_object = 'contacts' and p.source_id = d.contact_id
    where d.role is not null
),

interviews as (
    select
        p.contact_id,
        i.respondent_role,
        i.interviewed_at as known_at
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
        0.95 as confidence,
        r.known_at,
        cast(null as {{ timestamp_type() }}) as superseded_at
    from recorded_roles as r
    inner join terms as t on t.source_role = lower(trim(r.source_role))
    union all
    select
        r.contact_id,
        'decision_role' as tag_type,
        t.decision_role as tag,
        'recorded' as method,
        concat(r.source_column, ': ', r.source_role) as evidence,
        0.95 as confidence,
        r.known_at,
        cast(null as {{ timestamp_type() }}) as superseded_at
    from recorded_roles as r
    inner join terms as t on t.source_role = lower(trim(r.source_role))
    union all
    select
        r.contact_id,
        'buying_influence' as tag_type,
        t.buying_influence as tag,
        'recorded' as method,
        concat(r.source_column, ': ', r.source_role) as evidence,
        0.95 as confidence,
        r.known_at,
        cast(null as {{ timestamp_type() }}) as superseded_at
    from recorded_roles as r
    inner join terms as t on t.source_role = lower(trim(r.source_role))
    union all
    select
        i.contact_id,
        'decision_role' as tag_type,
        t.decision_role as tag,
        'interview' as method,
        concat('interview: ', i.respondent_role) as evidence,
        0.9 as confidence,
        i.known_at,
        cast(null as {{ timestamp_type() }}) as superseded_at
    from interviews as i
    inner join terms as t on t.source_role = lower(trim(i.respondent_role))
    union all
    select
        i.contact_id,
        'buying_influence' as tag_type,
        t.buying_influence as tag,
        'interview' as method,
        concat('interview: ', i.respondent_role) as evidence,
        0.9 as confidence,
        i.known_at,
        cast(null as {{ timestamp_type() }}) as superseded_at
    from interviews as i
    inner join terms as t on t.source_role = lower(trim(i.respondent_role))
    union all
    select
        contact_id,
        'seniority' as tag_type,
        seniority as tag,
        'title' as method,
        concat('title: ', matched_terms) as evidence,
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
    cast(max(confidence) as double) as confidence,
    min(known_at) as known_at,
    case when count(*) = count(superseded_at) then max(superseded_at) end as superseded_at
from tagged
where tag is not null and tag <> 'unknown' and confidence > 0
group by contact_id, tag_type, tag, method, evidence
