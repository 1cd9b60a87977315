"""Fourteen nights: what the agencies publish, what goes wrong on purpose, and what must come of it.

Every file is a real one and comes out on its true release date; a night is the one after. Nights are days apart
where nothing of note lies between. What must come of a night was reasoned from the sources' cadences and lags, never
taken from a run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from tests.agency.server import Agency, answers, breaks_off, stalls

BTS, AMO, CBP = "bts_border_crossings", "cbp_amo_drug_seizures", "cbp_drug_seizures"
VSRR, WONDER, CENSUS = "cdc_vsrr_overdose", "cdc_wonder_overdose", "census_population"
SOURCES = (BTS, AMO, CBP, VSRR, WONDER, CENSUS)
BTS_VIEW, VSRR_VIEW, VSRR_FILE = "/api/views/keg4-3bc2.json", "/api/views/xkb8-kh2a.json", "/xkb8-kh2a/rows.csv"
CBP_PAGE, CENSUS_FILE = "/document/stats/nationwide-drug-seizures", "co-est2024-alldata.csv"
WEB_PAGE = b"<!DOCTYPE html><html><title>Down for maintenance</title></html>"


@dataclass(frozen=True)
class Publication:
    """A vintage that comes out. column: a header to rename first, as (from, to); day: of release, if not the mirror's.

    by_hand: an operator adds it with 'drugflow add', with this note.
    """

    source: str
    mirror: str
    column: tuple[str, str] | None = None
    released: str | None = None
    by_hand: str | None = None

    @property
    def day(self) -> date:
        """Release date, which must become the vintage."""
        return date.fromisoformat(self.released or self.mirror)


@dataclass(frozen=True)
class Night:
    """One night. fault: its words, and what makes the agency misbehave; words: of sources that are not unchanged.

    turned, over: (source, word) that the operators must be told of. changed: whether other tables must come of it.
    """

    day: date
    words: dict[str, str]
    published: list[Publication] = field(default_factory=list)
    fault: str = ""
    misbehave: Callable[[Agency], None] = lambda _agency: None
    turned: tuple[tuple[str, str], ...] = ()
    over: tuple[tuple[str, str], ...] = ()
    changed: bool = False

    @property
    def is_told(self) -> bool:
        """Whether the same tables are released again, because an agency turned away or answers again."""
        return not self.changed and any(word in ("failing", "blocked") for _, word in (*self.turned, *self.over))


LONG_LATE = {BTS: "late", AMO: "late", CBP: "late"}
LATE = {**LONG_LATE, VSRR: "late"}


def calendar(stall_seconds: float) -> list[Night]:
    """The nights in order. stall_seconds: longer than an installation's patience with a silent site."""
    return [
        Night(
            date(2025, 2, 13),
            {BTS: "new", AMO: "new", CBP: "new", VSRR: "new", CENSUS: "failing"},
            [
                Publication(CBP, "2022-11-15"),
                Publication(CBP, "2023-11-15"),
                Publication(CBP, "2024-04-08"),
                Publication(AMO, "2022-11-15"),
                Publication(BTS, "2022-09-27"),
                Publication(VSRR, "2025-01-08"),
                Publication(CENSUS, "2021-05-04", by_hand="Vintage 2020"),
                Publication(CENSUS, "2024-12-19", by_hand="states and Puerto Rico"),
            ],
            fault="404 at Census: the file is not out yet",
            # Counties end in 2020 until the file of night 4.
            turned=((BTS, "late"), (AMO, "late"), (CBP, "late"), (CENSUS, "failing"), (CENSUS, "late")),
            changed=True,
        ),
        Night(
            date(2025, 2, 14),
            {**LONG_LATE, CENSUS: "failing"},
            fault="429 with Retry-After at CDC, once",
            misbehave=lambda a: a.fail(VSRR_VIEW, answers(429, Retry_After="1"), times=1),
        ),
        Night(date(2025, 2, 15), {**LATE, CENSUS: "failing"}, turned=((VSRR, "late"),)),
        Night(
            date(2025, 3, 14),
            {**LATE, BTS: "failing", CENSUS: "new"},
            [Publication(CENSUS, "2025-03-13")],
            fault="500 at BTS, for good",
            misbehave=lambda a: a.fail(BTS_VIEW, answers(500)),
            turned=((BTS, "failing"),),
            over=((CENSUS, "failing"), (CENSUS, "late")),
            changed=True,
        ),
        Night(
            date(2025, 4, 22),
            {**LATE, BTS: "new", WONDER: "new"},
            [
                Publication(BTS, "2025-04-01"),
                Publication(WONDER, "2025-04-21", by_hand="all drug overdose deaths, residence state x month"),
            ],
            over=((BTS, "failing"), (BTS, "late")),
            changed=True,
        ),
        Night(
            date(2025, 4, 23),
            {AMO: "late", CBP: "blocked", VSRR: "late"},
            fault="403 at CBP's page",
            misbehave=lambda a: a.fail(CBP_PAGE, answers(403)),
            turned=((CBP, "blocked"),),
        ),
        Night(
            date(2025, 4, 24),
            {AMO: "late", CBP: "blocked", VSRR: "late"},
            fault="403 at CBP's page, still",
            misbehave=lambda a: a.fail(CBP_PAGE, answers(403)),
        ),
        Night(
            date(2025, 5, 15),
            {AMO: "late", CBP: "late", VSRR: "held"},
            [Publication(VSRR, "2025-01-08", column=("Data Value", "Deaths"), released="2025-05-14")],
            fault="a renamed column in CDC's file",
            turned=((VSRR, "held"),),
            over=((CBP, "blocked"),),
            changed=True,
        ),
        Night(
            date(2025, 5, 16),
            {AMO: "late", CBP: "late", VSRR: "held", CENSUS: "failing"},
            fault="a web page with status 200 at Census",
            misbehave=lambda a: a.fail(CENSUS_FILE, answers(200, WEB_PAGE, Content_Type="text/html")),
            turned=((CENSUS, "failing"),),
        ),
        Night(
            date(2025, 7, 17),
            {**LONG_LATE, VSRR: "new", WONDER: "late"},
            [Publication(VSRR, "2025-07-16")],
            fault="a short body at CDC, once",
            misbehave=lambda a: a.fail(VSRR_FILE, breaks_off(a.sets["xkb8-kh2a"].body, reset=False), times=1),
            turned=((BTS, "late"), (WONDER, "late")),
            over=((VSRR, "held"), (VSRR, "late"), (CENSUS, "failing")),
            changed=True,
        ),
        Night(
            date(2025, 7, 18),
            {**LONG_LATE, BTS: "failing", WONDER: "late"},
            fault="BTS takes the question and stays silent",
            misbehave=lambda a: a.fail(BTS_VIEW, stalls(stall_seconds)),
            turned=((BTS, "failing"),),
        ),
        Night(date(2025, 7, 19), {**LONG_LATE, WONDER: "late"}, over=((BTS, "failing"),)),
        Night(
            date(2026, 1, 16),
            {BTS: "late", VSRR: "late", CBP: "new", AMO: "new", WONDER: "new"},
            [
                Publication(CBP, "2026-01-15"),
                Publication(AMO, "2026-01-15"),
                Publication(WONDER, "2025-10-01", by_hand="T40.4, three queries that overlap without differences"),
            ],
            turned=((VSRR, "late"),),
            over=((AMO, "late"), (CBP, "late")),
            changed=True,
        ),
        Night(date(2026, 1, 17), {BTS: "late", VSRR: "late", WONDER: "late"}),
    ]
