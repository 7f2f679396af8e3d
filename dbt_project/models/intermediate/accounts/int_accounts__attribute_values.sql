{# what was recorded of accounts, read: numbers, codes and places by the dictionaries; how far each source is believed;
   how many agree with it; and which wins.

   `broad` is what two values must share to agree at all (the section of an industry, the province of a place), `middle`
   what they share when they agree closely (the division, the city); of everything else both are the value #}
with recorded as (
    select
        r.*,
        coalesce(a.kind, 'text') as kind,
        coalesce(a.prefer, 'agreement') as prefer,
        a.max_age_days,
        coalesce(a.tolerance, 0) as tolerance,
        coalesce(a.is_sensitive, false) as is_sensitive,
        a.attribute is not null as is_mapped
    from {{ ref('int_accounts__recorded_values') }} as r
    left join {{ ref('attribute_rules') }} as a on a.attribute = r.attribute
),

numbered as (
    select
        r.*,
        coalesce(
            r.raw_number,
            cast(case when r.kind = 'year' then coalesce(q.year, q.number) else q.number end as decimal(38, 6))
        ) as own_number,
        -- a column of the CRM without a currency may be in any; what others write without one is in CNY
        case
            when r.kind = 'money' and r.raw_number is not null then r.currency
            when r.kind = 'money' then coalesce(q.currency, 'CNY')
        end as own_currency,
        case when r.raw_number is null and not q.is_exact then {{ account_threshold('inexact_factor') }} else 1 end
            as number_factor
    from recorded as r
    left join {{ source('identity', 'quantities') }} as q
        -- a condition on the left side alone would make the engine compare every row with every other
        on q.raw = case when r.kind in ('number', 'money', 'year') then r.raw_value end
),

in_words as (
    select
        r.*,
        -- money in a currency without a rate cannot be compared, and is left out
        case when r.kind = 'money' then r.own_number * x.rate_to_cny else r.own_number end as number_value,
        t.value as term_value,
        case when r.source_type = 'name' then w.industry_code else i.industry_code end as industry_code,
        case when r.source_type = 'name' then w.confidence else i.confidence end as industry_confidence,
        p.province_code,
        p.city_code,
        p.district_code,
        p.confidence as place_confidence
    from numbered as r
    left join {{ ref('exchange_rates') }} as x on x.currency = r.own_currency
    left join {{ ref('attribute_terms') }} as t
        on
            t.term = lower(trim(r.raw_value))
            and t.attribute = case when r.kind in ('flag', 'tool') then 'flag' else r.attribute end
    left join {{ source('identity', 'industries') }} as i
        on i.raw = case when r.kind = 'industry' and r.source_type <> 'name' then r.raw_value end
    left join {{ source('identity', 'trades') }} as w
        on w.raw = case when r.kind = 'industry' and r.source_type = 'name' then r.raw_value end
    left join {{ source('identity', 'locations') }} as p on p.raw = case when r.kind = 'location' then r.raw_value end
),

valued as (
    select
        w.*,
        case
            when
                w.kind in ('number', 'money', 'year')
                then cast(cast(round(w.number_value) as bigint) as {{ dbt.type_string() }})
            when w.kind in ('code', 'flag') then w.term_value
            -- a tool by its name; 无 is none, and 是 one that is not named
            when w.kind = 'tool'
                then
                    case w.term_value when 'no' then 'none' when 'yes' then 'some' else lower(trim(w.raw_value)) end
            when w.kind = 'grade' and trim(w.raw_value) in ('0', '1', '2', '3', '4') then trim(w.raw_value)
            when w.kind = 'industry' then w.industry_code
            when w.kind = 'location' then coalesce(w.district_code, w.city_code, w.province_code)
            when w.kind = 'name' then trim(w.raw_value)
            when w.kind = 'text' and w.attribute in ('short_name', 'country') then trim(w.raw_value)
            when w.kind = 'text' then lower(trim(w.raw_value))
        end as value,
        case
            when w.kind = 'industry' then substring(w.industry_code, 1, 1)
            when w.kind = 'location' then w.province_code
        end as broad_of_kind,
        case
            when w.kind = 'industry' and length(w.industry_code) = 3 then w.industry_code
            when w.kind = 'location' then w.city_code
        end as middle_of_kind,
        coalesce(w.industry_confidence, w.place_confidence, 1) * w.number_factor
        * coalesce(w.own_confidence, 1)
        * case
            when w.source_type = 'interview' and w.is_inferred then {{ account_threshold('inferred_factor') }}
            else 1
        end as reading_factor
    from in_words as w
),

readable as (
    select
        v.account_id,
        v.attribute,
        v.kind,
        v.prefer,
        v.tolerance,
        v.is_sensitive,
        v.is_mapped,
        v.source_type,
        v.source,
        v.source_record,
        v.as_of,
        v.value,
        v.number_value,
        case when v.kind = 'money' then v.own_number end as recorded_amount,
        v.own_currency as currency,
        v.is_inferred,
        case
            when v.kind <> 'location' or v.city_code is null then 1
            when v.district_code is null then 2
            else 3
        end as depth,
        case when v.kind in ('industry', 'location') then v.broad_of_kind else v.value end as broad,
        case when v.kind in ('industry', 'location') then v.middle_of_kind else v.value end as middle,
        coalesce(o.source_order, d.source_order) as source_order,
        round(least(coalesce(o.confidence, d.confidence) * v.reading_factor, 0.99), 4) as confidence,
        v.as_of is null
        or (
            v.as_of <= cast('{{ var("as_of_date") }}' as date)
            and (
                v.max_age_days is null
                or {{ days_between('v.as_of', "cast('" ~ var('as_of_date') ~ "' as date)") }} <= v.max_age_days
            )
        ) as is_in_time
    from valued as v
    left join {{ ref('attribute_sources') }} as o on o.attribute = v.attribute and o.source_type = v.source_type
    left join {{ ref('attribute_sources') }} as d
        on
            d.attribute = 'any'
            and d.source_type = case when v.source_type = 'crm_address' then 'crm' else v.source_type end
    where
        v.value is not null
        -- what only the respondent may tell is taken from nobody else
        and (not v.is_sensitive or v.source_type = 'interview')
        and (v.kind <> 'number' or v.number_value >= 0)
        and (v.kind <> 'year' or v.number_value between 1500 and 2100)
        -- a note is no attribute, and what looks like an address or a number of somebody is nobody's business here
        and (
            v.kind not in ('text', 'name', 'tool')
            or (
                length(v.value) <= {{ account_threshold('text_signs_max') }}
                and not {{ matches('v.value', "'[0-9][0-9 -]{5,}[0-9]|@|＠|%40'") }}
            )
        )
),

identified as (
    select
        *,
        {{ dbt.hash(
            "concat_ws('|', account_id, attribute, source_type, source, coalesce(source_record, ''), "
            ~ "coalesce(cast(as_of as " ~ dbt.type_string() ~ "), ''), value, "
            ~ "coalesce(cast(recorded_amount as " ~ dbt.type_string() ~ "), ''))"
        ) }}
            as account_attribute_id
    from readable
),

told as (
    select
        *,
        row_number() over (partition by account_attribute_id order by confidence desc, number_value asc) as place
    from identified
),

once as (
    select * from told
    where place = 1
),

-- each kind of source's best word for a value: two records of one source are one voice. An account may be told of by a
-- thousand records, which say few things
said as (
    select
        account_id,
        attribute,
        kind,
        tolerance,
        broad,
        middle,
        case when kind in ('number', 'money') then number_value end as number_value,
        source_type,
        max(case when is_in_time then confidence end) as confidence
    from once
    group by
        account_id, attribute, kind, tolerance, broad, middle,
        case when kind in ('number', 'money') then number_value end, source_type
),

things as (
    select distinct
        account_id,
        attribute,
        kind,
        tolerance,
        broad,
        middle,
        number_value
    from said
),

voices as (
    select
        o.account_id,
        o.attribute,
        o.broad,
        o.middle,
        o.number_value,
        v.source_type,
        max(v.confidence) as broad_confidence,
        max(case when v.middle = o.middle then v.confidence when o.kind in ('number', 'money') then v.confidence end)
            as middle_confidence
    from things as o
    inner join said as v
        on
            v.account_id = o.account_id
            and v.attribute = o.attribute
            and v.confidence is not null
            and (
                v.broad = o.broad
                or (
                    o.kind in ('number', 'money')
                    and abs(v.number_value - o.number_value)
                    <= o.tolerance * greatest(abs(v.number_value), abs(o.number_value))
                )
            )
    group by o.account_id, o.attribute, o.broad, o.middle, o.number_value, v.source_type
),

agreed as (
    select
        account_id,
        attribute,
        broad,
        middle,
        number_value,
        count(*) as agreeing_sources,
        -- as if the sources were independent: the chance that not all of them are wrong
        {{ rounded('1 - exp(sum(ln(1 - broad_confidence)))', 4) }} as broad_agreement,
        {{ rounded('1 - exp(sum(ln(1 - coalesce(middle_confidence, 0))))', 4) }} as middle_agreement
    from voices
    group by account_id, attribute, broad, middle, number_value
),

ranked as (
    select
        o.*,
        coalesce(a.agreeing_sources, 0) as agreeing_sources,
        coalesce(a.broad_agreement, o.confidence) as broad_agreement,
        coalesce(a.middle_agreement, 0) as middle_agreement,
        row_number() over (
            partition by o.account_id, o.attribute
            order by
                case when o.is_in_time then 0 else 1 end asc,
                case when o.prefer = 'newest' then o.as_of end desc nulls last,
                case when o.prefer = 'source' then o.source_order end asc,
                a.broad_agreement desc nulls last,
                case when o.middle is null then 1 else 0 end asc,
                a.middle_agreement desc nulls last,
                -- of one city a district is more than none
                o.depth desc,
                o.source_order asc,
                o.as_of desc nulls last,
                o.confidence desc,
                o.value asc,
                o.account_attribute_id asc
        ) as value_place
    from once as o
    left join agreed as a
        on
            a.account_id = o.account_id
            and a.attribute = o.attribute
            and a.broad is not distinct from o.broad
            and a.middle is not distinct from o.middle
            and a.number_value is not distinct from case when o.kind in ('number', 'money') then o.number_value end
)

select
    account_attribute_id,
    account_id,
    attribute,
    kind,
    value,
    number_value,
    recorded_amount,
    currency,
    source_type,
    source,
    source_record,
    as_of,
    confidence,
    cast(agreeing_sources as bigint) as agreeing_sources,
    broad_agreement as agreement,
    is_inferred,
    is_mapped,
    is_sensitive,
    is_in_time,
    tolerance,
    broad,
    middle,
    value_place = 1 and is_in_time as is_winner
from ranked
