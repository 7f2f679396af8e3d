-- a reason that the report cannot name, or that its stage cannot have, is a slip of a seed
{{ config(tags=['marts']) }}

select
    j.journey_stage_id,
    j.stage,
    j.reason
from {{ ref('journey_stages') }} as j
left join {{ ref('journey_reasons') }} as r on r.stage = j.stage and r.reason = j.reason
where j.reason is not null and r.reason is null
