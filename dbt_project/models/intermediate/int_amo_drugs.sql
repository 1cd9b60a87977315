{# Air and Marine Operations publishes fewer drugs than the other components. Only these drugs have zeros. #}
select distinct drug_id
from {{ ref('stg_cbp_amo_drug_seizures') }}
where first_vintage <= {{ as_of() }}
