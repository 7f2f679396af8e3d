{{ config(alias='website__events') }}

{{ quarantine_of('website', 'events') }}
