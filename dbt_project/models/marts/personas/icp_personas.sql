{# a card for all customers, for the best of them, and for each persona; words are bound to their numbers #}
{% set z = 1.959964 %}
{% set min_cell = persona_threshold('min_cell_customers') %}
{% set facets = [
    'goal', 'decision_leader', 'final_decider', 'purchase_reason', 'lost_reason', 'prior_solution', 'industry_section',
    'province', 'employee_trend', 'growth_stage'
] %}
{% set measures = ['stakeholder_count', 'meeting_count', 'presales_hours', 'cycle_days', 'amount_cny'] %}
with segments as (
    select * from {{ ref('int_personas__segments') }}
),

members as (
    select * from {{ ref('int_personas__memberships') }}
),

-- why there are no personas, where there are none
market as (
    select
        max(class_count) as class_count,
        max(coalesce(persona_number, 0)) as persona_count,
        max(reason) as reason
    from members
),

stable as (
    select
        {{ persona_id_of('persona_number') }} as persona_id,
        max(persona_number) as persona_number,
        max(persona_stability) as stability
    from members
    where persona_number > 0
    group by persona_number
),

listed as (
    select
        'customers' as persona_id,
        'all customers' as kind
    union all
    select
        'best' as persona_id,
        'best customers' as kind
    union all
    select
        persona_id,
        'persona' as kind
    from stable
),

counted as (
    select
        s.persona_id,
        count(*) as account_count,
        sum(case when s.is_customer then 1 else 0 end) as customer_count
    from segments as s
    group by s.persona_id
),

every as (
    select count(*) as customer_count
    from {{ ref('int_personas__accounts') }}
    where is_customer
),

sizes as (
    select
        s.persona_id,
        count(f.value_number) as employee_n,
        {{ quantile_of('f.value_number', 0.25) }} as employee_p25,
        {{ median_of('f.value_number') }} as employee_median,
        {{ quantile_of('f.value_number', 0.75) }} as employee_p75
    from segments as s
    inner join {{ ref('int_personas__facts') }} as f on f.account_id = s.account_id
    where s.is_customer and f.attribute = 'employee_count'
    group by s.persona_id
),

won as (
    select
        s.persona_id,
        d.*,
        rank() over (partition by s.persona_id order by d.stakeholder_count)
        + (count(*) over (partition by s.persona_id, d.stakeholder_count) - 1) / 2e0 as stakeholder_place,
        rank() over (partition by s.persona_id order by d.amount_cny)
        + (count(*) over (partition by s.persona_id, d.amount_cny) - 1) / 2e0 as amount_place
    from segments as s
    inner join {{ ref('int_personas__deals') }} as d on d.account_id = s.account_id
    where s.is_customer and d.deal_state = 'won'
),

purchases as (
    select
        persona_id,
        count(*) as won_deal_n,
        {% for measure in measures %}
            count({{ measure }}) as {{ measure }}_n,
            {{ median_of(measure) }} as {{ measure }},
        {% endfor %}
        count(case when stakeholder_count is not null and amount_cny is not null then 1 end) as complexity_n
    from won
    group by persona_id
),

-- C. Spearman (1904): the correlation of places, ties at their mean
complexities as (
    select
        persona_id,
        corr(stakeholder_place, amount_place) as correlation
    from won
    where stakeholder_count is not null and amount_cny is not null
    group by persona_id
),

supported as (
    select
        s.persona_id,
        count(v.ticket_count) as ticket_n,
        {{ median_of('v.ticket_count') }} as ticket_count
    from segments as s
    inner join {{ ref('int_accounts__value') }} as v on v.account_id = s.account_id
    where s.is_customer
    group by s.persona_id
),

shares as (
    select
        s.*,
        coalesce(w.words_zh, i.name_zh, s.value) as words_zh,
        coalesce(w.words_en, i.name_en, s.value) as words_en
    from {{ ref('icp_persona_shares') }} as s
    left join {{ ref('value_words') }} as w on w.attribute = s.facet and w.value = s.value
    left join {{ ref('industries') }} as i on s.facet = 'industry_section' and i.code = s.value
    where s.place = 1
),

tops as (
    select
        persona_id,
    {% for facet in facets %}
        max(case when facet = '{{ facet }}' and share is not null then value end) as {{ facet }},
        max(case when facet = '{{ facet }}' then share end) as {{ facet }}_share,
        max(case when facet = '{{ facet }}' then n end) as {{ facet }}_n,
        max(case when facet = '{{ facet }}' and share is not null then words_zh end) as {{ facet }}_zh,
        max(case when facet = '{{ facet }}' and share is not null then words_en end)
            as {{ facet }}_en{{ ',' if not loop.last }}
    {% endfor %}
    from shares
    group by persona_id
),

-- of each attribute the value that sets it apart most
apart as (
    select
        *,
        row_number() over (partition by persona_id order by p_adjusted asc, difference desc, attribute asc) as turn
    from (
        select
            t.*,
            row_number() over (
                partition by t.persona_id, t.attribute order by t.p_adjusted asc, t.difference desc, t.value asc
            ) as place
        from {{ ref('icp_traits') }} as t
        where t.tested_as = 'value' and t.is_distinguishing and t.difference > 0
    ) as firsts
    where place = 1
),

told as (
    select
        persona_id,
        count(*) as distinguishing_count,
        {{ dbt.listagg('case when turn <= 3 then value_words_zh end', "'、'", 'order by turn') }} as name_zh,
        {{ dbt.listagg('case when turn <= 3 then value_words_en end', "', '", 'order by turn') }} as name_en,
        {{ dbt.listagg(
            "concat(value_words_zh, '（', " ~ whole_text('100 * share_best') ~ ", '%对',
            " ~ whole_text('100 * share_rest') ~ ", '%，n=',
            " ~ whole_text('best_n') ~ ", '）')", "'、'", 'order by turn'
        ) }} as apart_zh,
        {{ dbt.listagg(
            "concat(value_words_en, ' (', " ~ whole_text('100 * share_best') ~ ", ' % against ',
            " ~ whole_text('100 * share_rest') ~ ", ' %, n=',
            " ~ whole_text('best_n') ~ ", ')')", "', '", 'order by turn'
        ) }} as apart_en
    from apart
    group by persona_id
),

unsaid as (
    select
        persona_id,
        max(reason) as reason
    from {{ ref('icp_traits') }}
    where tested_as = 'nothing'
    group by persona_id
),

joined as (
    select
        l.persona_id,
        l.kind,
        s.persona_number,
        coalesce(c.account_count, 0) as account_count,
        cast(coalesce(c.customer_count, 0) as bigint) as customer_count,
        e.customer_count as market_customer_count,
        coalesce(c.customer_count, 0) >= {{ min_cell }} as is_enough,
        s.stability,
        m.class_count,
        coalesce(c.customer_count, 0) < {{ persona_threshold('persona_thin') }} as is_thin,
        t.name_zh as traits_zh,
        t.name_en as traits_en,
        coalesce(t.distinguishing_count, 0) as distinguishing_count,
        t.apart_zh,
        t.apart_en,
        z.employee_n,
        z.employee_p25,
        z.employee_median,
        z.employee_p75,
        p.won_deal_n,
        {% for measure in measures %}
            p.{{ measure }}_n,
            p.{{ measure }},
        {% endfor %}
        p.complexity_n,
        x.correlation,
        k.ticket_n,
        k.ticket_count,
        {% for facet in facets %}
            o.{{ facet }},
            o.{{ facet }}_share,
            o.{{ facet }}_n,
            o.{{ facet }}_zh,
            o.{{ facet }}_en,
        {% endfor %}
        u.reason as traits_reason,
        case
            when l.kind <> 'all customers' then null
            when m.class_count is null and m.reason is null then 'no personas: the market has no accounts'
            when m.persona_count = 0
                then
                    concat(
                        'no personas: ',
                        coalesce(
                            m.reason,
                            case when m.class_count = 1 then 'all accounts are alike, they form one group' end,
                            'no group of accounts buys more often than the market'
                        )
                    )
        end as market_reason
    from listed as l
    cross join every as e
    cross join market as m
    left join counted as c on c.persona_id = l.persona_id
    left join stable as s on s.persona_id = l.persona_id
    left join told as t on t.persona_id = l.persona_id
    left join sizes as z on z.persona_id = l.persona_id
    left join purchases as p on p.persona_id = l.persona_id
    left join complexities as x on x.persona_id = l.persona_id
    left join supported as k on k.persona_id = l.persona_id
    left join tops as o on o.persona_id = l.persona_id
    left join unsaid as u on u.persona_id = l.persona_id
),

named as (
    select
        *,
        case
            when kind = 'all customers' then '全部客户'
            when kind = 'best customers' then '最好的客户'
            when traits_zh is not null then concat(traits_zh, '的企业')
            else concat('画像', cast(persona_number as {{ dbt.type_string() }}), '（没有显著特征）')
        end as plain_zh,
        case
            when kind = 'all customers' then 'All customers'
            when kind = 'best customers' then 'The best customers'
            when traits_en is not null then concat(upper(substring(traits_en, 1, 1)), substring(traits_en, 2))
            else concat('Persona ', cast(persona_number as {{ dbt.type_string() }}), ' (nothing sets it apart)')
        end as plain_en
    from joined
)

select
    persona_id,
    cast('{{ var("as_of_date") }}' as date) as version,
    kind,
    persona_number,
    -- two personas of the same traits keep apart by their number
    case
        when count(*) over (partition by plain_zh) > 1 then concat(plain_zh, ' ', persona_id) else plain_zh
    end as name_zh,
    case
        when count(*) over (partition by plain_en) > 1 then concat(plain_en, ' ', persona_id) else plain_en
    end as name_en,
    account_count,
    customer_count,
    case
        when
            kind = 'persona' and account_count >= {{ min_cell }}
            then round(cast(customer_count as double) / account_count, 6)
    end as customer_rate,
    case
        when kind = 'persona' and account_count >= {{ min_cell }}
            then round({{ wilson_bound('customer_count', 'account_count', z, 'lower') }}, 6)
    end as customer_rate_low,
    case
        when kind = 'persona' and account_count >= {{ min_cell }}
            then round({{ wilson_bound('customer_count', 'account_count', z, 'upper') }}, 6)
    end as customer_rate_high,
    round(cast(customer_count as double) / nullif(market_customer_count, 0), 6) as coverage,
    round(stability, 4) as stability,
    class_count,
    is_thin,
    distinguishing_count,
    coalesce(employee_n, 0) as employee_n,
    case when employee_n >= {{ min_cell }} then round(employee_p25, 2) end as employee_p25,
    case when employee_n >= {{ min_cell }} then round(employee_median, 2) end as employee_median,
    case when employee_n >= {{ min_cell }} then round(employee_p75, 2) end as employee_p75,
    coalesce(won_deal_n, 0) as won_deal_n,
    {% for measure in measures %}
        coalesce({{ measure }}_n, 0) as {{ measure }}_n,
        cast(case when {{ measure }}_n >= {{ min_cell }} then round({{ measure }}, 2) end as double) as {{ measure }},
    {% endfor %}
    coalesce(complexity_n, 0) as complexity_n,
    case when complexity_n >= 2 * {{ min_cell }} then round(correlation, 4) end as complexity_correlation,
    coalesce(ticket_n, 0) as ticket_n,
    cast(case when ticket_n >= {{ min_cell }} then ticket_count end as double) as ticket_count,
    {% for facet in facets %}
        {{ facet }},
        {{ facet }}_share,
        coalesce({{ facet }}_n, 0) as {{ facet }}_n,
    {% endfor %}
    case
        when is_enough
            then
                concat_ws(
                    ' ',
                    case
                        when employee_n >= {{ min_cell }}
                            then concat(
                                'Half have ',
                                {{ whole_text('employee_p25') }},
                                ' to ',
                                {{ whole_text('employee_p75') }},
                                ' employees, the middle one ',
                                {{ whole_text('employee_median') }},
                                ' (n=',
                                {{ whole_text('employee_n') }},
                                ').'
                            )
                    end,
                    {% for facet, words in [
                        ('province', 'Seat: '), ('industry_section', 'Industry: '), ('employee_trend', 'Most often '),
                        ('growth_stage', 'Most often '), ('goal', 'Most often '), ('decision_leader', 'Most often '),
                        ('prior_solution', 'Most often ')
                    ] %}
                        case
                            when {{ facet }}_share is not null
                                then concat(
                                    '{{ words }}',
                                    {{ facet }}_en,
                                    ' ',
                                    {{ whole_text('100 * ' ~ facet ~ '_share') }},
                                    ' % (n=',
                                    {{ whole_text(facet ~ '_n') }}, ').'
                                )
                        end,
                    {% endfor %}
                    case when apart_en is not null then concat('Apart from others: ', apart_en, '.') end
                )
    end as description_en,
    case
        when is_enough
            then
                concat_ws(
                    '',
                    case
                        when employee_n >= {{ min_cell }}
                            then concat(
                                '半数企业有',
                                {{ whole_text('employee_p25') }},
                                '至',
                                {{ whole_text('employee_p75') }},
                                '名员工，中位数',
                                {{ whole_text('employee_median') }}, '（n=', {{ whole_text('employee_n') }}, '）。'
                            )
                    end,
                    {% for facet, words in [
                        ('province', '总部：'), ('industry_section', '行业：'), ('employee_trend', '多为'),
                        ('growth_stage', '多为'), ('goal', '多为'), ('decision_leader', '多为'),
                        ('prior_solution', '多为')
                    ] %}
                        case
                            when {{ facet }}_share is not null
                                then concat(
                                    '{{ words }}',
                                    {{ facet }}_zh,
                                    {{ whole_text('100 * ' ~ facet ~ '_share') }},
                                    '%（n=',
                                    {{ whole_text(facet ~ '_n') }}, '）。'
                                )
                        end,
                    {% endfor %}
                    case when apart_zh is not null then concat('与其他企业不同：', apart_zh, '。') end
                )
    end as description_zh,
    nullif(
        concat_ws(
            '; ',
            case
                when not is_enough
                    then concat(
                        'cannot be known: ', {{ whole_text('customer_count') }}, ' customers; ',
                        {{ whole_text(min_cell) }}, ' are needed'
                    )
            end,
            market_reason,
            traits_reason,
            case
                when kind <> 'all customers' and traits_reason is null and is_enough and distinguishing_count = 0
                    then 'nothing distinguishes them beyond chance'
            end
        ),
        ''
    ) as reason
from named
