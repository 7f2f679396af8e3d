{{ config(alias='crm__company_enrichment') }}

{{ quarantine_of('crm', 'company_enrichment') }}
