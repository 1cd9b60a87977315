select
    '2604' as port_code, cast(month as date) as month, 'trucks' as measure_id, cast(10 as bigint) as crossings,
    false as is_partial, false as is_suspect, date '2024-04-01' as vintage
from generate_series(date '2022-06-01', date '2023-07-01', interval 1 month) as months(month)
where month <> date '2022-07-01'