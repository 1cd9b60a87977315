"""A source that no agency has, for tests of the steps that every source takes."""

from __future__ import annotations

from typing import Any


def described(**said: Any) -> dict[str, Any]:
    """A description of figures by month, with what the test says instead or besides."""
    return {
        "id": "tried",
        "title": {"en": "Tried", "es": "Probada"},
        "description": {"en": "A source for tests.", "es": "Una fuente para pruebas."},
        "publisher": "Nobody",
        "landing_page": "https://example.org/tried",
        "licence": {"id": "CC0", "text": "No rights reserved"},
        "subject": "crossings",
        "cadence": "monthly",
        "expected_lag_days": 45,
        "fetch": {"kind": "manual", "note": "There is no page to fetch it from."},
        "columns": [{"id": "month", "names": ["Month"]}, {"id": "count", "names": ["Count"], "type": "integer"}],
        "frame": [
            {"name": "month", "type": "date", "role": "key"},
            {"name": "count", "type": "integer", "role": "value"},
        ],
        "period": "month",
        "notes": dict.fromkeys(("coverage", "missingness", "revisions"), "Nothing is known of it yet."),
    } | said
