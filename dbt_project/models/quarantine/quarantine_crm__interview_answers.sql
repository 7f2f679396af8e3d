{{ config(alias='crm__interview_answers') }}

{{ quarantine_of('crm', 'interview_answers') }}
