{# WeChat counts from the day of publishing on: what a day added is the difference to the last day that is known #}
{%- set measures = [
    'read_user', 'share_user', 'zaikan_user', 'like_user', 'comment_count', 'collection_user', 'praise_money',
    'read_subscribe_user',
] %}
with cumulative as (
    select
        msgid,
        published_on,
        stat_date,
        title,
        url,
        publish_type,
        is_delay,
        lag(stat_date) over (partition by msgid order by stat_date) as stat_date_before,
    {% for measure in measures %}
        {{ measure }},
        {{ filled_before(measure, 'msgid', 'stat_date') }} as {{ measure }}_before{{ ',' if not loop.last }}
    {% endfor %}
    from {{ ref('stg_wechat__article_stats') }}
),

differences as (
    select
        msgid,
        published_on,
        stat_date,
        title,
        url,
        publish_type,
        -- the first row covers all days since publishing, a row after a gap the days of the gap
        {{ days_between('coalesce(stat_date_before, published_on)', 'stat_date') }}
        + case when stat_date_before is null then 1 else 0 end as days_covered,
        {% for measure in measures %}
            {{ measure }} - coalesce({{ measure }}_before, 0) as {{ measure }},
        {% endfor %}
        is_delay
    from cumulative
)

select
    msgid,
    published_on,
    stat_date,
    title,
    url,
    publish_type,
    days_covered,
    {% for measure in measures %}
        {{ measure }},
    {% endfor %}
    -- likes are taken back, deleted comments vanish, WeChat corrects: the sum stays what WeChat says
    (
        {% for measure in measures %}
            coalesce({{ measure }}, 0) < 0{{ ' or' if not loop.last }}
        {% endfor %}
    ) as is_correction,
    is_delay
from differences
