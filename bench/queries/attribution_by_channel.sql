select channel, count(distinct deal_id) as deals, sum(weight) as credit, sum(credited_cny) as credited_cny
from marts.deal_attribution
where attribution_model = 'linear' and deal_state = 'won'
group by channel
order by credited_cny desc nulls last
