select account_id, account_name, tier, journey_stage, icp_fit_score
from marts.accounts
where province = $province and won_deal_count = 0
order by icp_fit_score desc nulls last, account_id
limit 100
