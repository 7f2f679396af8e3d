{{ config(alias='crm__deals') }}

{{ quarantine_of('crm', 'deals') }}
