"""A refresh is killed three times in a row, each time a stage later, and the next one completes at once.

Every moment of tests/faults/moments.py comes once. The installation has a release and a new vintage of two sources
to take in; the answer is the release that an undisturbed refresh makes of the same archive.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.core.settings import Settings
from pipelines.releases.manifest import current_manifest
from tests.faults.afterwards import (
    QUESTION,
    assert_equal_release,
    assert_no_wait_for_a_place,
    assert_nothing_left,
    assert_one_release_at_a_time,
)
from tests.faults.moments import MOMENTS
from tests.faults.processes import Moment, analyst, duplicate, killed, run

IN_A_ROW = 3


def chains() -> list[list[tuple[str, Moment]]]:
    """All moments in order, dealt out so that those of one chain lie stages apart."""
    every = [(stage, moment) for stage, moments in MOMENTS.items() for moment in moments]
    count = -(-len(every) // IN_A_ROW)
    return [every[n::count] for n in range(count)]


def moments_of(chain: list[tuple[str, Moment]]) -> str:
    return "; ".join(f"{stage}, {moment.name}" for stage, moment in chain)


@pytest.mark.long
@pytest.mark.parametrize("chain", chains(), ids=moments_of)
def test_after_a_kill_the_next_refresh_completes_and_gives_the_release_of_an_undisturbed_one(
    chain: list[tuple[str, Moment]],
    older: Settings,
    sample_release: Settings,
    tmp_path: Path,
    record_property: pytest.FixtureRequest,
) -> None:
    record_property("moments", len(chain))
    own = duplicate(older, tmp_path).model_copy(update={"lock_timeout_seconds": 0})
    own.origin = "sample"
    before, wanted = current_manifest(own), current_manifest(sample_release)
    assert before is not None
    assert wanted is not None
    assert before.content_hash != wanted.content_hash
    with analyst(own.current, QUESTION) as seen:
        for _stage, moment in chain:
            killed(own, moment, "refresh")
        # No time to wait for a lock: one that a dead run kept would fail this refresh.
        code, said = run(own, "refresh")
    assert code == 0, said
    assert_one_release_at_a_time(seen, own)
    assert_equal_release(own, wanted)
    assert_no_wait_for_a_place(own)
    assert_nothing_left(own, sample_release)
