{{ config(alias='crm__deal_contacts') }}

{{ quarantine_of('crm', 'deal_contacts') }}
