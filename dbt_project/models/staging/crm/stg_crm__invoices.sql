{{ config(unique_key='invoice_id') }}

with source as (
    {{ new_loads('crm', 'invoices', 'row_errors is null') }}
),

renamed as (
    select
        -- ids
        invoice_id,
        company_id,
        deal_id,

        -- strings
        currency,

        -- numbers
        amount,
        cost_amount,

        -- booleans
        is_deleted,

        -- timestamps
        issued_at,
        due_at,
        paid_at,
        updated_at,

        -- leftovers and provenance
        properties,
        load_id,
        source_file,
        source_row
    from source
)
{{ latest_version('renamed', key=['invoice_id'], version=['updated_at']) }}
