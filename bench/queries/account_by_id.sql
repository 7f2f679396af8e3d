select * from marts.accounts where account_id = $account_id
