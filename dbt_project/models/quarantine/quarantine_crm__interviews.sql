{{ config(alias='crm__interviews') }}

{{ quarantine_of('crm', 'interviews') }}
