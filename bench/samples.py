"""Web events in the formats of the connectors, written by DuckDB: the same events in each of them."""

from __future__ import annotations

from pathlib import Path

import duckdb

from persona_warehouse.sources.snowplow import COLUMNS as SNOWPLOW
from persona_warehouse.warehouse import literal, scratch

# thirty pages, four kinds of agents, a campaign on every third event, a login on every fifth
EVENTS = """
select i as number,
       md5(i::varchar)::uuid::varchar as event_id,
       left(md5((i % 20011)::varchar), 24) as anonymous_id,
       case when i % 5 = 0 then 'u' || (100000 + i % 3001) end as user_id,
       timestamp '2026-10-01 00:00:00' + to_microseconds(i * 2591000 + i % 997000) as occurred_at,
       ['page_view', 'page_view', 'page_view', 'search', 'form_submit', 'download'][1 + i % 6] as event_name,
       'https://www.example.com/' || ['产品', 'pricing', 'docs', 'blog', '案例'][1 + i % 5] || '/' || i % 6
           || case when i % 3 = 0 then '?utm_source=baidu&utm_medium=cpc&utm_campaign=autumn' else '' end as page_url,
       ['产品', '价格', 'Documentation', 'Blog', '客户案例'][1 + i % 5] || ' - 示例科技' as page_title,
       case when i % 2 = 0 then 'https://www.baidu.com/link?url=' || md5((i % 50)::varchar) end as referrer_url,
       case when i % 3 = 0 then 'baidu' end as utm_source,
       case when i % 3 = 0 then 'cpc' end as utm_medium,
       case when i % 3 = 0 then 'autumn' end as utm_campaign,
       ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
        'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15',
        'Mozilla/5.0 (Linux; Android 14; V2309A) AppleWebKit/537.36 Chrome/126.0.0.0 Mobile MicroMessenger/8.0.50',
        'Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)'][1 + i % 4] as user_agent,
       concat_ws('.', 10 + i % 90, i % 256, i % 250, 7) as ip_address,
       case when i % 40 = 0 then 'person' || i % 3001 || '@example.com' end as email,
       1600 + 10 * (i % 40) as screen_width, i % 7 as plan, i % 100 / 4 as scroll
from range({rows}) as numbers(i)
"""  # noqa: E501 - agents are as long as they are

STAMP = "strftime(occurred_at, '%Y-%m-%dT%H:%M:%S.%gZ')"
CANONICAL = f"""
select event_id, anonymous_id, user_id, {STAMP} as occurred_at, {STAMP} as received_at, event_name, page_url,
       page_title, referrer_url, utm_source, utm_medium, utm_campaign, user_agent, ip_address, email,
       screen_width, plan
from events"""
COMBINED = """
select concat(ip_address, ' - ', coalesce(user_id, '-'), ' [', strftime(occurred_at, '%d/%b/%Y:%H:%M:%S'),
    ' +0000] "GET ', page_url[24:], ' HTTP/1.1" ', case when number % 50 = 0 then 404 else 200 end, ' ',
    1000 + number % 9000, ' "', coalesce(referrer_url, '-'), '" "', user_agent, '"') as line
from events"""
JSON_LOG = """
select strftime(occurred_at, '%Y-%m-%dT%H:%M:%S+00:00') as time_iso8601, ip_address as remote_addr,
       coalesce(user_id, '') as remote_user, 'GET ' || page_url[24:] || ' HTTP/1.1' as request,
       case when number % 50 = 0 then '404' else '200' end as status,
       (1000 + number % 9000)::varchar as body_bytes_sent,
       coalesce(referrer_url, '') as http_referer, user_agent as http_user_agent, 'www.example.com' as host,
       0.003 as request_time
from events"""
SEGMENT = f"""
select event_id as id, anonymous_id, user_id, {STAMP} as timestamp, {STAMP} as original_timestamp,
       {STAMP} as received_at, {STAMP} as sent_at, page_url as url, page_title as title, page_url[24:] as path,
       referrer_url as referrer, '' as search, utm_source as context_campaign_source,
       utm_medium as context_campaign_medium, utm_campaign as context_campaign_name,
       user_agent as context_user_agent, ip_address as context_ip, 'zh-CN' as context_locale,
       'analytics.js' as context_library_name, '2.11.1' as context_library_version, screen_width
from events"""
# a canonical event as enrichment writes it: some fifty of its fields are filled
SNOWPLOW_FILLED = {
    "app_id": "'site'", "platform": "'web'", "etl_tstamp": "stamp", "collector_tstamp": "stamp",
    "dvce_created_tstamp": "stamp", "event": "case when event_name = 'page_view' then event_name else 'struct' end",
    "event_id": "event_id", "name_tracker": "'sp'", "v_tracker": "'js-3.24.0'", "v_collector": "'ssc-3.2.0'",
    "v_etl": "'snowplow-enrich-5.0.0'", "user_id": "user_id", "user_ipaddress": "ip_address",
    "domain_userid": "anonymous_id", "domain_sessionidx": "number % 9 + 1", "network_userid": "md5(anonymous_id)",
    "geo_country": "'CN'", "geo_region": "'SH'", "geo_city": "'Shanghai'", "geo_latitude": "31.22",
    "geo_longitude": "121.46", "page_url": "page_url", "page_title": "page_title", "page_referrer": "referrer_url",
    "page_urlscheme": "'https'", "page_urlhost": "'www.example.com'", "page_urlport": "443",
    "page_urlpath": "page_url[24:]", "refr_urlhost": "'www.baidu.com'", "refr_medium": "'search'",
    "refr_source": "'Baidu'", "mkt_medium": "utm_medium", "mkt_source": "utm_source", "mkt_campaign": "utm_campaign",
    "contexts": """'{"schema":"iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-0","data":[{"schema":"""
    """"iglu:com.snowplowanalytics.snowplow/web_page/jsonschema/1-0-0","data":{"id":"' || event_id || '"}}]}'""",
    "se_category": "case when event_name <> 'page_view' then 'site' end",
    "se_action": "case when event_name <> 'page_view' then event_name end", "useragent": "user_agent",
    "br_lang": "'zh-CN'", "br_cookies": "1", "br_colordepth": "24", "br_viewwidth": "screen_width",
    "br_viewheight": "900", "os_timezone": "'Asia/Shanghai'", "dvce_screenwidth": "screen_width",
    "dvce_screenheight": "1080", "doc_charset": "'UTF-8'", "doc_width": "screen_width", "doc_height": "4200",
    "geo_timezone": "'Asia/Shanghai'", "dvce_sent_tstamp": "stamp", "domain_sessionid": "md5(anonymous_id || 's')",
    "derived_tstamp": "stamp", "event_vendor": "'com.snowplowanalytics.snowplow'", "event_name": "event_name",
    "event_format": "'jsonschema'", "event_version": "'1-0-0'",
}  # fmt: skip
SENSORS = """
select anonymous_id as distinct_id, epoch_ms(occurred_at) as time, 'track' as type,
       case when event_name = 'page_view' then '$pageview' else event_name end as event,
       number as _track_id, epoch_ms(occurred_at) + 700 as _flush_time, user_id as login_id, anonymous_id,
       {'$url': page_url, '$title': page_title, '$referrer': coalesce(referrer_url, ''), '$utm_source': utm_source,
        '$utm_medium': utm_medium, '$utm_campaign': utm_campaign, '$ip': ip_address, '$user_agent': user_agent,
        '$screen_width': screen_width, '$screen_height': 1080, '$os': 'Windows', '$lib': 'js',
        '$lib_version': '1.26.1', '$is_first_day': number % 9 = 0, 'plan': plan, 'scroll': scroll} as properties
from events"""
GA4 = """
select strftime(occurred_at, '%Y%m%d') as event_date, epoch_us(occurred_at)::varchar as event_timestamp, event_name,
       anonymous_id as user_pseudo_id, user_id, epoch_us(occurred_at)::varchar as batch_page_id,
       (number % 3)::varchar as batch_event_index, (number % 5)::varchar as batch_ordering_id,
       [{'key': 'ga_session_id', 'value': {'string_value': null, 'int_value': epoch(occurred_at)::bigint::varchar}},
        {'key': 'ga_session_number', 'value': {'string_value': null, 'int_value': (number % 9)::varchar}},
        {'key': 'page_location', 'value': {'string_value': page_url, 'int_value': null}},
        {'key': 'page_title', 'value': {'string_value': page_title, 'int_value': null}},
        {'key': 'page_referrer', 'value': {'string_value': referrer_url, 'int_value': null}},
        {'key': 'source', 'value': {'string_value': coalesce(utm_source, '(direct)'), 'int_value': null}},
        {'key': 'medium', 'value': {'string_value': coalesce(utm_medium, '(none)'), 'int_value': null}},
        {'key': 'engagement_time_msec', 'value': {'string_value': null, 'int_value': (number % 9000)::varchar}},
        {'key': 'plan', 'value': {'string_value': null, 'int_value': plan::varchar}}] as event_params,
       {'category': 'desktop', 'operating_system': 'Windows', 'language': 'zh-cn',
        'web_info': {'browser': 'Chrome', 'browser_version': '142.0'}} as device,
       {'continent': 'Asia', 'country': 'China', 'city': 'Shanghai'} as geo,
       {'source': 'baidu', 'medium': 'organic', 'name': '(organic)'} as traffic_source,
       {'manual_source': utm_source, 'manual_medium': utm_medium, 'manual_campaign_name': utm_campaign}
           as collected_traffic_source,
       '1234567890' as stream_id, 'WEB' as platform
from events"""
# one column, as it is
LINES = "(format csv, header false, quote '', delimiter '\x01')"
FORMATS: dict[str, tuple[str, str, str]] = {
    "events.jsonl.gz": ("events", CANONICAL, "(format json, compression gzip)"),
    "events.csv": ("events", CANONICAL, "(format csv)"),
    "events.parquet": ("events", CANONICAL, "(format parquet)"),
    "access.log": ("access_log", COMBINED, LINES),
    "access.json": ("access_log", JSON_LOG, "(format json)"),
    "pages.csv": ("segment", SEGMENT, "(format csv)"),
    "snowplow.tsv.gz": ("snowplow", "", "(format csv, header false, delimiter '\t', quote '', compression gzip)"),
    "sensors.log": ("sensors", SENSORS, "(format json)"),
    "ga4.json.gz": ("ga4", GA4, "(format json, compression gzip)"),
}


def write(folder: Path, rows: int) -> None:
    """Writes a file of each format with so many events; those that are there already stay."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = {name: of for name, of in FORMATS.items() if not (folder / name).exists()}
    if not missing:
        return
    with scratch() as connection:
        connection.execute(f"create view events as {EVENTS.format(rows=rows)}")
        for name, (_, query, options) in missing.items():
            _write(connection, query or _snowplow(), folder / name, options)


def _write(connection: duckdb.DuckDBPyConnection, query: str, path: Path, options: str) -> None:
    # half a file must not be taken for a whole one
    half = path.with_name(f"half-{path.name}")
    connection.execute(f"copy ({query}) to {literal(half)} {options}")
    half.rename(path)


def _snowplow() -> str:
    listed = ", ".join(f"{SNOWPLOW_FILLED.get(name, 'null')} as {name}" for name in SNOWPLOW)
    return f"select {listed} from (select *, strftime(occurred_at, '%Y-%m-%d %H:%M:%S.%g') as stamp from events)"
