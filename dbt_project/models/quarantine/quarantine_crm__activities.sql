{{ config(alias='crm__activities') }}

{{ quarantine_of('crm', 'activities') }}
