select * from marts.touchpoints where account_id = $account_id order by occurred_at desc limit 200
