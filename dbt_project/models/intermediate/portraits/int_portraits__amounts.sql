{# numbers of deals by the roles that took part: how many people, meetings and hours, which discount #}
with roles_on_deals as (
    select distinct
        deal_id,
        decision_role
    from {{ ref('int_portraits__deal_people') }}
    where decision_role is not null
),

deals as (
    select
        r.decision_role,
        d.*
    from {{ ref('int_portraits__deals') }} as d
    left join roles_on_deals as r on r.deal_id = d.deal_id
    where d.deal_state in ('won', 'lost')
)

{% for aspect, amount, unit in [
    ('stakeholders', 'people_count', 'people'), ('co_stakeholders', 'people_count - 1', 'people'),
    ('meetings', 'meeting_count', 'meetings'), ('presales_hours', 'presales_hours', 'hours'),
    ('discount', 'discount_pct', 'per cent')
] %}
    select
        deal_id as subject_id,
        account_id,
        decision_role,
        '{{ aspect }}' as aspect,
        '{{ unit }}' as unit,
        cast({{ amount }} as double) as amount
    from deals
    where {{ amount }} is not null
    {{ 'union all' if not loop.last }}
{% endfor %}
