{{ config(alias='wechat__followers') }}

{{ quarantine_of('wechat', 'followers') }}
