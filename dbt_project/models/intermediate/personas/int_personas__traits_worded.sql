{# traits with words in both languages. In the seed value_words the attribute * stands for any, and the value * for the
   attribute itself; a value without words is named as it is #}
select
    t.*,
    coalesce(r.name_zh, a.words_zh, t.attribute) as attribute_name_zh,
    coalesce(a.words_en, replace(t.attribute, '_', ' ')) as attribute_name_en,
    case
        when t.value is not null
            then
                coalesce(
                    w.words_zh,
                    i.name_zh,
                    concat(
                        coalesce(r.name_zh, a.words_zh, t.attribute), '：', coalesce(t.band_zh, e.words_zh, t.value)
                    )
                )
    end as value_words_zh,
    case
        when t.value is not null
            then
                coalesce(
                    w.words_en,
                    i.name_en,
                    concat(
                        coalesce(a.words_en, replace(t.attribute, '_', ' ')),
                        ': ',
                        coalesce(t.band_en, e.words_en, t.value)
                    )
                )
    end as value_words_en
from {{ ref('int_personas__traits_tested') }} as t
left join {{ ref('attribute_rules') }} as r on r.attribute = t.attribute
left join {{ ref('value_words') }} as a on a.attribute = t.attribute and a.value = '*'
left join {{ ref('value_words') }} as w on w.attribute = t.attribute and w.value = t.value
left join {{ ref('value_words') }} as e on e.attribute = '*' and e.value = t.value
left join {{ ref('industries') }} as i on t.attribute = 'industry' and i.code = t.value
