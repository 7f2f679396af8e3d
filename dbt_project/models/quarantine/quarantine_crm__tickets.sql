{{ config(alias='crm__tickets') }}

{{ quarantine_of('crm', 'tickets') }}
