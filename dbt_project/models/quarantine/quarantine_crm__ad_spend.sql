{{ config(alias='crm__ad_spend') }}

{{ quarantine_of('crm', 'ad_spend') }}
