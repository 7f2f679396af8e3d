{# what distinguishes the best customers, and each persona's, from all others; an attribute without a value is the
   attribute as a whole, and a row without an attribute says why nothing can be known #}
with tested as (
    select
        *,
        case when persona_number = 0 then 'best' else {{ persona_id_of('persona_number') }} end as persona_id
    from {{ ref('int_personas__traits_worded') }}
)

select
    {{ dbt.hash("concat_ws('|', t.persona_id, coalesce(t.attribute, ''), coalesce(t.value, ''))") }} as icp_trait_id,
    t.persona_id,
    t.attribute,
    case when t.attribute is not null then t.attribute_name_zh end as attribute_name_zh,
    case when t.attribute is not null then t.attribute_name_en end as attribute_name_en,
    t.value,
    t.value_words_zh,
    t.value_words_en,
    case
        when t.attribute is null then 'nothing'
        when t.value is null then 'attribute'
        else 'value'
    end as tested_as,
    t.best as best_k,
    t.best_n,
    t.rest as rest_k,
    t.rest_n,
    t.share_best,
    t.share_rest,
    t.lift,
    t.log_odds,
    t.log_odds_low,
    t.log_odds_high,
    t.difference,
    t.difference_low,
    t.difference_high,
    t.p,
    t.p_adjusted,
    t.is_distinguishing,
    t.coverage,
    t.reason
from tested as t
