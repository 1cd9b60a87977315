{#- The two parts of New York that the CDC publishes. -#}
{% macro new_york_parts() -%}
    ('US-NYC', 'US-NY-XNYC')
{%- endmacro %}

{#- The count of the whole state from a group of its parts: null if one is missing or they are of two vintages. -#}
{% macro new_york_sum(value, vintage) -%}
    case when count({{ value }}) = 2 and count(distinct {{ vintage }}) = 1 then sum({{ value }}) end
{%- endmacro %}

{#-
Overdose deaths of twelve months as of a date. US-NY is the sum of New York City and the rest of the state. It is
null if a part is null or the parts come from different vintages. Its predicted count is not published. A withdrawn
figure is missing with that reason. The percent specified is the newest known for the jurisdiction and month, with its
own vintage, because an excerpt revises figures without repeating it.
-#}
{% macro overdose_deaths(history, coverage, date_expression) %}
with {{ known_on(history, coverage, "cdc_vsrr_overdose", date_expression) }},

dated as (
    select
        states.*,
        {{ covering_vintage("states", "windows", date_expression) }} as vintage
    from states
    left join windows on states.scope = windows.scope and states.month_ending = windows.period
),

specified as (
    select
        jurisdiction_id,
        month_ending,
        percent_specified,
        vintage as percent_specified_vintage
    from dated
    where indicator_id = 'percent_specified' and percent_specified is not null
),

published as (
    select
        dated.jurisdiction_id,
        dated.month_ending,
        dated.indicator_id,
        dated.deaths_reported,
        dated.deaths_predicted,
        case
            when dated.change = 'withdrawn' then 'withdrawn'
            when dated.deaths_reported is null then coalesce(dated.missing_reason, 'not_reported')
        end as missing_reason,
        case
            when dated.deaths_predicted is not null then null
            when dated.change = 'withdrawn' then 'withdrawn'
            when dated.indicator_id = 'all_deaths' then 'not_applicable'
            else coalesce(dated.missing_reason, 'not_reported')
        end as predicted_missing_reason,
        dated.percent_complete,
        dated.percent_pending,
        specified.percent_specified,
        specified.percent_specified_vintage,
        coalesce(dated.is_provisional, false) as is_provisional,
        dated.vintage,
        dated.value_vintage as first_vintage
    from dated
    left join specified using (jurisdiction_id, month_ending)
    where dated.indicator_id <> 'percent_specified'
),

new_york as (
    select
        'US-NY' as jurisdiction_id,
        month_ending,
        indicator_id,
        {{ new_york_sum('deaths_reported', 'vintage') }} as deaths_reported,
        cast(null as bigint) as deaths_predicted,
        coalesce(max(missing_reason), 'not_reported') as part_reason,
        min(percent_complete) as percent_complete,
        max(percent_pending) as percent_pending,
        cast(null as double) as percent_specified,
        cast(null as date) as percent_specified_vintage,
        bool_or(is_provisional) as is_provisional,
        max(vintage) as vintage,
        max(first_vintage) as first_vintage
    from published
    where jurisdiction_id in {{ new_york_parts() }}
    group by month_ending, indicator_id
),

everywhere as (
    select * from published
    union all by name
    select
        * exclude (part_reason),
        case when deaths_reported is null then part_reason end as missing_reason,
        'not_applicable' as predicted_missing_reason
    from new_york
)

select
    jurisdiction_id,
    month_ending,
    indicator_id,
    cast(deaths_reported as bigint) as deaths_reported,
    cast(deaths_predicted as bigint) as deaths_predicted,
    missing_reason,
    predicted_missing_reason,
    percent_complete,
    percent_pending,
    percent_specified,
    percent_specified_vintage,
    is_provisional,
    'cdc_vsrr_overdose' as source_id,
    vintage,
    first_vintage
from everywhere
{% endmacro %}
