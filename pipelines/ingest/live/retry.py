"""Trying again: exponential waits with jitter, never shorter than the agency asks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar

from pipelines.core.settings import Settings
from pipelines.ingest.live.deadline import Deadline
from pipelines.ingest.live.problems import LaterError, LiveError, RepeatableError

if TYPE_CHECKING:
    from tenacity import RetryCallState

T = TypeVar("T")


def retry_after_seconds(header: str | None, now: datetime | None = None) -> float | None:
    """Seconds that a Retry-After header asks for, given as a number or as a date; None where it says neither."""
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def persist(settings: Settings, deadline: Deadline, attempt: Callable[[], T]) -> T:
    """Call until it succeeds or the tries or the time of the look are used up.

    Raises LiveError: the last failure's sentence with the number of tries, or that the agency asks for a longer
    wait than a run may take, or that the look took too long.
    """
    import tenacity

    backoff = tenacity.wait_exponential_jitter(
        multiplier=settings.live_backoff_seconds,
        max=settings.live_longest_wait_seconds,
        jitter=settings.live_backoff_seconds,
    )

    def wait(call: RetryCallState) -> float:
        error = call.outcome.exception() if call.outcome else None
        asked = error.retry_after if isinstance(error, RepeatableError) else None
        return max(backoff(call), asked or 0.0)

    def hopeless(call: RetryCallState) -> bool:
        error = call.outcome.exception() if call.outcome else None
        asked = error.retry_after if isinstance(error, RepeatableError) else None
        return asked is not None and asked > settings.live_longest_wait_seconds

    try:
        return tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(RepeatableError),
            stop=lambda call: call.attempt_number >= settings.live_attempts or hopeless(call) or deadline.over,
            wait=wait,
            reraise=True,
        )(attempt)
    except RepeatableError as error:
        if deadline.over:
            raise LiveError("failed_until_the_limit", found=error, limit=deadline.problem) from error
        if not error.retry_after:
            raise LiveError("tried_in_vain", found=error, tries=settings.live_attempts) from error
        kind = LaterError if error.retry_after > settings.live_longest_wait_seconds else LiveError
        asked = error.retry_after
        raise kind("tried_and_asked_to_wait", found=error, seconds=asked, tries=settings.live_attempts) from error
