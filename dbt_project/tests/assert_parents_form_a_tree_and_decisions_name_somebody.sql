-- what the identity step had to mend or leave aside: rings of parents, decisions on ids that nobody bears
{{ config(tags=['marts'], severity='warn') }}

select
    kind,
    subject,
    detail
from {{ source('identity', 'problems') }}
