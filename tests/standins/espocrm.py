"""A real PostgreSQL with the schema of EspoCRM, reached through a socket in a folder of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from tests.standins.postgres import postgres

PASSWORD = "s3cret'\\ word"

SCHEMA = """
create table account (
    id varchar(24) primary key, name varchar(249), deleted boolean default false, website varchar(255),
    type varchar(40), industry varchar(255), billing_address_street varchar(255), billing_address_city varchar(100),
    billing_address_state varchar(100), billing_address_country varchar(100), description text,
    created_at timestamp, modified_at timestamp, assigned_user_id varchar(24), c_headcount numeric(12, 2));
create table contact (
    id varchar(24) primary key, deleted boolean default false, first_name varchar(100), last_name varchar(100),
    account_id varchar(24), c_wechat_remark text, created_at timestamp, modified_at timestamp);
create table lead (
    id varchar(24) primary key, deleted boolean default false, first_name varchar(100), last_name varchar(100),
    title varchar(100), status varchar(40), source varchar(40), account_name varchar(255),
    created_contact_id varchar(24), created_opportunity_id varchar(24), created_at timestamp, modified_at timestamp);
create table opportunity (
    id varchar(24) primary key, name varchar(255), deleted boolean default false, amount double precision,
    amount_currency varchar(3), stage varchar(40), last_stage varchar(40), probability integer, close_date date,
    account_id varchar(24), assigned_user_id varchar(24), created_at timestamp, modified_at timestamp);
create table contact_opportunity (
    id bigserial primary key, opportunity_id varchar(24), contact_id varchar(24), role varchar(50),
    deleted boolean default false);
create table account_contact (account_id varchar(24), contact_id varchar(24), role varchar(100), deleted boolean);
create table email_address (id varchar(24), name varchar(255));
create table entity_email_address (
    entity_id varchar(24), email_address_id varchar(24), entity_type varchar(100), "primary" boolean, deleted boolean);
create table phone_number (id varchar(24), name varchar(36));
create table entity_phone_number (
    entity_id varchar(24), phone_number_id varchar(24), entity_type varchar(100), "primary" boolean, deleted boolean);
"""


class EspoCrm:
    """A running server; every database in it has the tables above, and a user `reader` who needs a password."""

    def __init__(self, server: Any) -> None:
        self._server = server

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Self]:
        """The server, stopped at the end; the test is skipped where its wheel is not installed."""
        with postgres("reader", PASSWORD) as server:
            yield cls(server)

    def create(self, name: str, rows: str = "") -> None:
        """A database with the tables, and what the statements in `rows` put there."""
        self._server.psql(
            f"create database {name};\n\\connect {name}\n{SCHEMA}{rows}"
            "grant select on all tables in schema public to reader;"
        )

    def copy(self, name: str, to: str) -> None:
        self._server.psql(f"create database {to} template {name}")

    def sql(self, name: str, text: str) -> None:
        """Runs statements in a database."""
        self._server.psql(f"\\connect {name}\n{text}")

    def connection_json(self, name: str, **changed: Any) -> str:
        """The value of the AIRFLOW_CONN_ variable that leads to a database."""
        spec = {"conn_type": "postgres", "host": str(self._server.pgdata), "login": "reader", "password": PASSWORD}
        return json.dumps({**spec, "schema": name, **changed})
