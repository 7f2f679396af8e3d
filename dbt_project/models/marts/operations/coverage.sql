{# how much is known: every column of every landing object; the list follows persona_warehouse/landing/objects.yml #}
with counted as (
    {{ coverage_of({
        'crm': {
            'companies': [
                'company_id', 'name', 'domain', 'website', 'uscc', 'industry', 'employee_count', 'annual_revenue',
                'currency', 'country', 'province', 'city', 'address', 'founded_year', 'funding_stage',
                'total_funding', 'parent_company_id', 'owner_id', 'lifecycle_stage', 'created_at', 'updated_at',
                'is_deleted', 'merged_into_id'
            ],
            'contacts': [
                'contact_id', 'company_id', 'full_name', 'email', 'phone', 'unionid', 'openid', 'job_title',
                'department', 'seniority', 'buying_role', 'lifecycle_stage', 'lead_status', 'lead_source',
                'created_at', 'updated_at', 'is_deleted', 'merged_into_id'
            ],
            'leads': [
                'lead_id', 'company_name', 'full_name', 'email', 'phone', 'unionid', 'openid', 'job_title',
                'department', 'lifecycle_stage', 'lead_status', 'lead_source', 'score', 'converted_contact_id',
                'converted_deal_id', 'created_at', 'updated_at', 'is_deleted', 'merged_into_id'
            ],
            'deals': [
                'deal_id', 'company_id', 'name', 'product', 'amount', 'currency', 'pipeline', 'stage',
                'probability', 'created_at', 'closed_at', 'is_closed', 'is_won', 'closed_reason', 'competitor',
                'prior_solution', 'discount_pct', 'presales_hours', 'owner_id', 'updated_at', 'is_deleted'
            ],
            'deal_stage_history': [
                'deal_id', 'stage', 'entered_at'
            ],
            'deal_contacts': [
                'deal_id', 'contact_id', 'role', 'is_primary'
            ],
            'activities': [
                'activity_id', 'activity_type', 'company_id', 'contact_id', 'deal_id', 'owner_id', 'direction',
                'outcome', 'minutes', 'occurred_at'
            ],
            'products': [
                'product_id', 'name', 'family', 'list_price', 'currency'
            ],
            'tickets': [
                'ticket_id', 'company_id', 'contact_id', 'deal_id', 'category', 'severity', 'status', 'opened_at',
                'closed_at', 'effort_hours', 'updated_at', 'is_deleted'
            ],
            'invoices': [
                'invoice_id', 'company_id', 'deal_id', 'issued_at', 'due_at', 'paid_at', 'amount', 'cost_amount',
                'currency', 'updated_at', 'is_deleted'
            ],
            'campaigns': [
                'campaign_id', 'name', 'campaign_type', 'channel', 'started_at', 'ended_at', 'budget', 'currency',
                'updated_at', 'is_deleted'
            ],
            'campaign_members': [
                'campaign_member_id', 'campaign_id', 'contact_id', 'lead_id', 'status', 'joined_at', 'responded_at',
                'updated_at', 'is_deleted'
            ],
            'ad_spend': [
                'spend_date', 'channel', 'campaign', 'cost', 'currency', 'impressions', 'clicks'
            ],
            'surveys': [
                'survey_response_id', 'survey_type', 'company_id', 'contact_id', 'score', 'responded_at', 'comment'
            ],
            'interviews': [
                'interview_id', 'company_id', 'contact_id', 'respondent_role', 'interviewer', 'interviewed_at',
                'has_consent'
            ],
            'interview_answers': [
                'interview_id', 'question_code', 'answer_code', 'answer_text', 'is_inferred', 'confidence'
            ],
            'company_enrichment': [
                'company_id', 'uscc', 'company_name', 'attribute', 'value', 'source', 'as_of'
            ],
            'product_usage': [
                'company_id', 'user_id', 'usage_date', 'feature', 'usage_count'
            ],
            'referrals': [
                'referral_id', 'referrer_company_id', 'referrer_contact_id', 'referred_company_id',
                'referred_lead_id', 'referred_at'
            ],
            'lifecycle_stage_history': [
                'record_type', 'record_id', 'stage', 'entered_at'
            ],
        },
        'website': {
            'events': [
                'event_id', 'anonymous_id', 'user_id', 'session_id', 'occurred_at', 'sent_at', 'received_at',
                'event_name', 'page_url', 'page_title', 'referrer_url', 'utm_source', 'utm_medium', 'utm_campaign',
                'utm_term', 'utm_content', 'user_agent', 'ip_address', 'email', 'phone', 'openid', 'http_status',
                'is_deleted'
            ],
        },
        'wechat': {
            'followers': [
                'openid', 'unionid', 'is_subscribed', 'subscribed_at', 'subscribe_scene', 'qr_scene',
                'qr_scene_str', 'remark', 'tag_ids', 'language'
            ],
            'tags': [
                'tag_id', 'name', 'follower_count'
            ],
            'daily_follower_stats': [
                'ref_date', 'user_source', 'new_user', 'cancel_user', 'cumulate_user'
            ],
            'account_daily_stats': [
                'ref_date', 'read_user', 'read_user_source', 'share_user', 'zaikan_user', 'like_user',
                'comment_count', 'collection_user', 'redirect_ori_page_user', 'send_page_count', 'is_delay'
            ],
            'article_daily_stats': [
                'ref_date', 'msgid', 'read_user', 'read_user_source', 'share_user', 'is_delay'
            ],
            'article_stats': [
                'msgid', 'stat_date', 'published_on', 'title', 'url', 'publish_type', 'read_user',
                'read_user_source', 'share_user', 'zaikan_user', 'like_user', 'comment_count', 'collection_user',
                'praise_money', 'read_subscribe_user', 'read_delivery_rate', 'read_finish_rate',
                'read_avg_activetime', 'is_delay'
            ],
            'follower_events': [
                'openid', 'created_at', 'event', 'event_key', 'ticket', 'menu_id', 'message_type'
            ],
        },
    }) }}
)

select
    stream,
    object,
    column_name,
    row_count,
    filled_count,
    case when row_count > 0 then cast(filled_count as double) / row_count end as filled_share
from counted
