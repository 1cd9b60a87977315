"""An installation of the rehearsal's own: below a scratch folder, with agencies and alerts on loopback."""

from __future__ import annotations

import json
import os
import sys
from datetime import date
from pathlib import Path

from pydantic import SecretStr

from pipelines.catalog.load import load_catalog
from pipelines.core.settings import Settings

DRUGFLOW = str(Path(sys.executable).with_name("drugflow"))
PATIENCE_SECONDS = 8
"""With a silent site: long enough for a busy machine, short enough for a rehearsal."""


def installation(folder: Path, agency_address: str, alert_address: str) -> Settings:
    """Settings whose every agency answers from loopback and whose alerts go to the given address."""
    hosts = {h for s in load_catalog().values() for h in s.fetch.hosts}
    return Settings(
        origin="live",
        data_raw=folder / "data_raw",
        data_marts=folder / "data_marts",
        dagster_home=folder / "dagster_home",
        live_endpoints=dict.fromkeys(hosts, agency_address),
        live_interval_seconds=0,
        live_timeout_seconds=PATIENCE_SECONDS,
        live_attempts=2,
        live_backoff_seconds=0.05,
        live_longest_wait_seconds=5,
        keep_releases=14,
        alert_urls=SecretStr(alert_address),
    )


def on(settings: Settings, day: date) -> Settings:
    """The same installation on a day that counts as today."""
    return settings.model_copy(update={"today": day})


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """Variables that make another process work on the installation."""
    named: dict[str, str] = {}
    for name in sorted(settings.model_fields_set | {"today"}):
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        if value is not None:
            named[f"DRUGFLOW_{name.upper()}"] = json.dumps(value) if isinstance(value, dict) else str(value)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DRUGFLOW_", "DAGSTER_HOME"))}
    return {**kept, **named, "DAGSTER_HOME": str(settings.dagster_home), "DAGSTER_DISABLE_TELEMETRY": "1", **more}
