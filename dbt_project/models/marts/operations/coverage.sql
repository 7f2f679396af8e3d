{# how much is known: every column of every landing object; the list follows persona_warehouse/landing/objects.yml #}
with counted as (
    {{ coverage_of('crm', 'companies', [
        'company_id', 'name', 'domain', 'website', 'uscc', 'industry', 'employee_count', 'annual_revenue', 'currency',
        'country', 'province', 'city', 'address', 'founded_year', 'funding_stage', 'total_funding',
        'parent_company_id', 'owner_id', 'lifecycle_stage', 'created_at', 'updated_at', 'is_deleted', 'merged_into_id',
    ]) }}
    union all
    {{ coverage_of('crm', 'contacts', [
        'contact_id', 'company_id', 'full_name', 'email', 'phone', 'unionid', 'openid', 'job_title', 'department',
        'seniority', 'buying_role', 'lifecycle_stage', 'lead_status', 'lead_source', 'created_at', 'updated_at',
        'is_deleted', 'merged_into_id',
    ]) }}
    union all
    {{ coverage_of('crm', 'leads', [
        'lead_id', 'company_name', 'full_name', 'email', 'phone', 'unionid', 'openid', 'job_title', 'department',
        'lifecycle_stage', 'lead_status', 'lead_source', 'score', 'converted_contact_id', 'converted_deal_id',
        'created_at', 'updated_at', 'is_deleted', 'merged_into_id',
    ]) }}
    union all
    {{ coverage_of('crm', 'deals', [
        'deal_id', 'company_id', 'name', 'product', 'amount', 'currency', 'pipeline', 'stage', 'probability',
        'created_at', 'closed_at', 'is_closed', 'is_won', 'closed_reason', 'competitor', 'prior_solution',
        'discount_pct', 'presales_hours', 'owner_id', 'updated_at', 'is_deleted',
    ]) }}
    union all
    {{ coverage_of('crm', 'deal_stage_history', [
        'deal_id', 'stage', 'entered_at',
    ]) }}
    union all
    {{ coverage_of('crm', 'deal_contacts', [
        'deal_id', 'contact_id', 'role', 'is_primary',
    ]) }}
    union all
    {{ coverage_of('crm', 'activities', [
        'activity_id', 'activity_type', 'company_id', 'contact_id', 'deal_id', 'owner_id', 'direction', 'outcome',
        'minutes', 'occurred_at',
    ]) }}
    union all
    {{ coverage_of('crm', 'products', [
        'product_id', 'name', 'family', 'list_price', 'currency',
    ]) }}
    union all
    {{ coverage_of('website', 'events', [
        'event_id', 'anonymous_id', 'user_id', 'occurred_at', 'received_at', 'event_name', 'page_url', 'page_title',
        'referrer_url', 'utm_source', 'utm_medium', 'utm_campaign', 'utm_term', 'utm_content', 'user_agent',
        'ip_address', 'email', 'phone', 'openid', 'http_status',
    ]) }}
    union all
    {{ coverage_of('wechat', 'followers', [
        'openid', 'unionid', 'is_subscribed', 'subscribed_at', 'subscribe_scene', 'qr_scene', 'qr_scene_str',
        'remark', 'tag_ids', 'language',
    ]) }}
    union all
    {{ coverage_of('wechat', 'tags', [
        'tag_id', 'name', 'follower_count',
    ]) }}
    union all
    {{ coverage_of('wechat', 'daily_follower_stats', [
        'ref_date', 'user_source', 'new_user', 'cancel_user', 'cumulate_user',
    ]) }}
    union all
    {{ coverage_of('wechat', 'follower_events', [
        'openid', 'created_at', 'event', 'event_key', 'ticket', 'menu_id', 'message_type',
    ]) }}
)

select
    stream,
    object,
    column_name,
    row_count,
    filled_count,
    case when row_count > 0 then cast(filled_count as double) / row_count end as filled_share
from counted
