{{ config(alias='wechat__daily_follower_stats') }}

{{ quarantine_of('wechat', 'daily_follower_stats') }}
