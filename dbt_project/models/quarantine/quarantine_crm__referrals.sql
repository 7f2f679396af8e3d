{{ config(alias='crm__referrals') }}

{{ quarantine_of('crm', 'referrals') }}
