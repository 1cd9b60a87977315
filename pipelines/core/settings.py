"""Settings of one installation: folders, origin and limits, from DRUGFLOW_* variables.

What belongs here: values an operator may change without touching code.
What does not: facts about a source (its YAML) and rules about data (clean, quality, dbt).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Self

from pydantic import Field, PrivateAttr, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipelines.core.types import Realm
from pipelines.core.wording import Language

PROJECT_ROOT = Path(__file__).resolve().parents[2]
PACKAGE = PROJECT_ROOT / "pipelines"
DBT_PROJECT = PROJECT_ROOT / "dbt_project"
SEEDS = DBT_PROJECT / "seeds"


class Settings(BaseSettings):
    """Every setting has a default that works in a fresh clone."""

    model_config = SettingsConfigDict(env_prefix="DRUGFLOW_", extra="ignore")

    origin: str | None = Field(
        default=None,
        description="sample, mirror:<folder> or live; unset: that of the current release, else sample where nothing "
        "official is archived",
    )
    data_raw: Path = Field(default=PROJECT_ROOT / "data_raw", description="the archive of the agencies' bytes")
    data_marts: Path = Field(default=PROJECT_ROOT / "data_marts", description="everything derived")
    dagster_home: Path = Field(default=PROJECT_ROOT / ".dagster_home", description="runs, events and schedules")
    keep_releases: int = Field(default=5, ge=1, description="releases kept beside the current one")
    max_unpacked_bytes: int = Field(default=8 * 1024**3, gt=0, description="largest size one archive may unpack to")
    max_unpack_ratio: int = Field(default=200, gt=0, description="largest ratio of unpacked to packed bytes")
    chunk_bytes: int = Field(default=16 * 1024**2, gt=0, description="bytes of text parsed at a time")
    lock_timeout_seconds: float = Field(default=600, ge=0, description="how long to wait for another writer")
    nightly_cron: str = Field(default="15 3 * * *", description="when the nightly refresh runs")
    nightly_timezone: str = Field(default="UTC", description="time zone of nightly_cron")
    watchdog_hours: float = Field(default=30, gt=0, description="silence after which the watchdog alerts, in hours")
    alert_urls: SecretStr | None = Field(
        default=None, description="Apprise addresses of mail, Teams, Slack or webhooks, separated by commas or blanks"
    )
    language: Language = Field(default="en", description="of the command line and of alerts: en or es")
    today: date | None = Field(default=None, description="for rehearsals: the day that counts as today")
    contact: str | None = Field(default=None, description="mail address or page that agencies read in the User-Agent")
    socrata_app_token: SecretStr | None = Field(default=None, description="optional token against Socrata's throttling")
    live_endpoints: dict[str, str] = Field(default={}, description="host: base URL that answers in its place (tests)")
    live_interval_seconds: float = Field(default=1, ge=0, description="least time between requests to one host")
    live_timeout_seconds: float = Field(default=30, gt=0, description="limit of connecting and of each read or write")
    live_deadline_seconds: float = Field(default=1800, gt=0, description="limit of one whole response")
    live_look_seconds: float = Field(default=3600, gt=0, description="limit of one whole look at a source, with tries")
    live_attempts: int = Field(default=5, ge=1, description="tries of one request or one consistent export")
    live_backoff_seconds: float = Field(default=1, ge=0, description="first wait between tries; doubled, with jitter")
    live_longest_wait_seconds: float = Field(default=120, ge=0, description="longest wait an agency may ask of a run")
    live_max_bytes: int = Field(default=2 * 1024**3, gt=0, description="largest file that is downloaded")
    live_pause_seconds: float = Field(default=900, ge=0, description="a look this young answers for the run's own")

    # No setting: a variable that is left behind must never make the current release an old one.
    _as_of: date | None = PrivateAttr(default=None)

    @property
    def as_of(self) -> date | None:
        """The day that is looked back to; None: everything that is archived counts."""
        return self._as_of

    def looking_back(self, day: date, realm: Realm, folder: Path) -> Self:
        """Settings that derive everything into ``folder`` from what the archive had published until ``day``.

        Nobody is alerted about a state of long ago.
        """
        own = self.model_copy(
            update={
                "data_marts": folder,
                "dagster_home": folder / "dagster_home",
                "origin": f"archive:{realm}",
                "alert_urls": None,
            }
        )
        own._as_of = day
        return own

    def now(self) -> datetime:
        """This moment in UTC; in a rehearsal this time of day on the day that counts as today."""
        moment = datetime.now(UTC)
        return moment if self.today is None else datetime.combine(self.today, moment.timetz())

    def stage(self, name: str, realm: Realm) -> Path:
        """Folder of one derived stage (clean, quality, history, build) for one realm."""
        return self.data_marts / name / realm

    @property
    def live(self) -> Path:
        """Folder of what the live origin remembers; losing it costs one look and one download each."""
        return self.data_marts / "live"

    @property
    def current(self) -> Path:
        """The folder link that analysts open."""
        return self.data_marts / "current"

    @property
    def releases(self) -> Path:
        """Folder of all kept releases."""
        return self.data_marts / "releases"
