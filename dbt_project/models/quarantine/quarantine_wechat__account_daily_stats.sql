{{ config(alias='wechat__account_daily_stats') }}

{{ quarantine_of('wechat', 'account_daily_stats') }}
