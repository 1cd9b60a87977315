"""What can go wrong at an agency, as sentences that say whether trying again may help."""

from __future__ import annotations

from pipelines.vocabulary import DrugflowError


class LiveError(DrugflowError):
    """An agency's site did not give what was expected; trying again now would not help."""


class BlockedError(LiveError):
    """The site refuses programs: a person has to fetch the file."""


class RepeatableError(LiveError):
    """A failure that may pass. retry_after: seconds that the site asks to wait, if it does."""

    def __init__(self, sentence: str, retry_after: float | None = None):
        super().__init__(sentence)
        self.retry_after = retry_after
