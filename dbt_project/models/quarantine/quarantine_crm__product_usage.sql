{{ config(alias='crm__product_usage') }}

{{ quarantine_of('crm', 'product_usage') }}
