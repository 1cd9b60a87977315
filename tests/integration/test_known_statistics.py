"""Statistics of the real release against published answers and against arithmetic on the raw files."""

from __future__ import annotations

from datetime import date

import duckdb
import numpy as np
import pytest
from scipy.stats import binomtest

from pipelines.core.settings import Settings
from pipelines.query.explain import explain
from tests.integration.raw_files import one, rows

NATION = "series_id = 'deaths/US/synthetic_opioids_t404'"
AREAS = 13
DRUGS = 4
SEIZURE_MONTHS = 87


@pytest.mark.parametrize(
    ("k", "months", "apc", "bic"),
    [
        (3, ["2016-11-01", "2021-08-01", "2023-07-01"], [82.3, 26.5, 6.7, -41.9], -508.6),
        (4, ["2017-01-01", "2019-10-01", "2020-05-01", "2023-06-01"], [89.7, 12.5, 140.3, 9.4, -40.8], -570.8),
    ],
)
def test_joinpoints_of_national_deaths(
    db: duckdb.DuckDBPyConnection, k: int, months: list[str], apc: list[float], bic: float
) -> None:
    found = rows(
        db,
        f"select month, apc_before, apc_after, bic, k from marts.change_points where {NATION} and k_max = {k} "
        "order by joinpoint",
    )
    assert [r[0] for r in found] == [date.fromisoformat(m) for m in months]
    assert [found[0][1], *[r[2] for r in found]] == pytest.approx(apc, abs=0.1)
    assert {(round(r[3], 1), r[4]) for r in found} == {(bic, k)}


def test_pelt_confirms_july_2023_and_not_august_2021(db: duckdb.DuckDBPyConnection) -> None:
    found = dict(
        rows(
            db,
            f"select month, confirmed_by from marts.change_points where {NATION} and k_max = 3 and joinpoint >= 2",
        )
    )
    assert found == {date(2021, 8, 1): [], date(2023, 7, 1): ["pelt_linear"]}


def test_autocorrelation_stands_beside_the_limits(db: duckdb.DuckDBPyConnection) -> None:
    found = one(
        db, f"select residual_lag1, caution from marts.change_points where {NATION} and k_max = 3 and joinpoint = 1"
    )
    assert found == (pytest.approx(0.74, abs=0.005), "joinpoint_limits_too_narrow")


def test_change_points_are_looked_for_in_every_series_that_was_promised(db: duckdb.DuckDBPyConnection) -> None:
    promised = rows(
        db,
        """
        select 'deaths/' || jurisdiction_id || '/' || indicator_id
        from marts.overdose_deaths_monthly where basis = 'final' group by all
        union
        select 'deaths/US/drug_overdose'
        union
        select measure || '/' || place || '/fentanyl'
        from (values ('southwest'), ('san_diego'), ('tucson'), ('el_paso'), ('laredo')) as places (place)
        cross join (values ('events'), ('quantity_kg')) as measures (measure)
        order by 1
        """,
    )
    assert rows(db, "select distinct series_id from marts.change_points order by 1") == promised


def test_the_nation_has_no_final_series_of_every_overdose_and_a_row_says_so(db: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        db,
        "select k_max, joinpoint, month, months, no_estimate_reason, vintage from marts.change_points "
        "where series_id = 'deaths/US/drug_overdose' order by k_max",
    )
    assert found == [(k, 0, None, 0, "no_final_series_yet", None) for k in (3, 4)]


def test_a_corridor_with_months_without_seizures_has_no_logarithm(db: duckdb.DuckDBPyConnection) -> None:
    """El Paso had months without fentanyl in the files themselves: its row says so, with no estimate."""
    seized = rows(
        db,
        "select distinct month from memory.raw.cbp where drug_id = 'fentanyl' and area_id in "
        "(select area_id from marts.dim_area where corridor_id = 'el_paso')",
    )
    assert len(seized) < SEIZURE_MONTHS
    found = rows(
        db, "select k, bic, no_estimate_reason from marts.change_points where series_id = 'events/el_paso/fentanyl'"
    )
    assert found == [(None, None, "zero_value")] * 2


def test_derived_months_against_final_ones(db: duckdb.DuckDBPyConnection) -> None:
    """Released rows against the published final series: mean absolute error 0.387 %, largest 1.768 %."""
    errors = [
        abs(ours / final - 1) * 100
        for ours, final in rows(
            db,
            """
            select ours.deaths, final.deaths
            from marts.overdose_deaths_monthly as ours
            join memory.raw.final_deaths as final using (month)
            where ours.jurisdiction_id = 'US' and ours.indicator_id = 'synthetic_opioids_t404'
            and ours.basis = 'derived' and month between date '2016-01-01' and date '2024-12-01'
            """,
        )
    ]
    assert len(errors) == 108
    assert np.mean(errors) == pytest.approx(0.387, abs=0.01)
    assert max(errors) == pytest.approx(1.768, abs=0.01)


def test_a_derived_month_is_two_totals_of_one_release_and_a_final_count(db: duckdb.DuckDBPyConnection) -> None:
    """Every national month straight from the file of 2026-06-27 and the published final series."""
    different = rows(
        db,
        """
        with totals as (
            select month_ending as month, reported, lag(reported) over (order by month_ending) as before
            from memory.raw.vsrr
            where vintage = date '2026-06-27' and jurisdiction_id = 'US' and indicator_id = 'synthetic_opioids_t404'
        )

        select totals.month, reported - before + final.deaths as expected, ours.deaths
        from totals
        join memory.raw.final_deaths as final on totals.month = final.month + interval 12 months
        full join (
            select month, deaths from marts.overdose_deaths_monthly
            where jurisdiction_id = 'US' and indicator_id = 'synthetic_opioids_t404' and basis = 'derived'
        ) as ours on totals.month = ours.month
        where ours.deaths is distinct from reported - before + final.deaths
        """,
    )
    assert different == []


def test_an_unfinished_tail_has_no_band(db: duckdb.DuckDBPyConnection) -> None:
    """The newest twelve months still grow: read as counts they would look like a fall."""
    found = one(
        db,
        "select max(month) filter (where lower is not null), max(month) from marts.overdose_deaths_monthly "
        "where jurisdiction_id = 'US' and basis = 'derived'",
    )
    assert found == (date(2025, 1, 1), date(2025, 12, 1))


def test_nothing_is_derived_without_a_final_count_of_the_year_before(db: duckdb.DuckDBPyConnection) -> None:
    orphans = rows(
        db,
        """
        select derived.* from marts.overdose_deaths_monthly as derived
        left join marts.overdose_deaths_monthly as anchor
            on derived.jurisdiction_id = anchor.jurisdiction_id and derived.indicator_id = anchor.indicator_id
            and derived.month = anchor.month + interval 12 months and anchor.basis = 'final'
        where derived.basis = 'derived' and anchor.deaths is null
        """,
    )
    assert orphans == []


@pytest.mark.parametrize(("releases", "published"), [(4, [0.9759, 0.9842, 0.9892, 0.9915])])
def test_the_revision_profile_of_the_nation(
    db: duckdb.DuckDBPyConnection, releases: int, published: list[float]
) -> None:
    """Median of four releases over that of 2026-06-27; that of 2025-07 is younger than a year before it."""
    found = rows(
        db,
        "select completeness_median, releases from marts.revision_profile where jurisdiction_id = 'US' "
        "and indicator_id = 'synthetic_opioids_t404' and lag <= 3 order by lag",
    )
    assert [r[0] for r in found] == pytest.approx(published, abs=0.0005)
    assert {r[1] for r in found} == {releases}


def test_new_york_as_a_whole_has_a_profile_and_a_newest_figure_of_its_two_parts(db: duckdb.DuckDBPyConnection) -> None:
    """The newest months, and how complete the newest one of earlier releases was, from sums in the files."""
    city_and_rest = (
        "select month_ending, vintage, sum(reported) as deaths from memory.raw.vsrr where indicator_id = "
        "'synthetic_opioids_t404' and jurisdiction_id in ('US-NYC', 'US-NY-XNYC') "
        "group by all having count(reported) = 2"
    )
    newest = rows(
        db, f"select month_ending, deaths from ({city_and_rest}) where vintage = date '2026-06-27' order by 1"
    )
    ours = "from marts.nowcast where jurisdiction_id = 'US-NY' and indicator_id = 'synthetic_opioids_t404'"
    assert rows(db, f"select month_ending, deaths_reported {ours} order by 1") == newest[-13:]
    assert rows(db, f"select distinct deaths_predicted {ours}") == [(None,)]
    lag_0 = rows(
        db,
        f"""
        with parts as ({city_and_rest}),

        released as (
            select vintage, max(month_ending) as newest from memory.raw.vsrr
            where vintage <= date '2025-01-08' and vintage <> date '2019-04-30' group by vintage
        )

        select old.deaths / new.deaths
        from released
        join parts as old on old.vintage = released.vintage and old.month_ending = released.newest
        join parts as new on new.vintage = date '2026-06-27' and new.month_ending = old.month_ending
        """,
    )
    found = one(
        db,
        "select completeness_median, releases from marts.revision_profile where jurisdiction_id = 'US-NY' "
        "and indicator_id = 'synthetic_opioids_t404' and lag = 0",
    )
    assert found == (pytest.approx(np.median([r for (r,) in lag_0])), len(lag_0))


def test_completeness_of_one_release_over_the_newest(db: duckdb.DuckDBPyConnection) -> None:
    """2025-01-08 over 2026-06-27, lags 0 to 3, from the history and from the files."""
    query = """
        select old.{0} / new.{0} from {1} as old join {2} as new using (jurisdiction_id, indicator_id, month_ending)
        where jurisdiction_id = 'US' and indicator_id = 'synthetic_opioids_t404'
        and month_ending between date '2024-04-01' and date '2024-07-01' {3} order by month_ending desc
    """
    released = query.format(
        "deaths_reported", "overdose_deaths_as_of(date '2025-01-08')", "marts.overdose_deaths_12mo", ""
    )
    dates = "and old.vintage = date '2025-01-08' and new.vintage = date '2026-06-27'"
    raw = query.format("reported", "memory.raw.vsrr", "memory.raw.vsrr", dates)
    assert [r[0] for r in rows(db, released)] == pytest.approx([0.9698, 0.9822, 0.9912, 0.9973], abs=0.0005)
    assert rows(db, released) == rows(db, raw)


def test_too_few_vintages_is_said_and_nothing_is_extrapolated(db: duckdb.DuckDBPyConnection) -> None:
    found = rows(db, "select distinct no_estimate_reason, nowcast, lower, upper from marts.nowcast order by 1")
    assert found == [("not_reported", None, None, None), ("too_few_vintages", None, None, None)]


def test_lead_and_lag_in_levels_and_without_the_trend(db: duckdb.DuckDBPyConnection) -> None:
    found = rows(db, "select lag, levels, differences, differences_limit, months from marts.lead_lag order by lag")
    levels = {r[0]: r[1] for r in found}
    assert [levels[lag] for lag in range(5, 10)] == pytest.approx([0.823, 0.824, 0.842, 0.836, 0.823], abs=0.005)
    assert max(levels, key=lambda lag: levels[lag]) == 7
    assert [r[0] for r in found if abs(r[2]) > r[3]] == [-9, 7]
    assert {(round(r[3], 3), r[4]) for r in found} == {(0.228, 75)}


def test_levels_are_pearsons_on_the_raw_files(db: duckdb.DuckDBPyConnection) -> None:
    pairs = rows(
        db,
        """
        with seized as (
            select month, sum(pounds) as lb from memory.raw.cbp_now where drug_id = 'fentanyl' group by month
        )

        select ln(lb), ln(deaths)
        from memory.raw.final_deaths as final join seized on seized.month = final.month + interval 7 months
        where final.month >= date '2018-10-01' and seized.month <= date '2024-12-01'
        """,
    )
    ours = one(db, "select levels, levels_pairs, caution from marts.lead_lag where lag = 7")
    assert ours == (pytest.approx(np.corrcoef(np.transpose(pairs))[0, 1]), 68, "lead_lag_shared_trend")


def test_anomalies_are_looked_for_where_they_were_promised(db: duckdb.DuckDBPyConnection) -> None:
    found = rows(db, "select measure, count(distinct series_id), count(*) from marts.anomalies group by all order by 1")
    series = AREAS * DRUGS
    assert found == [
        ("deaths", 1, 120),
        ("events", series, series * SEIZURE_MONTHS),
        ("quantity_kg", series, series * SEIZURE_MONTHS),
    ]


def test_an_observed_month_is_that_of_the_facts(db: duckdb.DuckDBPyConnection) -> None:
    different = rows(
        db,
        """
        select anomalies.series_id, month, observed, value
        from marts.anomalies
        join marts.seizure_trends as trends
            using (month, measure)
        where trends.scope = 'area' and trends.scope_id = place_id and trends.drug_id = topic_id
        and value is distinct from observed
        """,
    )
    assert different == []


def test_a_level_is_given_by_deviation_and_adjusted_probability(db: duckdb.DuckDBPyConnection) -> None:
    wrong = rows(
        db,
        """
        select * from marts.anomalies
        where (level = 'alert') is distinct from (abs(z) > 3 and p_adjusted < 0.05)
        or (level = 'none') is distinct from (abs(z) <= 2 or (p >= 0.05 and not (abs(z) > 3 and p_adjusted < 0.05)))
        or (level_by_z = 'alert') is distinct from (abs(z) > 3) or (level_by_z = 'none') is distinct from (abs(z) <= 2)
        or (level is null) <> (no_estimate_reason is not null) or p_adjusted < p
        """,
    )
    assert wrong == []


def test_the_months_of_the_handbook_stand_out(db: duckdb.DuckDBPyConnection) -> None:
    months = rows(db, "select month from marts.anomalies where measure = 'deaths' and level = 'alert' order by 1")
    assert [m.isoformat()[:7] for (m,) in months] == ["2020-04", "2020-05", "2023-11", "2024-02"]
    shares = "select measure, round(100 * avg((level <> 'none')::int), 1) from marts.anomalies group by 1 order by 1"
    assert rows(db, shares)[1:] == [("events", 1.8), ("quantity_kg", 10.1)]


def test_no_alert_of_events_is_what_counting_alone_gives(db: duckdb.DuckDBPyConnection) -> None:
    """Against what was expected, by scipy: none of them, and El Paso sector's 2 for 6.6 is no longer one."""
    alerts = rows(db, "select observed, expected from marts.anomalies where measure = 'events' and level = 'alert'")
    assert alerts
    for observed, expected in alerts:
        total = round(observed + 12 * expected)
        tails = [binomtest(int(observed), total, 1 / 13, side).pvalue for side in ("less", "greater")]
        assert 2 * min(tails) < 0.05, (observed, expected)
    el_paso = "select observed, round(expected, 1), round(p, 2), level from marts.anomalies "
    where = "where series_id = 'events/el_paso_sector/cocaine' and month = date '2021-11-01'"
    assert one(db, el_paso + where) == (2, 6.6, 0.09, "none")


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("change_points deaths/US/synthetic_opioids_t404 3 3", "also found by pelt_linear"),
        ("change_points events/el_paso/fentanyl 3 0", "There is no joinpoint: zero_value"),
        ("anomalies quantity_kg/tucson_field_office/fentanyl 2023-05", "marts.seizure_trends"),
        ("lead_lag 7", "both as logarithms"),
        ("revision_profile cdc_vsrr_overdose US synthetic_opioids_t404 0", "4 vintages at least a year older"),
        ("nowcast US 2026-01 synthetic_opioids_t404", "There is no nowcast: too_few_vintages (4 earlier vintages)"),
        ("overdose_deaths_monthly US 2024-03 synthetic_opioids_t404 derived", "the final deaths of 2023-03-01"),
    ],
)
def test_a_statistic_leads_to_the_series_that_it_was_made_of(
    official_release: Settings, question: str, sentence: str
) -> None:
    found = explain(official_release, question)
    assert any(sentence in step for step in found.steps), found.steps
    assert found.facts or question.startswith(("lead_lag", "revision_profile"))


def test_the_sample_has_every_statistic_too(sample_release: Settings) -> None:
    path = sample_release.current.resolve() / "drugflow.duckdb"
    tables = ("change_points", "anomalies", "lead_lag", "revision_profile", "nowcast")
    with duckdb.connect(str(path), read_only=True) as sample:
        counts = {t: sample.execute(f"select count(*) from marts.{t}").fetchone() for t in tables}
        derived = sample.execute("select count(deaths) from marts.overdose_deaths_monthly where basis = 'derived'")
        assert all(count and count[0] for count in counts.values()), counts
        assert derived.fetchone() != (0,)
