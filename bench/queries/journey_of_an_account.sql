select stage, entered_at, dwell_days, reason from marts.journey_stages where account_id = $account_id order by entered_at
