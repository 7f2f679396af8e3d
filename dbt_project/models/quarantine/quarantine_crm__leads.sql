{{ config(alias='crm__leads') }}

{{ quarantine_of('crm', 'leads') }}
