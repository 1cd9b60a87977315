"""What can go wrong at an agency, as errors that say whether trying again may help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.core.errors import DrugflowError
from pipelines.core.kinds import Kind
from pipelines.core.problem import Problem

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

    def __init__(self, kind: Kind | Problem, /, retry_after: float | None = None, **detail: Any):
        super().__init__(kind, **detail)
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problem, self.retry_after)


def by_hand(source: Source, refused: BlockedError) -> Problem:
    """That a site refuses programs, with how a person gets the file in."""
    place = source.fetch.url or source.landing_page
    return Problem.of("fetch_by_hand", source=source.id, refused=refused, page=place)
