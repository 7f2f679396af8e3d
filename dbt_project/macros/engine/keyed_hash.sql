{# HMAC-SHA256 (RFC 2104) under the house's secret key; the key's two pads are session variables, so that the key stands in no SQL text #}
{% macro keyed_hash(text) %}{{ return(adapter.dispatch('keyed_hash')(text)) }}{% endmacro %}

{% macro default__keyed_hash(text) -%}
    case when {{ text }} is not null then
        left(sha256(getvariable('hmac_outer') || unhex(sha256(getvariable('hmac_inner') || encode({{ text }})))), 32)
    end
{%- endmacro %}

{% macro spark__keyed_hash(text) -%}
    case when {{ text }} is not null then
        left(sha2(concat(hmac_outer, unhex(sha2(concat(hmac_inner, encode({{ text }}, 'utf-8')), 256))), 256), 32)
    end
{%- endmacro %}
