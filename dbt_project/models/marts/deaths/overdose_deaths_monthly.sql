{#-
Deaths of one month: published counts, final or provisional, and our own counts derived from totals of twelve months.
One basis never replaces another.
-#}
with everywhere as (
    select
        *,
        cast(null as double) as lower,
        cast(null as double) as upper,
        cast(null as date) as anchor_vintage
    from {{ ref('int_deaths_published') }}
    union all by name
    select *
    from {{ ref('int_deaths_derived') }}
)

select
    jurisdiction_id,
    month,
    indicator_id,
    basis,
    deaths,
    lower,
    upper,
    missing_reason,
    is_partial,
    is_provisional,
    is_break_affected,
    source_id,
    vintage,
    first_vintage,
    anchor_vintage
from everywhere
