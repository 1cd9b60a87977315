"""Facts that only one source has: parts that sum to a total, years that may not change, usual ports.

What belongs here: one function a fact, named by a batch of the source's YAML. What does not: facts that
every source has (facts), bounds (the YAML).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import polars as pl

from pipelines.catalog.source import Source
from pipelines.core.settings import PROJECT_ROOT
from pipelines.quality.completeness import steady_absent
from pipelines.quality.context import Subject

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"
NATIONAL_T404 = SEEDS / "us_t404_final_monthly.csv"
JURISDICTIONS = SEEDS / "jurisdictions.csv"
AREAS = SEEDS / "areas.csv"
STATES_AND_DC = 51
SOUTHWEST = pl.col("region") == "southwest"
FENTANYL = pl.col("drug_id") == "fentanyl"
BUSY = 120
"""Events in twelve months of a series that does not pause for a month."""
MODES = pl.col("measure_id").is_in(["personal_vehicles", "pedestrians", "trucks"])
"""The three measures that may be added up: each crossing is in one of them."""
PARTS_OF_THE_US = 52
"""50 states, DC and New York City, which the publisher counts apart from New York."""


def vsrr_us_parts(source: Source, subject: Subject) -> pl.DataFrame:
    """Reported all-drug deaths of the US less its 52 parts, by month: ``us_minus_parts_deaths``.

    Months in which a part is unpublished are left out. Puerto Rico is outside the US total.
    """
    is_us, deaths = pl.col("jurisdiction_id") == "US", pl.col("deaths_reported")
    return (
        subject.rows()
        .filter(pl.col("indicator_id") == "drug_overdose", pl.col("jurisdiction_id") != "US-PR")
        .group_by("month_ending")
        .agg(
            (deaths.filter(is_us).sum() - deaths.filter(~is_us).sum()).alias("us_minus_parts_deaths"),
            (deaths.is_not_null() & ~is_us).sum().alias("parts"),
            (deaths.is_not_null() & is_us).sum().alias("nation"),
        )
        .filter((pl.col("parts") == PARTS_OF_THE_US) & (pl.col("nation") == 1))
        .select("month_ending", "us_minus_parts_deaths")
        .sort("month_ending")
        .collect()
    )


def vsrr_us_rows(source: Source, subject: Subject) -> pl.DataFrame:
    """All-drug rows of the US and its 52 parts in each month of the file, blank or not: ``nation_and_parts``."""
    if subject.partial:
        return pl.DataFrame(schema={"month_ending": pl.Date, "nation_and_parts": pl.Int64})
    counted = (pl.col("indicator_id") == "drug_overdose") & (pl.col("jurisdiction_id") != "US-PR")
    return (
        subject.rows()
        .group_by("month_ending")
        .agg(counted.sum().cast(pl.Int64).alias("nation_and_parts"))
        .sort("month_ending")
        .collect()
    )


def vsrr_nation_figures(source: Source, subject: Subject) -> pl.DataFrame:
    """Counts of each month that most jurisdictions have and the US has no figure of: ``without_nation``, or none."""
    if subject.partial:
        return pl.DataFrame(schema={"month_ending": pl.Date, "without_nation": pl.String})
    has_figure = ((pl.col("jurisdiction_id") == "US") & pl.col("deaths_reported").is_not_null()).any()
    lacking = pl.col("indicator_id").filter(~pl.col("has_figure")).sort().str.join(", ")
    return (
        subject.rows()
        .filter(pl.col("indicator_id") != "percent_specified")
        .group_by("month_ending", "indicator_id")
        .agg(has_figure=has_figure | (pl.len() <= PARTS_OF_THE_US // 2))
        .group_by("month_ending")
        .agg(pl.when(pl.col("has_figure").all()).then(pl.lit("none")).otherwise(lacking).alias("without_nation"))
        .sort("month_ending")
        .collect()
    )


def cbp_closed_years(source: Source, subject: Subject) -> pl.DataFrame:
    """Rows of each fiscal year closed here and in the accepted vintage before that differ: ``changed_rows``.

    A row differs where it is on one side only, its weight moved beyond the tolerance or its events moved.
    """
    schema = {"fiscal_year": pl.Int64, "known_rows": pl.Int64, "changed_rows": pl.Int64}
    previous = subject.previous_rows()
    if previous is None or subject.partial:
        return pl.DataFrame(schema=schema)
    tolerance = next(c.tolerance for c in source.frame if c.name == "quantity_lb")
    columns = [*source.key, "fiscal_year", "quantity_lb", "events"]
    old = previous.filter(_closed()).select(columns)
    new = subject.rows().filter(_closed()).select(columns)
    years = old.select("fiscal_year").unique().join(new.select("fiscal_year").unique(), on="fiscal_year")
    moved = (
        ((pl.col("quantity_lb") - pl.col("quantity_lb_new")).abs() > tolerance)
        | (pl.col("events") != pl.col("events_new"))
    ).fill_null(True)
    return (
        old.join(years, on="fiscal_year", how="semi")
        .join(
            new.join(years, on="fiscal_year", how="semi"),
            on=[*source.key, "fiscal_year"], how="full", coalesce=True, suffix="_new",
        )
        .group_by("fiscal_year")
        .agg(
            pl.col("events").count().cast(pl.Int64).alias("known_rows"),
            moved.sum().cast(pl.Int64).alias("changed_rows"),
        )
        .sort("fiscal_year")
        .collect()
    )  # fmt: skip


def cbp_weight_per_event(source: Source, subject: Subject) -> pl.DataFrame:
    """Pounds per event of each month over the median of the twelve months before: ``ratio_to_usual``.

    The median over drugs, because single drugs leap (one load of ketamine) and a wrong unit moves them all at once.
    """
    pounds_per_event = pl.col("quantity_lb").sum() / pl.col("events").sum()
    usual = pl.col("lb_per_event").rolling_median(12).shift(1).over("drug_id", order_by="month")
    return (
        subject.reference(source)
        .group_by("drug_id", "month")
        .agg(pounds_per_event.alias("lb_per_event"))
        .with_columns(usual.alias("usual"))
        .drop("lb_per_event")
        .join(subject.rows().group_by("drug_id", "month").agg(pounds_per_event.alias("lb_per_event")),
              on=["drug_id", "month"])
        .group_by("month")
        .agg((pl.col("lb_per_event") / pl.col("usual")).median().alias("ratio_to_usual"))
        .drop_nulls()
        .sort("month")
        .collect()
    )  # fmt: skip


def _closed() -> pl.Expr:
    september = pl.date(pl.col("fiscal_year"), 9, 1)
    year = "fiscal_year"
    return ~pl.col("is_fytd").any().over(year) & (pl.col("month").max().over(year) == september)


def cbp_areas(source: Source, subject: Subject) -> pl.DataFrame:
    """Component and region under which each area is published, with its first month: ``is_as_listed``.

    listed is what the list of areas (dbt_project/seeds/areas.csv) says of it.
    """
    place = pl.concat_str("component", "region", separator=" ")
    listed = pl.read_csv(AREAS, infer_schema=False).select("area_id", place.alias("listed"))
    return (
        subject.rows()
        .group_by("area_id", "component", "region")
        .agg(pl.col("month").min().alias("first_month"))
        .collect()
        .join(listed, on="area_id", how="left")
        .with_columns((pl.col("listed") == place).fill_null(False).alias("is_as_listed"))
        .sort("area_id", "component", "region")
    )


def cbp_closed_labels(source: Source, subject: Subject) -> pl.DataFrame:
    """Fiscal years whose label says that they are over, with their last month: ``months_to_september``.

    Nothing for an excerpt, which has the months that it has.
    """
    return (
        subject.rows()
        .group_by("fiscal_year")
        .agg(pl.col("is_fytd").any(), pl.col("month").max().alias("last_month"))
        .filter(~pl.col("is_fytd"), pl.lit(not subject.partial))
        .with_columns(september=pl.date(pl.col("fiscal_year"), 9, 1))
        .select(
            "fiscal_year",
            "last_month",
            ((pl.col("september") - pl.col("last_month")).dt.total_days() // 28).alias("months_to_september"),
        )
        .sort("fiscal_year")
        .collect()
    )


def bts_newest_measures(source: Source, subject: Subject) -> pl.DataFrame:
    """Port rows of each measure in the two newest months over its average of the twelve months before them.

    Column ``share_of_usual_rows``. A measure that this vintage has nowhere in those twelve months is
    compared with the vintage before, so that a measure that vanished has share 0.
    """
    now = _monthly_rows(subject.rows())
    if now.is_empty():
        return pl.DataFrame(schema={"month": pl.Date, "measure_id": pl.String, "share_of_usual_rows": pl.Float64})
    known = _usual_rows(now)
    previous = subject.previous_rows()
    if previous is not None:
        known = pl.concat([known, _usual_rows(_monthly_rows(previous)).join(known, on="measure_id", how="anti")])
    newest = now.select(pl.col("month").max())
    months = pl.concat([newest, newest.select(pl.col("month").dt.offset_by("-1mo"))])
    return (
        known.join(months, how="cross")
        .join(now, on=["measure_id", "month"], how="left")
        .select("month", "measure_id", (pl.col("rows").fill_null(0) / pl.col("usual")).alias("share_of_usual_rows"))
        .sort("month", "measure_id")
    )


def _monthly_rows(rows: pl.LazyFrame) -> pl.DataFrame:
    return rows.group_by("measure_id", "month").len("rows").collect()


def _usual_rows(monthly: pl.DataFrame) -> pl.DataFrame:
    last = pl.col("month").max()
    return (
        monthly.filter(pl.col("month").is_between(last.dt.offset_by("-13mo"), last.dt.offset_by("-2mo")))
        .group_by("measure_id")
        .agg(pl.col("rows").mean().alias("usual"))
    )


def wonder_national_gap(source: Source, subject: Subject) -> pl.DataFrame:
    """Published national T40.4 deaths of a month less its states, over the hidden states: ``gap_per_absent_state``.

    Only final months of the published series; the plain difference where no state is hidden.
    """
    nation = pl.scan_csv(NATIONAL_T404, try_parse_dates=True).select("month", pl.col("deaths").alias("nation"))
    absent = pl.lit(STATES_AND_DC) - pl.col("rows")
    return (
        subject.rows()
        .filter(pl.col("indicator_id") == "synthetic_opioids_t404", pl.col("basis") == "final")
        .group_by("month")
        .agg(pl.col("deaths").sum().alias("states"), pl.col("deaths").count().cast(pl.Int64).alias("rows"))
        .join(nation, on="month")
        .select(
            "month",
            ((pl.col("nation") - pl.col("states")) / pl.max_horizontal(absent, pl.lit(1))).alias(
                "gap_per_absent_state"
            ),
        )
        .sort("month")
        .collect()
    )


HIDDEN = 9
"""Largest count that the publisher hides."""


def wonder_absent_months(source: Source, subject: Subject) -> pl.DataFrame:
    """Months inside an indicator's window that no state has a row for: ``rows_around``.

    The larger number of state rows in the nearest months before and after that have any.
    """
    counts = subject.rows().group_by("indicator_id", "month").len("rows").collect()
    around = [pl.col("rows").forward_fill().over("indicator_id"), pl.col("rows").backward_fill().over("indicator_id")]
    return (
        _window(counts)
        .join(counts, on=["indicator_id", "month"], how="left")
        .sort("indicator_id", "month")
        .with_columns(pl.max_horizontal(around).cast(pl.Int64).alias("rows_around"))
        .filter(pl.col("rows").is_null())
        .select("indicator_id", "month", "rows_around")
    )


def bts_conflicting_duplicates(source: Source, subject: Subject) -> pl.DataFrame:
    """Keys whose figure was chosen among two or more that differ: ``conflicting_keys``, one row."""
    return (
        subject.rows().select(pl.col("is_resolved_duplicate").sum().cast(pl.Int64).alias("conflicting_keys")).collect()
    )


def wonder_absent_states(source: Source, subject: Subject) -> pl.DataFrame:
    """Spans of months that a state has no row for, inside its indicator's window: ``deaths_around``, largest first.

    The smaller of the state's nearest figures before and after, of any basis; the only one at an end of the window.
    """
    state = ["indicator_id", "jurisdiction_id"]
    shown = (
        subject.rows()
        .group_by(*state, "month")
        .agg(pl.col("deaths").fill_null(HIDDEN).max().cast(pl.Int64).alias("deaths"))
        .collect()
    )
    around = [pl.col("deaths").forward_fill().over(state), pl.col("deaths").backward_fill().over(state)]
    absent = pl.col("deaths").is_null()
    return (
        _window(shown)
        .join(shown.select(state).unique(), on="indicator_id")
        .join(shown, on=[*state, "month"], how="left")
        .sort(*state, "month")
        .with_columns(pl.min_horizontal(around).alias("deaths_around"), absent.rle_id().over(state).alias("span"))
        .filter(absent)
        .group_by(*state, "span")
        .agg(
            pl.col("month").min().alias("first_month"),
            pl.col("month").max().alias("last_month"),
            pl.col("deaths_around").first(),
        )
        .drop("span")
        .sort("deaths_around", *state, "first_month", descending=[True, False, False, False])
    )


def _window(rows: pl.DataFrame) -> pl.DataFrame:
    """Every month between the first and the last one of each indicator."""
    months = pl.date_range(pl.col("month").min(), pl.col("month").max(), "1mo").alias("month")
    return rows.group_by("indicator_id").agg(months).explode("month")


def census_states_per_year(source: Source, subject: Subject) -> pl.DataFrame:
    """State rows of each series and year: ``states``."""
    return (
        subject.rows()
        .filter(pl.col("area_level") == "state")
        .group_by("series", "year")
        .agg(pl.len().cast(pl.Int64).alias("states"))
        .sort("series", "year")
        .collect()
    )


def census_us_parts(source: Source, subject: Subject) -> pl.DataFrame:
    """The country less its states, by series and year with a country row: ``us_minus_parts``."""
    level, people = pl.col("area_level"), pl.col("population")
    return (
        subject.rows()
        .group_by("series", "year")
        .agg(
            (people.filter(level == "country").sum() - people.filter(level == "state").sum()).alias("us_minus_parts"),
            (level == "country").any().alias("has_country"),
        )
        .filter("has_country")
        .select("series", "year", "us_minus_parts")
        .sort("series", "year")
        .collect()
    )


def census_county_parts(source: Source, subject: Subject) -> pl.DataFrame:
    """Each state less its counties, by series and year: ``state_minus_counties``.

    Where most states have counties, one without is its whole population short.
    """
    rows = subject.rows()
    states = (
        pl.scan_csv(JURISDICTIONS, infer_schema=False)
        .filter(pl.col("fips").str.len_chars() == 2, pl.col("jurisdiction_id").str.contains("^US-[A-Z]{2}$"))
        .select(pl.col("fips"), pl.col("jurisdiction_id").alias("state"))
    )
    counties = (
        rows.filter(pl.col("area_level") == "county")
        .join(states, left_on=pl.col("geo_id").str.head(2), right_on="fips")
        .group_by("series", "state", "year")
        .agg(pl.col("population").sum().alias("counties"))
    )
    most = counties.group_by("series", "year").len().filter(pl.col("len") > STATES_AND_DC // 2).with_columns(most=True)
    return (
        rows.filter(pl.col("area_level") == "state")
        .join(most, on=["series", "year"], how="left")
        .join(counties, left_on=["series", "geo_id", "year"], right_on=["series", "state", "year"], how="left")
        .filter(pl.col("counties").is_not_null() | pl.col("most"))
        .select(
            "series",
            "geo_id",
            "year",
            (pl.col("population") - pl.col("counties").fill_null(0)).alias("state_minus_counties"),
        )
        .sort("series", "geo_id", "year")
        .collect()
    )


def _steady(
    series: list[str], weight: str, only: pl.Expr | None = None, least: int = 0
) -> Callable[[Source, Subject], pl.DataFrame]:
    return partial(steady_absent, series=series, weight=weight, only=only, least=least)


SPECIFIC: dict[tuple[str, str], Callable[[Source, Subject], pl.DataFrame]] = {
    ("cdc_vsrr_overdose", "us_parts"): vsrr_us_parts,
    ("cdc_vsrr_overdose", "us_rows"): vsrr_us_rows,
    ("cdc_vsrr_overdose", "nation_figures"): vsrr_nation_figures,
    ("cbp_drug_seizures", "weight_per_event"): cbp_weight_per_event,
    ("cbp_drug_seizures", "steady_areas"): _steady(["component", "area_id"], "events"),
    ("cbp_drug_seizures", "steady_southwest"): _steady(["component", "area_id"], "events", SOUTHWEST),
    ("cbp_drug_seizures", "steady_drugs"): _steady(["drug_id"], "events"),
    ("cbp_drug_seizures", "busy_components"): _steady(["component", "drug_id"], "events", least=BUSY),
    ("cbp_drug_seizures", "busy_fentanyl"): _steady(["component", "area_id"], "events", FENTANYL, least=BUSY),
    ("cbp_drug_seizures", "steady_series"): _steady(["component", "area_id", "drug_id"], "events"),
    ("bts_border_crossings", "steady_ports"): _steady(["port_code"], "crossings", MODES),
    ("bts_border_crossings", "steady_series"): _steady(["port_code", "measure_id"], "crossings"),
    ("cbp_drug_seizures", "areas"): cbp_areas,
    ("cbp_drug_seizures", "closed_labels"): cbp_closed_labels,
    ("cbp_amo_drug_seizures", "closed_labels"): cbp_closed_labels,
    ("cbp_drug_seizures", "closed_years"): cbp_closed_years,
    ("cbp_amo_drug_seizures", "closed_years"): cbp_closed_years,
    ("bts_border_crossings", "conflicting_duplicates"): bts_conflicting_duplicates,
    ("bts_border_crossings", "newest_measures"): bts_newest_measures,
    ("cdc_wonder_overdose", "national_gap"): wonder_national_gap,
    ("cdc_wonder_overdose", "absent_months"): wonder_absent_months,
    ("cdc_wonder_overdose", "absent_states"): wonder_absent_states,
    ("census_population", "states_per_year"): census_states_per_year,
    ("census_population", "us_parts"): census_us_parts,
    ("census_population", "county_parts"): census_county_parts,
}
