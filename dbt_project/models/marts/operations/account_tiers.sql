{# S, A, B from review to review: an account enters within enter_share and leaves behind keep_share, so the last rank
   outside of the space between decides; what people decide stands above it from its day to its end #}
{% set night = "cast('" ~ var("as_of_date") ~ "' as date)" %}
with scores as (
    select
        account_id,
        review_date,
        sum(points) as score
    from {{ ref('int_accounts__score_factors') }}
    group by account_id, review_date
),

ranked as (
    select
        s.account_id,
        s.review_date,
        s.score,
        v.customer_since,
        count(*) over (partition by s.review_date) as customer_count,
        cast(rank() over (partition by s.review_date order by s.score desc) as double)
        / count(*) over (partition by s.review_date) as rank_share,
        v.is_month_end,
        min(s.review_date) over (partition by s.account_id) as first_review
    from scores as s
    inner join {{ ref('int_accounts__value_as_of') }} as v
        on v.account_id = s.account_id and v.review_date = s.review_date
),

-- tiers are decided at the ends of months; who bought since then is judged tonight
reviews as (
    select * from ranked
    where is_month_end or review_date = first_review
),

signals as (
    select
        r.*,
        case
            when r.rank_share <= s.enter_share then true
            when r.rank_share > s.keep_share then false
        end as is_s,
        case
            when r.rank_share <= a.enter_share then true
            when r.rank_share > a.keep_share then false
        end as is_a
    from reviews as r
    inner join {{ ref('tier_rules') }} as s on s.tier = 'S'
    inner join {{ ref('tier_rules') }} as a on a.tier = 'A'
),

computed as (
    select
        account_id,
        review_date,
        score,
        rank_share,
        customer_count,
        -- the first tier reaches back to the purchase
        case when review_date = first_review then coalesce(customer_since, review_date) else review_date end as since,
        case
            when coalesce(is_s, {{ filled_before('is_s', 'account_id', 'review_date') }}, false) then 'S'
            when coalesce(is_a, {{ filled_before('is_a', 'account_id', 'review_date') }}, false) then 'A'
            else 'B'
        end as tier
    from signals
),

named as (
    {{ accounts_named_in('account_tier_overrides') }}
),

followed as (
    select
        account_id,
        tier,
        reason,
        author,
        decided_on,
        coalesce(valid_until, cast('9999-12-30' as date)) as valid_until,
        coalesce(
            lead(decided_on) over (partition by account_id order by decided_on asc, tier asc),
            cast('9999-12-31' as date)
        ) as next_decided_on
    from named
    where account_id is not null and decided_on <= {{ night }}
),

-- the next decision ends the one before
decisions as (
    select
        account_id,
        tier,
        reason,
        author,
        decided_on,
        least(valid_until, cast({{ dbt.dateadd('day', -1, 'next_decided_on') }} as date)) as valid_until
    from followed
),

points as (
    select
        account_id,
        since
    from computed
    union
    select
        account_id,
        decided_on as since
    from decisions
    union
    select
        account_id,
        cast({{ dbt.dateadd('day', 1, 'valid_until') }} as date) as since
    from decisions
    where valid_until < {{ night }}
),

filled as (
    select
        p.account_id,
        p.since,
        coalesce(c.tier, {{ filled_before('c.tier', 'p.account_id', 'p.since') }}) as computed_tier,
        coalesce(c.score, {{ filled_before('c.score', 'p.account_id', 'p.since') }}) as score,
        coalesce(c.rank_share, {{ filled_before('c.rank_share', 'p.account_id', 'p.since') }}) as rank_share,
        coalesce(c.customer_count, {{ filled_before('c.customer_count', 'p.account_id', 'p.since') }})
            as customer_count
    from points as p
    left join computed as c on c.account_id = p.account_id and c.since = p.since
),

decided as (
    select
        f.*,
        coalesce(d.tier, f.computed_tier) as tier,
        d.tier is not null as is_override,
        d.reason as override_reason,
        d.author as override_author
    from filled as f
    left join decisions as d on d.account_id = f.account_id and f.since between d.decided_on and d.valid_until
),

changes as (
    select
        *,
        lag(concat(tier, '|', coalesce(override_reason, ''), '|', coalesce(override_author, ''))) over (
            partition by account_id order by since
        ) as state_before
    from decided
    where tier is not null
),

periods as (
    select
        account_id,
        since as valid_from,
        lead(since) over (partition by account_id order by since) as valid_to,
        tier,
        computed_tier,
        score,
        rank_share,
        customer_count,
        is_override,
        override_reason,
        override_author
    from changes
    where
        state_before is null
        or state_before <> concat(tier, '|', coalesce(override_reason, ''), '|', coalesce(override_author, ''))
)

select
    {{ dbt.hash("concat(account_id, '|', cast(valid_from as " ~ dbt.type_string() ~ "))") }} as account_tier_id,
    account_id,
    tier,
    valid_from,
    valid_to,
    valid_to is null as is_current,
    computed_tier,
    score,
    rank_share,
    customer_count,
    is_override,
    override_reason,
    override_author
from periods
