"""Snowplow: enriched events (atomic.events) as TSV without a header, or Parquet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb

from persona_warehouse.landing.extract import Extract, Window
from persona_warehouse.settings import Settings
from persona_warehouse.sources.reading import FileOptions, Place
from persona_warehouse.sources.reading.tables import records_table
from persona_warehouse.sources.reading.text import Records, first_line, plain_utf8
from persona_warehouse.sources.web_events import RawEvents, Vendor, extract_files, open_any, table_events

# the columns of the canonical event, in its order (docs.snowplow.io, fundamentals, canonical event)
COLUMNS = re.findall(
    r"\w+",
    """
app_id platform etl_tstamp collector_tstamp dvce_created_tstamp event event_id txn_id name_tracker v_tracker
v_collector v_etl user_id user_ipaddress user_fingerprint domain_userid domain_sessionidx network_userid geo_country
geo_region geo_city geo_zipcode geo_latitude geo_longitude geo_region_name ip_isp ip_organization ip_domain
ip_netspeed page_url page_title page_referrer page_urlscheme page_urlhost page_urlport page_urlpath page_urlquery
page_urlfragment refr_urlscheme refr_urlhost refr_urlport refr_urlpath refr_urlquery refr_urlfragment refr_medium
refr_source refr_term mkt_medium mkt_source mkt_term mkt_content mkt_campaign contexts se_category se_action
se_label se_property se_value unstruct_event tr_orderid tr_affiliation tr_total tr_tax tr_shipping tr_city tr_state
tr_country ti_orderid ti_sku ti_name ti_category ti_price ti_quantity pp_xoffset_min pp_xoffset_max pp_yoffset_min
pp_yoffset_max useragent br_name br_family br_version br_type br_renderengine br_lang br_features_pdf
br_features_flash br_features_java br_features_director br_features_quicktime br_features_realplayer
br_features_windowsmedia br_features_gears br_features_silverlight br_cookies br_colordepth br_viewwidth
br_viewheight os_name os_family os_manufacturer os_timezone dvce_type dvce_ismobile dvce_screenwidth
dvce_screenheight doc_charset doc_width doc_height tr_currency tr_total_base tr_tax_base tr_shipping_base
ti_currency ti_price_base base_currency geo_timezone mkt_clickid mkt_network etl_tags dvce_sent_tstamp
refr_domain_userid refr_dvce_tstamp derived_contexts domain_sessionid derived_tstamp event_vendor event_name
event_format event_version event_fingerprint true_tstamp
""",
)
SAMPLE_LINES = 1_000

VENDOR = Vendor(
    columns={
        "event_id": "coalesce({event_id}, 'row:' || sha256({*}))",
        # a server knows no browser: its events are those of a visitor who is known by the user id alone
        "anonymous_id": "coalesce({domain_userid}, {network_userid}, 'user:' || {user_id})",
        "session_id": "{domain_sessionid}",
        # derived by the enricher from these same two clocks; what it did not derive is corrected in the warehouse
        "occurred_at": "coalesce({derived_tstamp},"
        " case when {dvce_sent_tstamp} is not null then {dvce_created_tstamp} end, {collector_tstamp})",
        "sent_at": "case when {derived_tstamp} is null and {dvce_created_tstamp} is not null"
        " then {dvce_sent_tstamp} end",
        "received_at": "{collector_tstamp}",
        # the name of every structured event is `event`
        "event_name": "case when {event} = 'struct' then coalesce({se_action}, {event}) else"
        " coalesce({event_name}, {event}) end",
        "referrer_url": "{page_referrer}",
        "utm_source": "{mkt_source}",
        "utm_medium": "{mkt_medium}",
        "utm_campaign": "{mkt_campaign}",
        "utm_term": "{mkt_term}",
        "utm_content": "{mkt_content}",
        "user_agent": "{useragent}",
        "ip_address": "{user_ipaddress}",
    },
    properties={name: f"{{{name}}}" for name in ("network_userid", "dvce_created_tstamp", "dvce_sent_tstamp")},
)


def extract(config: dict[str, Any], stream: str, settings: Settings, window: Window) -> Iterator[Extract]:
    """One extract for each file that `path` matches; what is not called .parquet, .csv or .jsonl is TSV.

    Raises:
        ConfigError: no file matches, a setting is unknown or cannot be read.
    """
    yield from extract_files(
        config, stream, settings, window, VENDOR, example="snowplow/part-*.tsv.gz", open_file=open_events
    )


def open_events(
    connection: duckdb.DuckDBPyConnection, place: Place, options: FileOptions, folder: Path, wanted: list[str]
) -> RawEvents:
    """Opens TSV in the canonical order, or any other format by its ending.

    Raises:
        ConfigError: the file has other columns.
    """
    suffixes = [suffix.lower() for suffix in place.file.suffixes if suffix.lower() != ".gz"]
    if suffixes and suffixes[-1] in (".parquet", ".csv", ".jsonl", ".ndjson", ".json"):
        return open_any(connection, place, options, folder, wanted)
    plain = plain_utf8(place, options, folder, header_lines=0)
    place.refuse_markup(first_line(plain))
    names, offset = _columns(plain, place)
    # tabs inside of values are written as spaces: no quotes are needed, and those that stand there are meant
    fields = [f"c{index}" for index in range(1, len(names) + 1)]
    records = Records(plain, fields, offset=offset, delimiter="\t", quote=False)
    return table_events(records_table(connection, records, names))


def _columns(plain: Path, place: Place) -> tuple[list[str], int]:
    """The column names, and where the first event begins (in bytes): some tools write a header."""
    with plain.open(encoding="utf-8-sig", newline="") as stream:
        head = list(islice(stream, SAMPLE_LINES))
    first = head[0].rstrip("\r\n").split("\t")
    if "event_id" in first and "collector_tstamp" in first:
        with plain.open("rb") as raw:
            return first, len(raw.readline())
    counts = {line.count("\t") + 1 for line in head if line.strip()}
    if len(COLUMNS) not in counts:
        raise place.wrong(
            "the file does not hold the canonical event",
            expected=f"{len(COLUMNS)} fields with tabs between them, or a header line",
            found=f"{', '.join(map(str, sorted(counts)[:5]))} fields",
            remedy="export enriched events as they are, or with a header line, or as Parquet",
        )
    return COLUMNS, 0
