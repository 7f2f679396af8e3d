{{ config(alias='crm__lifecycle_stage_history') }}

{{ quarantine_of('crm', 'lifecycle_stage_history') }}
