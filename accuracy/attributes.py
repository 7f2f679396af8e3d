"""What accounts are: place, industry, type, position in the chain, relation to us."""

from __future__ import annotations

import duckdb

from accuracy.labels import compared, scores
from accuracy.measures import Found, measure

# accounts whose CRM companies are one company of the truth; sections of GB/T 4754 of the trades of the sample world
ACCOUNTS = """
    select a.*, t.province as true_province, t.city as true_city, t.org_type as true_org_type,
        t.chain_position as true_chain_position, s.section as true_section, t.industry as trade,
        case when t.buys then 'customer' else t.relation end as true_relation, k.class as true_class
    from (
        select i.account_id, min(d.company_id) as company_id
        from truth_files.truth.identities as d
        join identity.companies as i
            on i.source_system = 'crm' and i.source_object = 'companies' and i.source_id = d.source_id
        where d.source_object = 'companies'
        group by i.account_id having count(distinct d.company_id) = 1
    )
    join marts.accounts as a using (account_id)
    join truth_files.truth.companies as t using (company_id)
    left join (
        values ('软件信息', 'I'), ('装备制造', 'C'), ('服装日化', 'C'), ('零售连锁', 'F'), ('汽车零部件', 'C'),
            ('医药健康', 'C'), ('能源环保', 'N'), ('食品饮料', 'C'), ('电子元件', 'C'), ('物流运输', 'G'),
            ('金融投资', 'J'), ('建筑工程', 'E'), ('商务服务', 'L')
    ) as s (industry, section) on s.industry = t.industry
    left join (
        -- divisions of GB/T 4754 by what the registered name says; of the other trades no single one can be told
        values ('精密机械', 'C34'), ('电子材料', 'C39'), ('汽车部件', 'C36'), ('医疗器械', 'C35'), ('生物医药', 'C27'),
            ('食品', 'C14'), ('服饰', 'C18'), ('日化用品', 'C26'), ('连锁商业', 'F52'),
            ('环境工程', 'N77'), ('建筑装饰', 'E50'), ('管理咨询', 'L72'), ('投资管理', 'J67'), ('软件', 'I65')
    ) as k (trade_word, class) on contains(t.legal_name, k.trade_word)
"""


def _of_accounts(connection: duckdb.DuckDBPyConnection, said: str, so: str, shown: str = "account_name") -> Found:
    # an account of which no source tells the attribute, and whose name does not either, has no value
    return compared(
        connection,
        f"""select {so} as so, {said} as said, {shown} as shown, null::double as stated, {said} is not null as evident
            from ({ACCOUNTS})""",
    )


@measure("province", scores, accuracy=0.99)
def province(connection: duckdb.DuckDBPyConnection) -> Found:
    """The province of an account against where the company sits."""
    return _of_accounts(connection, "province", "true_province")


@measure("city", scores, accuracy=0.99)
def city(connection: duckdb.DuckDBPyConnection) -> Found:
    """The city of an account against where the company sits."""
    return _of_accounts(connection, "city", "true_city")


@measure("industry section", scores)
def section(connection: duckdb.DuckDBPyConnection) -> Found:
    """The section of GB/T 4754 against the section of the company's trade."""
    return _of_accounts(connection, "industry_section", "true_section", "trade || ', ' || account_name")


@measure("industry class", scores)
def industry_class(connection: duckdb.DuckDBPyConnection) -> Found:
    """The division of GB/T 4754, of companies whose registered name says it; a mere section counts as nothing said.

    Of 智能科技, 新能源, 供应链管理 no single division can be told; caterers are retail chains in the sample world.
    """
    division = "case when length(industry_code) >= 3 then left(industry_code, 3) end"
    return compared(
        connection,
        f"""select true_class as so, {division} as said, industry_code || ' ' || account_name as shown,
            null::double as stated, industry_code is not null as evident from ({ACCOUNTS})""",
    )


@measure("organisation type", scores)
def org_type(connection: duckdb.DuckDBPyConnection) -> Found:
    """Brand, retailer, technology, consulting, investment, other."""
    return _of_accounts(connection, "org_type", "true_org_type")


@measure("chain position", scores)
def chain_position(connection: duckdb.DuckDBPyConnection) -> Found:
    """Where a company stands between raw material and consumer; where one ends and the next begins is opinion."""
    return _of_accounts(connection, "industry_chain_position", "true_chain_position", "trade || ', ' || account_name")


@measure("company relation", scores)
def relation(connection: duckdb.DuckDBPyConnection) -> Found:
    """Customer, prospect, partner, competitor."""
    return _of_accounts(connection, "company_relation", "true_relation")
