"""Facts about AMO's seizures: fiscal years that are over."""

from __future__ import annotations

from pipelines.quality.context import Fact
from pipelines.sources.shared.cbp_facts import closed_labels, closed_years

FACTS: dict[str, Fact] = {
    "closed_labels": closed_labels,
    "closed_years": closed_years,
}
"""The function behind each batch of the YAML that only this source has."""
