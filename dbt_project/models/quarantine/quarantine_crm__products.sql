{{ config(alias='crm__products') }}

{{ quarantine_of('crm', 'products') }}
