{{ config(alias='wechat__article_stats') }}

{{ quarantine_of('wechat', 'article_stats') }}
