{{ config(alias='crm__campaigns') }}

{{ quarantine_of('crm', 'campaigns') }}
