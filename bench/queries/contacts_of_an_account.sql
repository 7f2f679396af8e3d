select contact_id, job_function, seniority, is_follower from marts.contacts where account_id = $account_id
