{# rows of a seed with the account that they name: by the CRM's id, else by a name, else by a domain #}
{% macro accounts_named_in(seed) -%}
    select
        s.*,
        coalesce(i.account_id, n.account_id, d.account_id) as account_id
    from {{ ref(seed) }} as s
    left join {{ ref('int_accounts__named') }} as i on i.named_by = 'company_id' and i.name = s.company_id
    left join {{ ref('int_accounts__named') }} as n on n.named_by = 'company_name' and n.name = lower(trim(s.company_name))
    left join {{ ref('int_accounts__named') }} as d on d.named_by = 'domain' and d.name = lower(trim(s.domain))
{%- endmacro %}
