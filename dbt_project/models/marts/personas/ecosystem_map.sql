{# what each post at customers gains and bears, how deeply it uses the product, its influence, whom to serve first #}
{% set min_cell = persona_threshold('min_cell_customers') %}
{% set scale = portrait_parameter('benefit_scale') %}
with personas as (
    select
        account_id,
        cast(persona_number as {{ dbt.type_string() }}) as persona
    from {{ ref('int_personas__memberships') }}
    -- number 0 is the background
    where persona_number > 0
    union all
    select
        account_id,
        'all' as persona
    from {{ ref('int_personas__accounts') }}
),

people as (
    select
        p.persona,
        c.job_function as post,
        c.contact_id,
        c.buying_influence,
        c.influence_score
    from {{ ref('contacts') }} as c
    inner join {{ ref('int_personas__accounts') }} as m on m.account_id = c.account_id and m.is_customer
    inner join personas as p on p.account_id = c.account_id
    where
        c.job_function is not null
        and (c.first_touch_at is null or c.first_touch_at < {{ end_of_day("'" ~ var('as_of_date') ~ "'") }})
),

posts as (
    select
        persona,
        post,
        count(*) as people_count,
        count(buying_influence) as influence_n,
        count(case when buying_influence = 'economic' then 1 end) as economic_count,
        count(case when buying_influence = 'user' then 1 end) as user_count,
        count(case when buying_influence = 'technical' then 1 end) as technical_count,
        -- the order of a sum of doubles shall not show
        -- twice: of a half, the order of the sum would say whether it goes up or down
        round(round(avg(influence_score), 9), 6) as influence
    from people
    group by persona, post
),

usage_of as (
    select
        p.persona,
        u.job_function as post,
        count(*) as usage_n,
        {{ median_of('u.uses_per_week') }} as usage_depth
    from {{ ref('int_portraits__usage') }} as u
    inner join personas as p on p.account_id = u.account_id
    where u.job_function is not null
    group by p.persona, u.job_function
),

told as (
    select
        i.interview_id,
        c.job_function as post,
        b.kind
    from {{ ref('int_interviews__answers_checked') }} as i
    inner join {{ ref('contacts') }} as c on c.contact_id = i.contact_id
    left join {{ ref('benefit_terms') }} as b on b.answer_code = i.answer_code
    where i.problem is null and i.aspect = 'system_help' and c.job_function is not null
),

told_of as (
    select
        post,
        count(distinct interview_id) as told_n,
        count(distinct case when kind = 'efficiency' then interview_id end) as efficiency,
        count(distinct case when kind = 'cost' then interview_id end) as cost,
        count(distinct case when kind = 'experience' then interview_id end) as experience,
        count(distinct case when kind = 'burden' then interview_id end) as burden
    from told
    group by post
),

noted as (
    select
        post,
        {% for kind in ['efficiency', 'cost', 'experience', 'burden'] %}
            coalesce(sum(case when kind = '{{ kind }}' then points end), 0) as {{ kind }},
        {% endfor %}
        max(case when is_guess then 1 else 0 end) = 1 as is_guess
    from {{ ref('role_benefits') }}
    group by post
),

-- what enough people tell stands over what was noted, and that over nothing
weighed as (
    select
        p.*,
        coalesce(t.told_n, 0) as told_n,
        case
            when t.told_n >= {{ min_cell }} then 'interviews'
            when n.post is null then 'unknown'
            when n.is_guess then 'guess'
            else 'noted'
        end as gain_basis,
        {% for kind in ['efficiency', 'cost', 'experience', 'burden'] %}
            case
                when t.told_n >= {{ min_cell }} then cast(t.{{ kind }} as double) / t.told_n * {{ scale }}
                else n.{{ kind }}
            end as {{ kind }},
        {% endfor %}
        coalesce(u.usage_n, 0) as usage_n,
        case when u.usage_n >= {{ min_cell }} then u.usage_depth end as usage_depth
    from posts as p
    left join told_of as t on t.post = p.post
    left join noted as n on n.post = p.post
    left join usage_of as u on u.persona = p.persona and u.post = p.post
),

netted as (
    select
        *,
        efficiency + cost + experience as gain,
        efficiency + cost + experience - burden as net_gain,
        case when people_count >= {{ min_cell }} then influence end as known_influence,
        case
            when people_count < {{ min_cell }} or influence_n = 0 then null
            when economic_count >= user_count and economic_count >= technical_count then 'economic'
            when technical_count >= user_count then 'technical'
            else 'user'
        end as buying_influence
    from weighed
),

medians as (
    select
        persona,
        {{ median_of('known_influence') }} as median_influence,
        {{ median_of('usage_depth') }} as median_depth
    from netted
    group by persona
),

placed as (
    select
        n.*,
        -- who uses it most may stop it by not using it, whatever their rank
        case
            when n.known_influence is not null
                then
                    n.known_influence >= m.median_influence
                    or coalesce(n.buying_influence = 'user' and n.usage_depth >= m.median_depth, false)
        end as is_influential,
        case when n.net_gain < 0 then 'negative' when n.net_gain = 0 then 'none' when n.net_gain > 0 then 'positive' end
            as net_gain_band
    from netted as n
    inner join medians as m on m.persona = n.persona
)

select
    {{ dbt.hash("concat_ws('|', p.persona, p.post)") }} as ecosystem_post_id,
    '{{ var("as_of_date") }}' as version,
    p.persona,
    p.post,
    coalesce(f.name_zh, p.post) as post_zh,
    coalesce(f.name_en, p.post) as post_en,
    cast(p.people_count as bigint) as people_count,
    cast(round(p.efficiency, 6) as double) as efficiency_gain,
    cast(round(p.cost, 6) as double) as cost_gain,
    cast(round(p.experience, 6) as double) as experience_gain,
    cast(round(p.gain, 6) as double) as gain,
    cast(round(p.burden, 6) as double) as burden,
    cast(round(p.net_gain, 6) as double) as net_gain,
    p.gain_basis,
    p.gain_basis = 'guess' as is_guess,
    cast(p.told_n as bigint) as told_n,
    p.buying_influence,
    cast(p.influence_n as bigint) as influence_n,
    {% for influence in ['economic', 'user', 'technical'] %}
        cast(round(
            case
                when p.influence_n >= {{ min_cell }} then cast(p.{{ influence }}_count as double) / p.influence_n
            end, 6
        ) as double) as {{ influence }}_share,
    {% endfor %}
    cast(p.known_influence as double) as influence,
    cast(round(p.usage_depth, 6) as double) as usage_depth,
    cast(p.usage_n as bigint) as usage_n,
    p.is_influential,
    r.priority,
    r.reason_zh as priority_reason_zh,
    r.reason_en as priority_reason_en,
    case
        when p.people_count < {{ min_cell }} then 'too few people of this post'
        when p.net_gain is null then 'nobody has noted what the post gains'
        when p.gain_basis = 'guess' then 'gain and burden are guesses'
        when p.usage_n < {{ min_cell }} then 'too few users for the depth of use'
    end as reason
from placed as p
left join {{ ref('job_functions') }} as f on f.job_function = p.post
left join {{ ref('priority_rules') }} as r
    on r.is_influential = p.is_influential and r.net_gain_band = p.net_gain_band
