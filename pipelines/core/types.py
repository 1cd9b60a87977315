"""Words that every stage shares: realms, changes, reasons for a missing value, severities.

What belongs here: names that must mean the same in every stage. What does not: logic of one stage.
"""

from __future__ import annotations

from typing import Literal

Realm = Literal["official", "sample"]
"""Official: the agencies' own files (live, mirror, added by hand). Sample: generated, proves nothing."""

SAMPLE = "SAMPLE: generated data, not official"
"""What is written wherever a figure of the realm sample shows."""

Change = Literal["added", "revised", "annotated", "withdrawn"]
"""Why a history row exists. Annotated: only a quality note changed, the figure did not."""

MissingReason = Literal["suppressed", "low_quality", "not_reported", "not_applicable", "withdrawn"]

Severity = Literal["critical", "warning", "info"]
