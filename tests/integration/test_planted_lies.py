"""Lies planted in real releases, each of which a reader of the figures could not see: all are held back.

Each is planted in the clean rows of a real vintage, after real ones, and named by the check that must find it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from pipelines.catalog.load import get_source
from pipelines.core.settings import Settings
from pipelines.quality.run import Candidate, judge
from pipelines.quality.verdict import Verdict
from pipelines.sources.modules import rules_of
from tests.conftest import installation
from tests.integration.stage_tools import copy_vintage, run_stages

CBP, VSRR, BTS = "cbp_drug_seizures", "cdc_vsrr_overdose", "bts_border_crossings"
AMO, CENSUS = "cbp_amo_drug_seizures", "census_population"
PERIOD = {CBP: "month", VSRR: "month_ending", BTS: "month", AMO: "month", CENSUS: "year"}
SCOPE = {CBP: "fiscal_year", VSRR: "indicator_id", BTS: "measure_id", AMO: "fiscal_year", CENSUS: "area_level"}
KG_IN_A_POUND = 0.45359237


@dataclass(frozen=True)
class Lie:
    """The vintage told by its file, those before it, how its rows are changed, and the check that must fail."""

    source: str
    before: tuple[str, ...]
    told: str
    change: Callable[[pl.DataFrame], pl.DataFrame]
    check: str


def without(condition: pl.Expr) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda rows: rows.filter(~condition)


def a_month_later(source: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda rows: rows.with_columns(pl.col(PERIOD[source]).dt.offset_by("1mo"))


def thinned(share: float, since: date) -> Callable[[pl.DataFrame], pl.DataFrame]:
    def change(rows: pl.DataFrame) -> pl.DataFrame:
        late = pl.col("month") >= since
        return pl.concat([rows.filter(~late), rows.filter(late).sample(fraction=1 - share, seed=1)])

    return change


def blank(condition: pl.Expr) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Without the figures of those rows, which stay."""
    return lambda rows: rows.with_columns(pl.when(~condition).then("deaths_reported").alias("deaths_reported"))


def exchanged(column: str, one: str, other: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda rows: rows.with_columns(pl.col(column).replace({one: other, other: one}))


def in_kilograms(since: date) -> Callable[[pl.DataFrame], pl.DataFrame]:
    kilograms = pl.col("quantity_lb") * KG_IN_A_POUND
    return lambda rows: rows.with_columns(
        pl.when(pl.col("month") >= since).then(kilograms).otherwise("quantity_lb").alias("quantity_lb")
    )


def is_in(**values: str | list[str]) -> pl.Expr:
    """Rows with these values."""
    return pl.all_horizontal(pl.col(c).is_in([v] if isinstance(v, str) else v) for c, v in values.items())


FY25, CUT = pl.col("month") >= date(2024, 10, 1), date(2023, 1, 1)
T404 = is_in(indicator_id="synthetic_opioids_t404")
OPEN, DECEMBER = pl.col("month") >= date(2025, 10, 1), pl.col("month") == date(2025, 12, 1)
OFO_FENTANYL = is_in(component="OFO", drug_id="fentanyl")
SAN_DIEGO_FENTANYL = OFO_FENTANYL & is_in(area_id="san_diego_field_office")
FROM_2024 = pl.col("month_ending") >= date(2024, 1, 1)
CBP_NOW = (CBP, ("2022-11-15", "2023-11-15", "2024-04-08"), "2026-01-15")
VSRR_NOW = (VSRR, ("2017-12-16", "2019-04-24", "2019-04-30", "2019-07-11", "2025-01-08"), "2025-07-16")
BTS_NOW = (BTS, ("2019-08-21", "2022-09-27"), "2025-04-01")
CBP_AGAIN = (CBP, (*CBP_NOW[1], "2026-01-15"), "2026-01-15")
BTS_AGAIN = (BTS, (*BTS_NOW[1], "2025-04-01"), "2025-04-01")
TUCSON = is_in(area_id="tucson_field_office")
JURISDICTIONS = ["US", "US-AL", "US-AK", "US-AR", "US-CO", "US-FL", "US-GA", "US-HI", "US-ID", "US-IL", "US-IN",
                 "US-IA", "US-KS", "US-KY", "US-LA", "US-MA", "US-MI", "US-MN", "US-MS", "US-MO", "US-MT"]  # fmt: skip

LIES = {
    # CBP: an absent row reads as nothing seized.
    "CBP without Yuma": Lie(*CBP_NOW, without(is_in(area_id="yuma_sector")), "closed_years_unchanged"),
    "CBP in kilograms": Lie(*CBP_NOW, in_kilograms(date(2018, 10, 1)), "weight_has_the_unit"),
    "CBP with Tucson and San Diego exchanged": Lie(
        *CBP_NOW, exchanged("area_id", "tucson_field_office", "san_diego_field_office"), "settled_figures_stand"
    ),
    "CBP: months a month later": Lie(*CBP_NOW, a_month_later(CBP), "settled_figures_stand"),
    "CBP: new months in kilograms": Lie(*CBP_NOW, in_kilograms(date(2024, 10, 1)), "weight_per_event_has_the_unit"),
    "CBP without Tucson's field office from FY2025": Lie(*CBP_NOW, without(TUCSON & FY25), "steady_areas_there"),
    "CBP without Yuma from FY2025": Lie(
        *CBP_NOW, without(is_in(area_id="yuma_sector") & FY25), "southwest_areas_there"
    ),
    "CBP without fentanyl from FY2025": Lie(*CBP_NOW, without(is_in(drug_id="fentanyl") & FY25), "steady_drugs_there"),
    "CBP without a fifth of FY2025 and FY2026": Lie(*CBP_NOW, thinned(0.2, date(2024, 10, 1)), "steady_series_there"),
    "CBP without OFO's fentanyl of the newest month": Lie(
        *CBP_NOW, without(OFO_FENTANYL & DECEMBER), "busy_drugs_there"
    ),
    "CBP without San Diego's fentanyl of the newest month": Lie(
        *CBP_NOW, without(SAN_DIEGO_FENTANYL & DECEMBER), "busy_fentanyl_areas_there"
    ),
    "CBP again without OFO's fentanyl of the open year": Lie(
        *CBP_AGAIN, without(OFO_FENTANYL & OPEN), "large_rows_stand"
    ),
    "CBP again without San Diego's fentanyl of the open year": Lie(
        *CBP_AGAIN, without(SAN_DIEGO_FENTANYL & OPEN), "large_rows_stand"
    ),
    # VSRR: a known row that is gone is withdrawn.
    "VSRR without the nation's T40.4 from 2024": Lie(
        *VSRR_NOW, without(T404 & is_in(jurisdiction_id="US") & FROM_2024), "nation_has_its_figures"
    ),
    "VSRR with a blank for the nation's T40.4 of its last month": Lie(
        *VSRR_NOW, blank(T404 & is_in(jurisdiction_id="US") & (pl.col("month_ending") == date(2025, 2, 1))),
        "nation_has_its_figures",
    ),
    "VSRR without Arizona's T40.4 from 2024": Lie(
        *VSRR_NOW, without(T404 & is_in(jurisdiction_id="US-AZ") & FROM_2024), "known_rows_stand"
    ),
    "VSRR without Arizona": Lie(*VSRR_NOW, without(is_in(jurisdiction_id="US-AZ")), "known_series_there"),
    "VSRR without Arizona and California": Lie(
        *VSRR_NOW, without(is_in(jurisdiction_id=["US-AZ", "US-CA"])), "nation_and_parts_there"
    ),
    "VSRR without T40.4": Lie(*VSRR_NOW, without(T404), "known_series_there"),
    "VSRR: T40.4 without 21 jurisdictions": Lie(
        *VSRR_NOW, without(T404 & is_in(jurisdiction_id=JURISDICTIONS)), "known_series_there"
    ),
    "VSRR without the nation's overdose deaths": Lie(
        *VSRR_NOW, without(is_in(jurisdiction_id="US", indicator_id="drug_overdose")), "nation_and_parts_there"
    ),
    "VSRR: a first file without the overdose deaths of Arizona": Lie(
        VSRR, (), "2025-07-16", without(is_in(jurisdiction_id="US-AZ", indicator_id="drug_overdose")),
        "nation_and_parts_there",
    ),
    "VSRR: a first file without Arizona's T40.4 of one month": Lie(
        VSRR, (), "2025-07-16",
        without(T404 & is_in(jurisdiction_id="US-AZ") & (pl.col("month_ending") == date(2024, 6, 1))),
        "no_series_broken",
    ),
    "VSRR again without its last two months": Lie(
        VSRR, ("2025-01-08",), "2025-01-08", without(pl.col("month_ending") > date(2024, 5, 1)), "does_not_end_earlier"
    ),
    "VSRR: months a month later": Lie(*VSRR_NOW, a_month_later(VSRR), "settled_figures_stand"),
    # BTS: an absent row is unknown, a shifted one is wrong.
    "BTS: months a month later": Lie(*BTS_NOW, a_month_later(BTS), "settled_figures_stand"),
    "BTS without San Ysidro from 2023": Lie(
        *BTS_NOW, without(is_in(port_code="2504") & (pl.col("month") >= CUT)), "steady_ports_there"
    ),
    "BTS without San Ysidro in its last two months": Lie(
        *BTS_NOW, without(is_in(port_code="2504") & (pl.col("month") >= date(2025, 1, 1))), "steady_ports_there"
    ),
    "BTS again without San Ysidro's cars of 2024": Lie(
        *BTS_AGAIN,
        without(is_in(port_code="2504", measure_id="personal_vehicles") & (pl.col("month").dt.year() == 2024)),
        "large_rows_stand",
    ),
    "BTS without 15 % of the rows from 2023": Lie(*BTS_NOW, thinned(0.15, CUT), "steady_series_there"),
    "BTS with two figures for 60 keys": Lie(
        *BTS_NOW,
        lambda rows: rows.with_columns(pl.col("is_resolved_duplicate") | (pl.row_index() < 60)),
        "few_conflicting_duplicates",
    ),
    # Census: a state whose counties are absent would have no rate below the state.
    "Census: a first file without a county of Arizona": Lie(
        CENSUS, (), "2025-03-13", without(pl.col("geo_id").str.starts_with("04")), "state_is_sum_of_counties"
    ),
    "BTS without its pedestrians": Lie(*BTS_NOW, without(is_in(measure_id="pedestrians")), "known_series_there"),
}  # fmt: skip


@dataclass(frozen=True)
class Desk:
    """The clean vintages of the real release, and a folder for lies and verdicts."""

    clean: Path
    folder: Path

    def real(self, source: str, vintage: str) -> Candidate:
        place = self.clean / source / vintage
        said = json.loads((place / "summary.json").read_text("utf-8"))
        partial = said["coverage"] == "partial"
        return Candidate(vintage, vintage, place, said["content"], partial, None, said["records"], said["rejected"])

    def told(self, lie: Lie, published: str) -> Candidate:
        """The lie as a full vintage published on that day."""
        place = self.folder / "lie"
        place.mkdir()
        rows = lie.change(pl.read_parquet(self.clean / lie.source / lie.told / "clean.parquet"))
        rows.sort(get_source(lie.source).key).write_parquet(place / "clean.parquet")
        period = pl.col(PERIOD[lie.source])
        rows.group_by(pl.col(SCOPE[lie.source]).cast(pl.String).alias("scope")).agg(
            period.min().alias("first_period"), period.max().alias("last_period")
        ).write_parquet(place / "coverage.parquet")
        return Candidate(published, published, place, "a lie", False, None, rows.height, 0)

    def judge(self, source: str, *candidates: Candidate) -> list[Verdict]:
        return judge(rules_of(get_source(source)), list(candidates), self.folder / "quality", [])


@pytest.fixture
def desk(official_release: Settings, tmp_path: Path) -> Desk:
    """The clean vintages of the release of the real files, and its verdicts, which hold where nothing changed."""
    verdicts = official_release.stage("quality", "official")
    shutil.copytree(verdicts, tmp_path / "quality", ignore=shutil.ignore_patterns("*.html"))
    return Desk(official_release.stage("clean", "official"), tmp_path)


def failed(verdict: Verdict) -> set[str]:
    """Critical checks that failed."""
    return {c.id for c in verdict.checks if not c.passed and c.severity == "critical"}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_lie_is_held_by_the_check_that_knows_it(desk: Desk, lie: Lie) -> None:
    before = [desk.real(lie.source, v) for v in lie.before]
    *good, verdict = desk.judge(lie.source, *before, desk.told(lie, published="2026-09-01"))
    assert [v.state for v in good] == ["accepted"] * len(good)
    assert verdict.state == "held"
    assert lie.check in failed(verdict)


@pytest.mark.parametrize(
    ("source", "vintage", "lost"),
    [
        (AMO, "2026-01-15", 0.1),
        (AMO, "2026-01-15", 0.02),
        (CBP, "2026-01-15", 0.1),
        (VSRR, "2025-07-16", 0.1),
        (BTS, "2025-04-01", 0.1),
    ],
)
def test_a_copy_under_the_date_of_a_good_file_that_lost_rows_is_held(
    desk: Desk, source: str, vintage: str, lost: float
) -> None:
    thin = Lie(source, (), vintage, lambda rows: rows.sample(fraction=1 - lost, seed=1), "")
    copy = replace(desk.told(thin, published=vintage), archive_id=f"{vintage}.2")
    before = sorted(p.name for p in (desk.clean / source).iterdir() if p.name <= vintage)
    *_, good, held = desk.judge(source, *(desk.real(source, v) for v in before), copy)
    assert (good.archive_id, good.state) == (vintage, "accepted")
    assert (held.archive_id, held.state) == (f"{vintage}.2", "held")


@pytest.mark.parametrize("lie", [Lie(*now, lambda rows: rows, "") for now in (CBP_NOW, VSRR_NOW, BTS_NOW)])
def test_the_same_rows_unchanged_are_accepted(desk: Desk, lie: Lie) -> None:
    before = [desk.real(lie.source, v) for v in lie.before]
    verdicts = desk.judge(lie.source, *before, desk.told(lie, published="2026-09-01"))
    assert [v.state for v in verdicts] == ["accepted"] * len(verdicts)


@pytest.mark.parametrize(
    ("source", "vintages", "old", "published"),
    [
        (VSRR, ["2019-07-11", "2025-01-08", "2025-07-16", "2026-06-27"], "2025-01-08", "2026-08-12"),
        (BTS, ["2022-09-27", "2025-04-01"], "2022-09-27", "2025-09-01"),
        (CBP, ["2022-11-15", "2023-11-15", "2024-04-08", "2026-01-15"], "2024-04-08", "2026-02-20"),
        # No fiscal year in common with the release before: only the end of the whole file tells.
        (CBP, ["2022-11-15", "2026-01-15"], "2022-11-15", "2026-02-20"),
    ],
)
def test_an_old_file_under_a_new_date_is_held(
    desk: Desk, source: str, vintages: list[str], old: str, published: str
) -> None:
    again = replace(desk.real(source, old), archive_id=published, vintage=published)
    *good, verdict = desk.judge(source, *(desk.real(source, v) for v in vintages), again)
    assert [v.state for v in good] == ["accepted"] * len(good)
    assert failed(verdict) >= {"does_not_end_earlier", "content_is_not_an_old_one"}
    assert f"the content of vintage {old} again" in str(verdict.problem)


@pytest.mark.parametrize("source", [CBP, AMO, VSRR, BTS])
def test_every_two_real_vintages_follow_each_other(desk: Desk, source: str) -> None:
    """Archives begin anywhere and have holes, so each release must pass after any earlier one; excerpts always do."""
    vintages = sorted(p.name for p in (desk.clean / source).iterdir() if not desk.real(source, p.name).partial)
    pairs = [(a, b) for a in vintages for b in vintages if a < b]
    held = [p for p in pairs if any(v.state == "held" for v in desk.judge(source, *(desk.real(source, v) for v in p)))]
    assert held == []


def test_a_full_file_of_two_new_months_with_two_rows_is_held(mirror: Path, tmp_path: Path) -> None:
    """Its months are in no other file and too few to be held against each other; absent rows would read as zeros."""
    for vintage in ("2024-04-08", "2026-01-15"):
        folder = copy_vintage(mirror, CBP, vintage, tmp_path / "mirror")
    (file,) = folder.iterdir()
    header = file.read_text("utf-8").splitlines()[0]
    place = "Office of Field Operations,Southwest Border,Land Only,LAREDO FIELD OFFICE,Fentanyl"
    rows = [f"2026 (FYTD),JAN,{place},3,12.5", f"2026 (FYTD),FEB,{place},2,7.5"]
    late = tmp_path / "mirror" / CBP / "2026-03-15"
    late.mkdir()
    (late / "x.csv").write_text("\r\n".join([header, *rows, ""]), "utf-8")
    *good, verdict = run_stages(installation(tmp_path, f"mirror:{tmp_path / 'mirror'}"), CBP)
    assert [v.state for v in good] == ["accepted", "accepted"]
    assert "months_have_their_usual_rows" in failed(verdict)
