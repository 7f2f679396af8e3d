-- a tier or a pick that people gave to somebody whom no record names, or whom several accounts are called
{{ config(tags=['marts'], severity='warn') }}

{% for seed in ['account_tier_overrides', 'best_customer_picks'] %}
    select
        '{{ seed }}' as seed,
        company_id,
        company_name,
        domain
    from ({{ accounts_named_in(seed) }}) as named
    where account_id is null
    {{ 'union all' if not loop.last }}
{% endfor %}
