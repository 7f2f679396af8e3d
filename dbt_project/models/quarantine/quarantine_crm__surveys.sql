{{ config(alias='crm__surveys') }}

{{ quarantine_of('crm', 'surveys') }}
