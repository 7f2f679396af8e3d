{{ config(alias='crm__campaign_members') }}

{{ quarantine_of('crm', 'campaign_members') }}
