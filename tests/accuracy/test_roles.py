"""Measures of people and accounts, on a world of a few rows."""

from __future__ import annotations

import duckdb
import pytest

from accuracy import attributes, roles
from accuracy.labels import classes, scores
from accuracy.measures import Found


@pytest.fixture
def world() -> duckdb.DuckDBPyConnection:
    """Five people: told by a title, by a record, by behaviour alone with and without a conclusion, by nothing."""
    connection = duckdb.connect()
    connection.execute("attach ':memory:' as truth_files")
    connection.execute("""
        create schema truth_files.truth;
        create schema identity;
        create schema marts;
        create table truth_files.truth.people as from (values
            ('P1', 'CIO', '信息部', 'it', 'c_level', 'final'),
            ('P2', 'Buyer', '采购部', 'procurement', 'staff', 'user'),
            ('P3', 'CFO', '财务部', 'finance', 'c_level', 'adviser'),
            ('P4', '会计', '财务部', 'finance', 'staff', 'user'),
            ('P5', '会计', '财务部', 'finance', 'staff', 'user')
        ) as t (person_id, job_title, department, job_function, seniority, decision_role);
        create table identity.people as
            select 'crm' as source_system, 'contacts' as source_object, 'c' || i as source_id, 'k' || i as contact_id
            from range(1, 6) as r (i);
        create table truth_files.truth.identities as
            select source_system, source_object, source_id, 'P' || source_id[2:] as person_id, null as company_id
            from identity.people;
        create table marts.contacts as from (values
            ('k1', 'CIO', 'information_technology', 'information_technology', 'c_level', 'final'),
            ('k2', 'Buyer', 'purchasing', 'logistics', 'staff', null),
            ('k3', null, null, null, null, 'final'),
            ('k4', null, null, null, null, null),
            ('k5', null, null, null, null, null)
        ) as t (contact_id, job_title, department, job_function, seniority, decision_role);
        create table marts.contact_role_tags as from (values
            ('k1', 'decision_role', 'title', 0.8, true), ('k1', 'decision_role', 'behaviour', 0.8, true),
            ('k1', 'seniority', 'title', 0.97, true),
            ('k2', 'decision_role', 'title', 0.4, false), ('k2', 'seniority', 'title', 0.97, true),
            ('k3', 'decision_role', 'behaviour', 0.55, true), ('k4', 'decision_role', 'behaviour', 0.3, false)
        ) as t (contact_id, tag_type, method, tag_confidence, is_selected);
    """)
    return connection


def counted(found: Found) -> tuple[int, ...]:
    return tuple(found.counts[name] for name in ("no evidence", "with evidence", "labelled", "right"))


def test_people_of_whom_no_title_is_known_are_counted_apart(world: duckdb.DuckDBPyConnection) -> None:
    assert counted(roles.seniority(world)) == (3, 2, 2, 2)
    assert [(one.low, one.pairs, one.right) for one in roles.seniority(world).bins] == [(0.95, 2, 2)]
    # the truth's words are translated, and what is wrong stays wrong
    assert counted(roles.function(world)) == (3, 2, 2, 1)
    assert roles.function(world).examples == ("purchasing → supply_chain: 1, such as Buyer",)
    assert counted(roles.department(world)) == (3, 2, 2, 2)


def test_a_title_that_leads_to_no_role_is_a_miss_and_behaviour_alone_has_its_own_measure(
    world: duckdb.DuckDBPyConnection,
) -> None:
    told = roles.decision_role(world)
    assert counted(told) == (1, 2, 1, 1)
    assert told.examples == ("user → nothing said: 1, such as Buyer",)
    assert classes(told.counts) == [("final", 1, 1.0, 1.0, 1.0), ("user", 1, 0.0, 0.0, 0.0)]
    assert scores(told.counts)["macro-F1"] == 0.5
    behaved = roles.decision_role_by_behaviour(world)
    assert counted(behaved) == (0, 2, 1, 0)
    assert behaved.examples == ("adviser → final: 1, such as no title", "user → nothing said: 1, such as no title")


def test_accounts_that_are_one_company_are_held_against_it() -> None:
    connection = duckdb.connect()
    connection.execute("attach ':memory:' as truth_files")
    connection.execute("""
        create schema truth_files.truth;
        create schema identity;
        create schema marts;
        create table truth_files.truth.companies as from (values
            ('C1', '上海甲食品有限公司', '食品饮料', 'brand', 'midstream', '上海市', '上海市', 'prospect', true),
            ('C2', '乙精密机械有限公司', '装备制造', 'other', 'upstream', '江苏省', '苏州市', 'partner', false),
            ('C3', '丙新能源有限公司', '能源环保', 'other', 'upstream', '江苏省', '无锡市', 'prospect', false)
        ) as t (company_id, legal_name, industry, org_type, chain_position, province, city, relation, buys);
        create table identity.companies as from (values
            ('crm', 'companies', '1', 'a1'), ('crm', 'companies', '2', 'a2'), ('crm', 'companies', '3', 'a3'),
            ('crm', 'companies', '4', 'a4'), ('crm', 'companies', '5', 'a4')
        ) as t (source_system, source_object, source_id, account_id);
        create table truth_files.truth.identities as from (values
            ('companies', '1', 'C1'), ('companies', '2', 'C2'), ('companies', '3', 'C3'),
            -- two companies under one account are no measure of its attributes
            ('companies', '4', 'C1'), ('companies', '5', 'C2')
        ) as t (source_object, source_id, company_id);
        create table marts.accounts as from (values
            ('a1', '甲', '上海市', '上海市', 'C1491', 'C', 'brand', 'midstream', 'customer'),
            ('a2', '乙', '江苏省', '南京市', 'C', 'C', 'other', 'midstream', 'prospect'),
            ('a3', '丙', null, null, 'D44', 'D', null, null, 'prospect'),
            ('a4', '丁', '上海市', '上海市', 'C1491', 'C', 'brand', 'midstream', 'customer')
        ) as t (account_id, account_name, province, city, industry_code, industry_section, org_type,
            industry_chain_position, company_relation);
    """)
    assert counted(attributes.province(connection)) == (1, 2, 2, 2)
    assert counted(attributes.city(connection)) == (1, 2, 2, 1)
    assert attributes.city(connection).examples == ("苏州市 → 南京市: 1, such as 乙",)
    assert counted(attributes.section(connection)) == (0, 3, 3, 2)
    # a mere section is no class, and of 新能源 no one class can be told
    assert counted(attributes.industry_class(connection)) == (0, 2, 1, 1)
    assert counted(attributes.org_type(connection)) == (1, 2, 2, 2)
    assert counted(attributes.chain_position(connection)) == (1, 2, 2, 1)
    assert counted(attributes.relation(connection)) == (0, 3, 3, 2)
