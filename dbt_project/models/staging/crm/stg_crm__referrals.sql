{{ config(unique_key='referral_id') }}

with source as (
    {{ new_loads('crm', 'referrals', 'row_errors is null') }}
),

renamed as (
    select
        -- ids
        referral_id,
        referrer_company_id,
        referrer_contact_id,
        referred_company_id,
        referred_lead_id,

        -- timestamps
        referred_at,

        -- leftovers and provenance
        properties,
        load_id,
        source_file,
        source_row
    from source
)
{{ latest_version('renamed', key=['referral_id'], version=[]) }}
