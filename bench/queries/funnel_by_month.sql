select * from marts.lead_funnel where segment_type = 'all' order by all
