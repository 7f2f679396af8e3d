{# an IP address as a text of its bits, behind 4 or 6 for its family; null for what is no address. IPv4 inside of IPv6
   (::ffff:192.0.2.1) is IPv4, as servers with two stacks write it #}
{% macro address_bits(address) %}{{ return(adapter.dispatch('address_bits')(address)) }}{% endmacro %}

{% macro default__address_bits(address) -%}
    {%- set octet = '(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])' -%}
    {%- set words = '(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*)' -%}
    {%- set plain = "regexp_replace(regexp_replace(lower(trim(" ~ address ~ ")), '%.*$', ''), '^::ffff:([0-9]+[.])', '\\1')" -%}
    {%- set listed = "regexp_extract_all(" ~ plain ~ ", '[0-9a-f]+')" -%}
    case
        when regexp_full_match({{ plain }}, '{{ octet }}(?:[.]{{ octet }}){3}')
            then concat('4', array_to_string(
                list_transform(string_split({{ plain }}, '.'), lambda part: lpad(bin(cast(part as integer)), 8, '0')), ''
            ))
        -- eight words, or fewer around one gap of zeros
        when
            regexp_full_match({{ plain }}, '{{ words }}?::{{ words }}?|[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){7}')
            and len({{ listed }}) <= case when contains({{ plain }}, '::') then 7 else 8 end
            then concat('6', array_to_string(
                list_transform(
                    list_concat(
                        regexp_extract_all(split_part({{ plain }}, '::', 1), '[0-9a-f]+'),
                        list_transform(range(8 - len({{ listed }})), lambda gap: '0'),
                        regexp_extract_all(split_part({{ plain }}, '::', 2), '[0-9a-f]+')
                    ),
                    lambda word: lpad(bin(cast(concat('0x', word) as integer)), 16, '0')
                ), ''
            ))
    end
{%- endmacro %}

{% macro spark__address_bits(address) -%}
    {%- set octet = '(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])' -%}
    {%- set words = '(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*)' -%}
    {%- set plain = "regexp_replace(regexp_replace(lower(trim(" ~ address ~ ")), '%.*$', ''), '^::ffff:([0-9]+[.])', '$1')" -%}
    {%- set listed = "regexp_extract_all(" ~ plain ~ ", '[0-9a-f]+', 0)" -%}
    case
        when {{ plain }} rlike '^(?:{{ octet }}(?:[.]{{ octet }}){3})$'
            then concat('4', array_join(
                transform(split({{ plain }}, '[.]'), part -> lpad(conv(part, 10, 2), 8, '0')), ''
            ))
        when
            {{ plain }} rlike '^(?:{{ words }}?::{{ words }}?|[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){7})$'
            and size({{ listed }}) <= case when contains({{ plain }}, '::') then 7 else 8 end
            then concat('6', array_join(
                transform(
                    concat(
                        regexp_extract_all(split_part({{ plain }}, '::', 1), '[0-9a-f]+', 0),
                        array_repeat('0', 8 - size({{ listed }})),
                        regexp_extract_all(split_part({{ plain }}, '::', 2), '[0-9a-f]+', 0)
                    ),
                    word -> lpad(conv(word, 16, 2), 16, '0')
                ), ''
            ))
    end
{%- endmacro %}
