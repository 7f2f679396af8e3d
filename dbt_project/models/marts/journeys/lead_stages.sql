{# the way of every lead through the stages: what the CRM stamps, the present status where it keeps no stamps, the
   criteria where it keeps neither, and the deal. A stage that a lead never showed is absent, not made up #}
{% set night_end = end_of_day("'" ~ var('as_of_date') ~ "'") %}
with leads as (
    select
        l.*,
        case
            when l.origin = 'lead' then substring(l.lead_id, 6)
            when l.origin = 'contact' then substring(l.lead_id, 9)
        end as record_id,
        d.deal_state,
        d.source_stage as deal_stage,
        d.created_at as deal_created_at,
        d.closed_at as deal_closed_at,
        coalesce(d.account_id, l.account_id) as of_account_id
    from {{ ref('int_crm__leads_with_deals') }} as l
    left join {{ ref('int_crm__deals_classified') }} as d on d.deal_id = l.deal_id
),

stage_order as (
    select * from {{ ref('lead_stage_order') }}
),

statuses as (
    select * from {{ ref('lead_statuses') }}
),

-- a merged record's stamps are those of the record that it was merged into
stamps as (
    select
        l.lead_id,
        h.stage as source_status,
        s.lead_stage,
        s.is_deal_word,
        h.entered_at
    from {{ ref('stg_crm__lifecycle_stage_history') }} as h
    inner join statuses as s on s.source_status = lower(trim(h.stage))
    inner join leads as l on l.record_id = h.record_id and l.origin = h.record_type
    where h.entered_at < {{ night_end }}
),

stamped as (
    select
        s.lead_id,
        -- when the CRM turned the lead into a deal, and the last stage that it gave it until the deal ended
        min(case when s.is_deal_word then s.entered_at end) as converted_at,
        max(
            case
                when not s.is_deal_word and (s.entered_at < l.deal_closed_at or l.deal_closed_at is null)
                    then s.entered_at
            end
        ) as last_at
    from stamps as s
    inner join leads as l on l.lead_id = s.lead_id
    group by s.lead_id
),

presents as (
    select
        lead_id,
        1 as place,
        lead_status as source_status
    from leads
    union all
    select
        lead_id,
        2 as place,
        lifecycle_stage as source_status
    from leads
),

-- of status and lifecycle stage the one that says more
mapped as (
    select
        p.lead_id,
        p.source_status,
        s.lead_stage,
        row_number() over (partition by p.lead_id order by o.stage_order desc, p.place asc) as place
    from presents as p
    inner join statuses as s on s.source_status = lower(trim(p.source_status))
    inner join stage_order as o on o.lead_stage = s.lead_stage
),

dated as (
    select
        l.*,
        t.lead_id is not null as has_stamps,
        coalesce(t.converted_at < t.last_at, false) as is_stamped_early,
        m.lead_stage as present_stage,
        coalesce(m.source_status, l.lead_status, l.lifecycle_stage) as source_status,
        -- the CRM tells the present status, not since when: at the latest since the last change, or since the deal
        case
            when l.deal_created_at < l.created_at then null
            when l.updated_at is null or l.deal_created_at < l.updated_at then l.deal_created_at
            else l.updated_at
        end as status_at,
        -- who joins a deal that goes on becomes its lead then: not before there was a lead, nor while the CRM still
        -- stamps it with earlier stages
        case
            when l.origin = 'deal' or l.deal_created_at is null then l.deal_created_at
            else greatest(
                l.deal_created_at,
                coalesce(l.created_at, l.deal_created_at),
                coalesce(t.converted_at, l.deal_created_at),
                coalesce(t.last_at, l.deal_created_at)
            )
        end as opportunity_at
    from leads as l
    left join stamped as t on t.lead_id = l.lead_id
    left join mapped as m on m.lead_id = l.lead_id and m.place = 1
),

criteria as (
    select * from {{ ref('int_crm__leads_criteria') }}
),

-- the moment at which the points of the criteria first were enough, and all that is required was met
running as (
    select
        lead_id,
        lead_stage,
        met_at,
        sum(case when lead_stage = 'mql' then points else 0 end) over (
            partition by lead_id order by met_at nulls first, criterion
            rows between unbounded preceding and current row
        ) as mql_points
    from criteria
),

required as (
    select
        lead_stage,
        count(*) as required_count
    from {{ ref('lead_criteria') }}
    where is_required
    group by lead_stage
),

reached as (
    select
        c.lead_id,
        c.lead_stage,
        max(c.met_at) as required_at
    from criteria as c
    inner join required as r on r.lead_stage = c.lead_stage
    where c.is_required
    group by c.lead_id, c.lead_stage
    having count(*) = min(r.required_count)
),

enough as (
    select
        lead_id,
        min(met_at) as enough_at
    from running
    where mql_points >= {{ lead_parameter('mql_score') }}
    group by lead_id
),

told as (
    select
        r.lead_id,
        'mql' as lead_stage,
        case when r.required_at > e.enough_at then r.required_at else e.enough_at end as met_at
    from reached as r
    inner join enough as e on e.lead_id = r.lead_id
    where r.lead_stage = 'mql'
    union all
    select
        lead_id,
        lead_stage,
        required_at as met_at
    from reached
    where lead_stage = 'sql'
),

entries as (
    select
        lead_id,
        'raw' as stage,
        created_at as entered_at,
        concat(origin, ' created') as evidence,
        source_status as source_stage
    from dated
    where origin <> 'deal'
    union all
    -- where there is a deal, the deal says what the words for it mean
    select
        s.lead_id,
        s.lead_stage as stage,
        s.entered_at,
        'stamp' as evidence,
        s.source_status as source_stage
    from stamps as s
    inner join dated as d on d.lead_id = s.lead_id
    where not s.is_deal_word or d.deal_id is null
    union all
    select
        lead_id,
        present_stage as stage,
        status_at as entered_at,
        'recorded status' as evidence,
        source_status as source_stage
    from dated
    where present_stage in ('mql', 'sql') and not has_stamps
    union all
    select
        t.lead_id,
        t.lead_stage as stage,
        t.met_at as entered_at,
        'criteria' as evidence,
        cast(null as {{ dbt.type_string() }}) as source_stage
    from told as t
    inner join dated as d on d.lead_id = t.lead_id
    where
        d.origin <> 'deal'
        and not d.has_stamps
        and d.present_stage is null
        and (d.opportunity_at is null or t.met_at < d.opportunity_at)
    union all
    select
        lead_id,
        'opportunity' as stage,
        opportunity_at as entered_at,
        'deal' as evidence,
        deal_stage as source_stage
    from dated
    where deal_id is not null
    union all
    select
        lead_id,
        deal_state as stage,
        case when deal_closed_at < opportunity_at then opportunity_at else deal_closed_at end as entered_at,
        'deal' as evidence,
        deal_stage as source_stage
    from dated
    where deal_state in ('won', 'lost')
),

known as (
    select
        e.*,
        o.stage_order,
        count(*) over (partition by e.lead_id) = count(e.entered_at) over (partition by e.lead_id) as is_dated
    from entries as e
    inner join stage_order as o on o.lead_stage = e.stage
),

-- where a moment is not known, the order of stages stands for that of time
placed as (
    select
        *,
        row_number() over (
            partition by lead_id
            order by case when is_dated then 0 else stage_order end, entered_at, stage_order, evidence
        ) as place
    from known
),

compared as (
    select
        *,
        lag(stage_order) over (partition by lead_id order by place) as order_before
    from placed
),

-- a stage that is told again while the lead stands in it is no new entry
moves as (
    select
        *,
        lead(entered_at) over (partition by lead_id order by place) as left_at,
        row_number() over (partition by lead_id order by place) as entry_number,
        row_number() over (partition by lead_id order by place desc) as place_from_end
    from compared
    where order_before is distinct from stage_order
),

shown as (
    select
        m.lead_id,
        m.entry_number,
        c.criterion,
        c.points,
        c.lead_stage = m.stage as is_of_stage
    from moves as m
    inner join criteria as c
        on c.lead_id = m.lead_id and (c.met_at is null or m.entered_at is null or c.met_at <= m.entered_at)
),

scores as (
    select
        lead_id,
        entry_number,
        sum(points) as score,
        {{ dbt.listagg("criterion", "', '", "order by criterion") }} as criteria_met
    from shown
    group by lead_id, entry_number
),

missing as (
    select
        m.lead_id,
        m.entry_number,
        {{ dbt.listagg("c.criterion", "', '", "order by c.criterion") }} as criteria_missing
    from moves as m
    inner join {{ ref('lead_criteria') }} as c on c.lead_stage = m.stage and c.is_required
    left join shown as s
        on s.lead_id = m.lead_id and s.entry_number = m.entry_number and s.criterion = c.criterion
    where s.criterion is null
    group by m.lead_id, m.entry_number
),

-- the criteria say more than the CRM does
ahead as (
    select
        t.lead_id,
        max(o.stage_order) as told_order
    from told as t
    inner join stage_order as o on o.lead_stage = t.lead_stage
    group by t.lead_id
)

select
    {{ dbt.hash("concat_ws('|', m.lead_id, cast(m.entry_number as " ~ dbt.type_string() ~ "))") }} as lead_stage_id,
    m.lead_id,
    d.origin,
    d.contact_id,
    d.of_account_id as account_id,
    d.deal_id,
    d.is_primary_lead,
    m.stage,
    m.stage_order,
    cast(m.entry_number as bigint) as entry_number,
    m.entered_at,
    m.left_at,
    cast({{ seconds_between('m.entered_at', 'm.left_at') }} as double) / 86400 as days,
    m.place_from_end = 1 as is_current,
    coalesce(m.stage_order < m.order_before, false) as is_return,
    -- from what a lead begins with, nothing was skipped; lost is no stage to pass through
    cast(
        case
            when m.order_before is null or m.stage_order < m.order_before or m.stage in ('won', 'lost') then 0
            else m.stage_order - m.order_before - 1
        end as bigint
    ) as skipped_stages,
    m.evidence,
    m.source_stage,
    cast(coalesce(s.score, 0) as double) as score,
    s.criteria_met,
    g.criteria_missing,
    case
        when m.evidence in ('stamp', 'recorded status') and g.criteria_missing is not null
            then 'recorded before its criteria'
        when m.place_from_end = 1 and m.stage_order < 4 and d.origin <> 'deal' and a.told_order > m.stage_order
            then 'criteria met and not recorded'
        when m.stage = 'opportunity' and d.is_stamped_early then 'stamped as a deal before its earlier stages'
        when m.evidence = 'deal' and d.present_stage = 'raw' then 'a deal, and still recorded as raw'
    end as conflict
from moves as m
inner join dated as d on d.lead_id = m.lead_id
left join scores as s on s.lead_id = m.lead_id and s.entry_number = m.entry_number
left join missing as g on g.lead_id = m.lead_id and g.entry_number = m.entry_number
left join ahead as a on a.lead_id = m.lead_id
