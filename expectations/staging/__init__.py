"""What enters: one module a staged object, named as its table."""

# stream and object of every staged table, in the order in which they are audited
OBJECTS = (
    ("crm", "companies"),
    ("crm", "contacts"),
    ("crm", "leads"),
    ("crm", "deals"),
    ("crm", "deal_stage_history"),
    ("crm", "deal_contacts"),
    ("crm", "activities"),
    ("crm", "products"),
    ("website", "events"),
    ("wechat", "followers"),
    ("wechat", "tags"),
    ("wechat", "daily_follower_stats"),
    ("wechat", "follower_events"),
)
