{# tonight's score of every customer, factor by factor #}
select
    {{ dbt.hash("concat(s.account_id, '|', s.factor)") }} as account_score_ledger_id,
    s.account_id,
    s.factor,
    f.name_zh as factor_name_zh,
    s.direction,
    s.raw,
    s.is_known,
    s.known_count,
    s.normalised,
    s.weight_share,
    s.points,
    f.reason
from {{ ref('int_accounts__score_factors') }} as s
inner join {{ ref('score_factors') }} as f on f.factor = s.factor
where s.review_date = cast('{{ var("as_of_date") }}' as date)
