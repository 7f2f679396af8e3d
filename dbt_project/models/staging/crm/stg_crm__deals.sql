{{ config(unique_key='deal_id') }}

with source as (
    {{ new_loads('crm', 'deals', 'row_errors is null') }}
),

renamed as (
    select
        -- ids
        deal_id,
        company_id,
        owner_id,

        -- strings
        name,
        product,
        currency,
        pipeline,
        stage,
        closed_reason,
        competitor,
        prior_solution,

        -- numbers
        amount,
        probability,
        discount_pct,
        presales_hours,

        -- booleans
        is_closed,
        is_won,
        is_deleted,

        -- timestamps
        created_at,
        closed_at,
        updated_at,

        -- leftovers and provenance
        properties,
        load_id,
        source_file,
        source_row
    from source
)
{{ latest_version('renamed', key=['deal_id'], version=['updated_at']) }}
