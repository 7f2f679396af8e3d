{{ config(alias='crm__companies') }}

{{ quarantine_of('crm', 'companies') }}
