"""The command line's application, and what its commands share: settings, realm, exit codes.

What belongs here: what more than one group of commands needs. What does not: commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from pipelines.core.errors import DrugflowError

if TYPE_CHECKING:
    from pipelines.core.problem import Problem
    from pipelines.core.settings import Settings
    from pipelines.core.types import Realm
    from pipelines.refresh.refresh import Progress

app = typer.Typer(
    name="drugflow",
    help="Fentanyl seizures, overdose deaths and border crossings: from the agencies' files to tested marts.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
DONE, BLOCKED, WRONG = 0, 1, 2


def load_settings(**updates: Any) -> Settings:
    """The installation's settings, with options of the command over them.

    Raises DrugflowError naming each variable that cannot be used.
    """
    from pydantic import ValidationError

    from pipelines.core.settings import Settings

    try:
        return Settings().model_copy(update={k: v for k, v in updates.items() if v is not None})
    except ValidationError as error:
        wrong = [f"DRUGFLOW_{e['loc'][0]}".upper() + f": {e['msg']}" for e in error.errors()]
        raise DrugflowError("settings_cannot_be_used", wrong=wrong) from error


def current_realm(settings: Settings) -> Realm:
    """The realm that commands speak of."""
    from pipelines.refresh.origin import realm_of

    return realm_of(settings)


def publishing_command(settings: Settings) -> str:
    """The command that publishes what was just archived: by default a refresh after a sample reads the sample again."""
    from pipelines.releases.manifest import current_manifest, newest_release

    current = current_manifest(settings) or newest_release(settings)
    is_sample = settings.origin == "sample" if settings.origin else current is None or current.realm == "sample"
    return f"drugflow refresh{' --origin archive:official' * is_sample}"


def run_job(settings: Settings, sources: list[str], progress: Progress, run: str) -> Problem | None:
    """Run the refresh job; Dagster is imported only then, beside two processes that clean and judge meanwhile."""
    from pipelines.refresh.origin import active_sources, resolve_origin
    from pipelines.refresh.workers import Workers

    workers = Workers()
    with workers.started():
        realm = resolve_origin(settings).realm
        for source in sources or active_sources():
            workers.begin(settings, realm, source, run)
        from pipelines.definitions import run_refresh_job

        return run_refresh_job(settings, sources, progress, run, workers)
