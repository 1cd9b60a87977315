"""Where and how much the sample's seizures are: areas, round national levels, shares.

What belongs here: tables of shape for cbp. All are round figures of our own; the published totals are in
calibration.py. What does not: drawing or writing rows.
"""

from __future__ import annotations

from dataclasses import dataclass

OFO, USBP = "Office of Field Operations", "U.S. Border Patrol"
SOUTHWEST, NORTHERN, INTERIOR = "Southwest Border", "Northern Border", "Coastal/Interior"
FISCAL_YEARS = range(2019, 2027)
FISCAL_MONTHS = ("OCT", "NOV", "DEC", "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP")
DRUGS = ("Cocaine", "Ecstasy", "Fentanyl", "Heroin", "Ketamine", "Khat (Catha Edulis)", "Lsd", "Marijuana",
         "Methamphetamine", "Other Drugs**")  # fmt: skip


@dataclass(frozen=True)
class Area:
    """An area of responsibility. fentanyl: its share of weight in FY2019 and FY2025, per mille."""

    name: str
    component: str
    region: str
    weight: int
    fentanyl: tuple[int, int] = (0, 0)


def _areas(component: str, region: str, text: str) -> list[Area]:
    kind = "FIELD OFFICE" if component == OFO else "SECTOR"
    rows = [cell.split(":") for cell in text.split(",")]
    return [Area(f"{r[0].strip()} {kind}", component, region, int(r[1]), (int(r[2]), int(r[3]))) for r in rows]


AREAS = [
    *_areas(OFO, SOUTHWEST, "EL PASO:90:25:30,LAREDO:120:12:12,SAN DIEGO:150:600:330,TUCSON:80:230:490"),
    *_areas(USBP, SOUTHWEST, "BIG BEND:14:1:4,DEL RIO:20:1:1,EL CENTRO:18:14:14,EL PASO:22:8:6,LAREDO:26:1:1"),
    *_areas(USBP, SOUTHWEST, "RIO GRANDE VALLEY:40:1:1,SAN DIEGO:26:60:50,TUCSON:50:20:40,YUMA:16:10:25"),
    *_areas(OFO, NORTHERN, "BOSTON:12:1:1,BUFFALO:55:2:1,DETROIT:60:2:1,PORTLAND:6:0:0,SEATTLE:40:2:1"),
    *_areas(USBP, NORTHERN, "BLAINE:3:1:1,BUFFALO:2:0:0,DETROIT:3:1:0,GRAND FORKS:1:0:0,HAVRE:1:0:0"),
    *_areas(USBP, NORTHERN, "HOULTON:1:0:0,SPOKANE:3:1:0,SWANTON:2:0:0"),
    *_areas(OFO, INTERIOR, "ATLANTA:22:1:0,BALTIMORE:20:1:1,CHICAGO:110:4:2,HOUSTON:12:1:0,LOS ANGELES:70:3:2"),
    *_areas(OFO, INTERIOR, "MIAMI:50:2:1,NEW ORLEANS:60:3:1,NEW YORK:60:4:2,PRECLEARANCE:9:0:0"),
    *_areas(OFO, INTERIOR, "SAN FRANCISCO:60:2:1,SAN JUAN:20:2:1,TAMPA:6:0:0"),
    *_areas(USBP, INTERIOR, "MIAMI:4:0:0,NEW ORLEANS:3:1:0,RAMEY:2:0:0"),
]
"""The 41 areas of CBP's file; weight is a share of events of the average drug."""

EVENTS = {
    "Cocaine": (3000, 3100, 3600, 3300, 3300, 3500, 3400, 3300),
    "Ecstasy": (1900, 1500, 1100, 1000, 1000, 1100, 1100, 1000),
    "Fentanyl": (800, 1150, 1500, 1480, 1340, 1120, 950, 760),
    "Heroin": (1600, 1300, 1000, 650, 500, 400, 350, 300),
    "Ketamine": (700, 900, 1300, 1500, 1700, 1900, 2000, 2000),
    "Khat (Catha Edulis)": (1500, 1300, 1900, 1800, 1300, 1200, 1100, 1000),
    "Lsd": (350, 420, 500, 450, 350, 320, 300, 280),
    "Marijuana": (28000, 31000, 38000, 26000, 20000, 22000, 21000, 20000),
    "Methamphetamine": (6500, 6800, 7200, 6200, 5600, 5600, 5300, 5000),
    "Other Drugs**": (12000, 14000, 15000, 13500, 13000, 14500, 14000, 13500),
}
"""National events by fiscal year 2019..2026; 2026 is a yearly rate of which three months are drawn."""

POUNDS = {
    "Cocaine": (90000, 60000, 95000, 70000, 80000, 65000, 70000, 72000),
    "Ecstasy": (3000, 2500, 1500, 1500, 2000, 2500, 2500, 2500),
    "Heroin": (6000, 5600, 5200, 2000, 1500, 1000, 900, 800),
    "Ketamine": (900, 1200, 2500, 4000, 7000, 9000, 10000, 10000),
    "Khat (Catha Edulis)": (120000, 100000, 140000, 150000, 100000, 90000, 80000, 80000),
    "Lsd": (60, 50, 60, 60, 50, 50, 40, 40),
    "Marijuana": (550000, 580000, 320000, 160000, 150000, 170000, 180000, 180000),
    "Methamphetamine": (120000, 170000, 190000, 170000, 140000, 160000, 150000, 150000),
    "Other Drugs**": (50000, 60000, 70000, 80000, 70000, 75000, 80000, 80000),
}
"""National pounds by fiscal year, all drugs but fentanyl, which has published totals."""

BORDER_SHARE = {
    "Cocaine": 55, "Ecstasy": 12, "Fentanyl": 88, "Heroin": 75, "Ketamine": 12, "Khat (Catha Edulis)": 1, "Lsd": 8,
    "Marijuana": 55, "Methamphetamine": 88, "Other Drugs**": 40,
}  # fmt: skip
"""Percent of a drug's events on the Southwest Border."""

SPARSE = {
    "Cocaine": 0.2, "Ecstasy": 0.5, "Fentanyl": 0.35, "Heroin": 0.45, "Ketamine": 0.5, "Khat (Catha Edulis)": 0.6,
    "Lsd": 0.6, "Marijuana": 0.1, "Methamphetamine": 0.25, "Other Drugs**": 0.1,
}  # fmt: skip
"""Share of the areas off the Southwest Border that never see the drug."""
