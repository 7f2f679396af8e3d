select industry_name, journey_stage, count(*) as accounts, sum(won_revenue_cny) as revenue
from marts.accounts
group by all
order by accounts desc
