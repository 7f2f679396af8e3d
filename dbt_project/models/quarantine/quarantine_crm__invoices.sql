{{ config(alias='crm__invoices') }}

{{ quarantine_of('crm', 'invoices') }}
