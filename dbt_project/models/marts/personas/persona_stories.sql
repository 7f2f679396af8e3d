{# stories beside the structure: every sentence is bound to one metric, and without it there is no sentence #}
{% set text = dbt.type_string() %}
{% set key = "concat_ws('|', s.story, cast(s.sentence_number as " ~ text ~ "))" %}
with bound as (
    select
        s.*,
        m.row_key,
        m.metric_column,
        m.metric_value,
        m.n,
        m.label_zh,
        m.label_en,
        m.is_thin,
        m.is_guess,
        case s.format
            when 'percent' then concat(cast(cast(round(m.metric_value * 100) as bigint) as {{ text }}), '%')
            when 'whole' then cast(cast(round(m.metric_value) as bigint) as {{ text }})
            else cast(cast(round(m.metric_value, 1) as decimal(18, 1)) as {{ text }})
        end as shown,
        cast(m.n as {{ text }}) as shown_n,
        row_number() over (partition by s.story, s.sentence_number order by m.row_key) as match_number
    from {{ ref('story_sentences') }} as s
    inner join {{ ref('int_portraits__story_metrics') }} as m
        on
            m.table_name = s.table_name
            and m.slot = s.slot
            and coalesce(m.scope, '') = coalesce(s.scope, '')
            and (s.value is null or m.value = s.value)
            and (s.place is null or m.place = s.place)
),

filled as (
    select
        b.*,
        n.name_zh,
        n.name_en,
        {{ story_sentence('b.text_zh', 'b.shown', 'b.shown_n', 'n.name_zh', "coalesce(b.label_zh, '')") }} as told_zh,
        {{ story_sentence('b.text_en', 'b.shown', 'b.shown_n', 'n.name_en', "coalesce(b.label_en, '')") }} as told_en
    from bound as b
    inner join {{ ref('story_names') }} as n on n.story = b.story
    where b.match_number = 1
)

select
    {{ dbt.hash(key) }} as persona_story_id,
    '{{ var("as_of_date") }}' as version,
    s.story,
    s.sentence_number,
    concat(s.told_zh, case when s.is_guess then '（这是猜测。）' when s.is_thin then '（样本单薄。）' else '' end) as text_zh,
    concat(s.told_en, case when s.is_guess then ' (A guess.)' when s.is_thin then ' (Thin.)' else '' end) as text_en,
    s.table_name,
    s.row_key,
    s.metric_column,
    s.metric_value,
    s.shown as value_shown,
    s.n,
    s.label_zh,
    s.label_en,
    s.text_zh like '%{name}%' or s.text_en like '%{name}%' as has_fictional_name,
    s.is_thin,
    s.is_guess
from filled as s
