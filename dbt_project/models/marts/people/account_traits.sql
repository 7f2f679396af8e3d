{# what kind of company an account is, trait by trait; a trait of which nothing is known has no row, and
   account_coverage says how many have none #}
select
    a.account_id,
    a.attribute as trait,
    a.value,
    concat_ws(
        ', ',
        coalesce(a.evidence, concat('said by ', a.source)),
        case when a.as_of is not null then concat('as of ', cast(a.as_of as {{ dbt.type_string() }})) end,
        case
            when a.agreeing_sources > 1
                then concat('agreed by ', cast(a.agreeing_sources as {{ dbt.type_string() }}), ' sources')
        end
    ) as evidence,
    a.source_type,
    a.source,
    a.as_of,
    a.agreement as confidence,
    a.is_inferred
from {{ ref('account_attributes') }} as a
inner join {{ ref('attribute_rules') }} as r on r.attribute = a.attribute
where r.is_trait and a.is_selected
