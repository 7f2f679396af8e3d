{{ config(alias='wechat__tags') }}

{{ quarantine_of('wechat', 'tags') }}
