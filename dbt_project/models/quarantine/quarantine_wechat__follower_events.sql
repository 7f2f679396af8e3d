{{ config(alias='wechat__follower_events') }}

{{ quarantine_of('wechat', 'follower_events') }}
