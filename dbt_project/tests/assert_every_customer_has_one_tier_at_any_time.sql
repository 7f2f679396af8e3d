-- the periods of an account follow each other without gap or overlap, and one of them is the present one
{{ config(tags=['marts']) }}

with periods as (
    select
        account_id,
        valid_from,
        valid_to,
        lead(valid_from) over (partition by account_id order by valid_from) as next_from
    from {{ ref('account_tiers') }}
)

select
    account_id,
    valid_from,
    valid_to,
    next_from
from periods
where valid_to is distinct from next_from or valid_to <= valid_from
