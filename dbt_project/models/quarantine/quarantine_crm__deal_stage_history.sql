{{ config(alias='crm__deal_stage_history') }}

{{ quarantine_of('crm', 'deal_stage_history') }}
