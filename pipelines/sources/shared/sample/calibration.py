"""Published national totals that the sample adds up to, with where each was published.

What belongs here: published figures and the round shape figures that stand beside them. Nothing else in
the sample is taken from an agency's data.
"""

from __future__ import annotations

from decimal import Decimal

FENTANYL_LB = {
    2019: Decimal("2803.60"),
    2020: Decimal("4791.06"),
    2021: Decimal("11201.32"),
    2022: Decimal("14699.88"),
    2023: Decimal("27022.85"),
    2024: Decimal("21889.21"),
    2025: Decimal("12027.28"),
}
"""Fentanyl seized nationwide by OFO and USBP by fiscal year, pounds. CBP, Drug Seizure Statistics
(cbp.gov/newsroom/stats/drug-seizure-statistics), files fy19-fy22 and fy23-fy26-dec."""

FENTANYL_LB_FY2026_TO_DECEMBER = Decimal("3398.28")
"""The same for October to December 2025. CBP, file fy23-fy26-dec."""

T404_DEATHS = {
    2015: (699, 735, 768, 844, 793, 706, 747, 739, 872, 980, 852, 845),
    2016: (1038, 1377, 1528, 1540, 1544, 1461, 1604, 1576, 1713, 1885, 1987, 2160),
    2017: (2454, 2274, 2348, 2236, 2334, 2340, 2278, 2388, 2486, 2400, 2386, 2542),
    2018: (2526, 2359, 2655, 2562, 2656, 2723, 2694, 2703, 2601, 2669, 2548, 2639),
    2019: (2588, 2527, 2920, 2735, 2855, 2913, 3125, 3180, 3139, 3378, 3458, 3541),
    2020: (3542, 3649, 4195, 4883, 6117, 5211, 5165, 5027, 4717, 4600, 4650, 4760),
    2021: (5543, 4890, 6236, 6272, 6159, 5939, 6076, 6150, 5981, 5915, 5604, 5836),
    2022: (5960, 5797, 6305, 5875, 6013, 5957, 6358, 6324, 6019, 6445, 6189, 6596),
    2023: (6474, 5937, 6669, 6544, 6681, 6246, 6334, 6185, 5618, 5595, 5173, 5320),
    2024: (5115, 4741, 4816, 4546, 4449, 4221, 3821, 3506, 3010, 3130, 3073, 3307),
}
"""US resident drug overdose deaths with T40.4 by month of death, January to December, final. NCHS multiple cause of
death files through CDC WONDER; the years add up to 9,580, 19,413, 28,466, 31,335, 36,359 (also in MMWR 70(6)), 56,516,
70,601, 73,838, 72,776 and 47,735. By month and not only by year, because the pipeline holds every release of
WONDER's states against this national series and seeds the derived months with it."""

OVERDOSE_DEATHS_RESIDENT = {
    2015: 52_404,
    2016: 63_632,
    2017: 70_237,
    2018: 67_367,
    2019: 70_630,
    2020: 91_799,
    2021: 106_699,
    2022: 107_941,
    2023: 105_007,
}
"""US resident drug overdose deaths by calendar year, final. NCHS Data Briefs 273, 294, 329, 356, 394, 428, 457,
491 and 522. Used for WONDER (all years) and for VSRR up to 2021, where the two differ by some tenths of a percent."""

OVERDOSE_DEATHS_VSRR = {2022: 109_413, 2023: 107_682}
"""Reported drug overdose deaths that occurred in the 12 months ending in December. CDC VSRR, January 2025."""

OVERDOSE_DEATHS_VSRR_PREDICTED = {2022: 111_029, 2023: 108_472}
"""The predicted value beside it, same release."""

OVERDOSE_DEATHS_SHAPE = {2014: 47_000, 2024: 80_000, 2025: 68_000}
"""Round figures, no published totals: years that the series need and that are calibrated to nothing."""

T404_DEATHS_SHAPE = {2014: 5_500, 2025: 35_000}
"""As above, for T40.4; the months of these two years are generated."""
