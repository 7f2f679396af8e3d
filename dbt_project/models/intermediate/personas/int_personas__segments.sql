{# the groups of accounts that a card describes: all customers, the best of them, and each persona #}
select
    'customers' as persona_id,
    account_id,
    is_customer
from {{ ref('int_personas__accounts') }}
where is_customer
union all
select
    'best' as persona_id,
    account_id,
    is_customer
from {{ ref('int_personas__accounts') }}
where is_best_customer
union all
select
    {{ persona_id_of('m.persona_number') }} as persona_id,
    m.account_id,
    a.is_customer
from {{ ref('int_personas__memberships') }} as m
inner join {{ ref('int_personas__accounts') }} as a on a.account_id = m.account_id
where m.persona_number > 0
