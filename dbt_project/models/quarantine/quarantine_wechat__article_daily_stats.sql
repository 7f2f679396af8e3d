{{ config(alias='wechat__article_daily_stats') }}

{{ quarantine_of('wechat', 'article_daily_stats') }}
