"""What can go wrong at an agency, as sentences that say whether trying again may help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.core.errors import DrugflowError

if TYPE_CHECKING:
    from pipelines.catalog.source import Source


class LiveError(DrugflowError):
    """An agency's site did not give what was expected; trying again now would not help."""


class BlockedError(LiveError):
    """The site refuses programs: a person has to fetch the file."""


class LaterError(LiveError):
    """The site asks for a longer wait than a look may take: nothing more is asked of it until the next one."""


class DisallowedError(BlockedError):
    """robots.txt asks programs to leave one address alone; others of the site may be fetched."""


class RepeatableError(LiveError):
    """A failure that may pass. retry_after: seconds that the site asks to wait, if it does."""

    def __init__(self, sentence: str, retry_after: float | None = None):
        super().__init__(sentence)
        self.retry_after = retry_after


def by_hand(source: Source) -> str:
    """How a person gets the file of a blocked source in."""
    place = source.fetch.url or source.landing_page
    return (
        f"Download the file by hand from {place} and add it with "
        f"'drugflow add {source.id} FILE --published YYYY-MM-DD', then 'drugflow refresh'."
    )
