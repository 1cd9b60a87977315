with months as (
    select cast(month as date) as month
    from generate_series(date '2022-01-01', date '2024-12-01', interval 1 month) as months(month)
)

select '2604' as port_code, 'trucks' as measure_id, month, cast(240 as bigint) as crossings
from months where month <> date '2023-06-01'
union all
select '2608', 'trucks', month, 70 from months where month between date '2023-01-01' and date '2024-09-01'
union all
select '2603', 'trucks', month, 130 from months where month between date '2023-01-01' and date '2024-10-01'
union all
select '2606', 'trucks', date '2022-06-01', 36
union all
select '2606', 'trucks', date '2022-08-01', 60