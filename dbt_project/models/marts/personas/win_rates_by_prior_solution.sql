{# how often first purchases are won, by what was used before #}
{% set z = 1.959964 %}
with decided as (
    select
        coalesce(prior_solution, 'unknown') as prior_solution,
        prior_product,
        deal_state = 'won' as is_won
    from {{ ref('int_personas__deals') }}
    where is_first_purchase and deal_state in ('won', 'lost')
),

groups as (
    select
        'all' as level,
        'all' as prior_solution,
        'all' as product,
        is_won
    from decided
    union all
    select
        'prior solution' as level,
        prior_solution,
        'all' as product,
        is_won
    from decided
    union all
    select
        'product' as level,
        prior_solution,
        prior_product as product,
        is_won
    from decided
    where prior_product is not null
),

counted as (
    select
        level,
        prior_solution,
        product,
        count(*) as n,
        sum(case when is_won then 1 else 0 end) as wins
    from groups
    group by level, prior_solution, product
),

-- the four kinds are shown also when no deal had them
kinds as (
    select distinct
        'prior solution' as level,
        value as prior_solution,
        'all' as product
    from {{ ref('attribute_terms') }}
    where attribute = 'prior_solution'
    union all
    select
        'all' as level,
        'all' as prior_solution,
        'all' as product
),

listed as (
    select
        level,
        prior_solution,
        product
    from kinds
    union
    select
        level,
        prior_solution,
        product
    from counted
),

compared as (
    select
        l.level,
        l.prior_solution,
        l.product,
        coalesce(c.n, 0) as n,
        cast(coalesce(c.wins, 0) as bigint) as wins,
        coalesce(a.n - c.n, 0) as other_n,
        coalesce(a.wins - c.wins, 0) as other_wins,
        coalesce(c.n, 0) >= {{ persona_threshold('min_cell_customers') }} as is_enough
    from listed as l
    left join counted as c on c.level = l.level and c.prior_solution = l.prior_solution and c.product = l.product
    left join counted as a on a.level = 'all'
),

scored as (
    select
        *,
        -- two proportions with a common rate; what is not known is compared with nothing
        case
            when
                level = 'prior solution' and prior_solution <> 'unknown' and is_enough
                and other_n >= {{ persona_threshold('min_cell_customers') }}
                and wins + other_wins > 0 and wins + other_wins < n + other_n
                then
                    (cast(wins as double) / n - cast(other_wins as double) / other_n)
                    / sqrt(
                        (cast(wins + other_wins as double) / (n + other_n))
                        * (1 - cast(wins + other_wins as double) / (n + other_n))
                        * (1e0 / n + 1e0 / other_n)
                    )
        end as z_score
    from compared
),

tested as (
    select
        *,
        {{ normal_tails('z_score') }} as p
    from scored
),

ranked as (
    select
        *,
        case
            when p is not null
                then
                    p * count(p) over () / row_number() over (
                        partition by case when p is null then 0 else 1 end order by p asc, prior_solution asc
                    )
        end as p_times
    from tested
),

-- Benjamini and Hochberg: the least of what stands here and above
adjusted as (
    select
        *,
        case
            when p is not null
                then
                    least(
                        1.0,
                        min(p_times) over (
                            order by p desc nulls first, prior_solution desc
                            rows between unbounded preceding and current row
                        )
                    )
        end as p_adjusted
    from ranked
)

select
    {{ dbt.hash("concat_ws('|', level, prior_solution, product)") }} as win_rate_id,
    level,
    prior_solution,
    product,
    n,
    wins,
    case when is_enough then round(cast(wins as double) / n, 6) end as win_rate,
    case when is_enough then round({{ wilson_bound('wins', 'n', z, 'lower') }}, 6) end as win_rate_low,
    case when is_enough then round({{ wilson_bound('wins', 'n', z, 'upper') }}, 6) end as win_rate_high,
    other_n,
    case
        when z_score is not null then round(cast(wins as double) / n - cast(other_wins as double) / other_n, 6)
    end as difference,
    round(p, 6) as p,
    round(p_adjusted, 6) as p_adjusted,
    coalesce(p_adjusted <= {{ persona_threshold('trait_fdr') }}, false) as is_different,
    case
        when n = 0 then 'no decided first purchase had it'
        when not is_enough then 'fewer decided deals than min_cell_customers'
        when prior_solution = 'unknown' then 'neither the deal nor the account tells what was used before'
    end as reason
from adjusted
