"""dbt that waits for its command: the command's own environment, output and exit code, and nothing left behind."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines.core.settings import Settings
from pipelines.dbt.build import Dbt
from pipelines.dbt.manifest import dbt_environment
from pipelines.dbt.ready import located

LIST = ["list", "--output", "name", "--select"]


@dataclass(frozen=True)
class Done:
    """A command of dbt at its end. children: processes of this one while it ran."""

    code: int
    said: str
    children: set[int]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("build")
    return dbt_environment(Settings(data_marts=folder), "sample")


def children() -> set[int]:
    """Ids of the processes that this one started and that run."""
    own, found = os.getpid(), set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == own and fields[0] != "Z":
            found.add(int(stat.parent.name))
    return found


def run(dbt: Dbt, environment: dict[str, str], target: Path, *arguments: str) -> Done:
    lines: list[str] = []
    seen: set[int] = set()

    def said(line: str) -> None:
        lines.append(line)
        seen.update(children())

    code, _ = dbt.run(arguments, target, environment, said)
    return Done(code, "\n".join(lines), seen)


def scratches() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob(f"drugflow-dbt-{os.getpid()}-*"))


@pytest.fixture(scope="module")
def served(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[set[int], list[Done]]:
    """Two commands while one dbt waits; the processes that ran before the first."""
    folder = tmp_path_factory.mktemp("ready")
    dbt = Dbt()
    with dbt.ready(folder / "ready", environment):
        waiting = children()
        first = run(dbt, environment, folder / "target", *LIST, "dim_month")
        second = run(dbt, environment, folder / "target", *LIST, "dim_area", "--nonsense")
    assert scratches() == set(), "the folder for its temporary files is gone"
    return waiting, [first, second]


def test_the_first_command_is_run_by_the_process_that_waits(served: tuple[set[int], list[Done]]) -> None:
    waiting, (first, _) = served
    assert first.code == 0
    assert "dim_month" in first.said
    assert first.children <= waiting


def test_the_next_command_runs_by_itself_and_its_failure_is_its_exit_code(
    served: tuple[set[int], list[Done]],
) -> None:
    _, (_, second) = served
    assert second.code == 2
    assert "--nonsense" in second.said


def test_a_failure_of_the_process_that_waits_is_the_commands_exit_code(
    environment: dict[str, str], tmp_path: Path
) -> None:
    dbt = Dbt()
    with dbt.ready(tmp_path / "ready", environment):
        done = run(dbt, environment, tmp_path / "target", "list", "--nonsense")
    assert done.code == 2
    assert "nonsense" in done.said


def test_where_the_process_that_waits_has_died_the_command_runs_by_itself(
    environment: dict[str, str], tmp_path: Path
) -> None:
    dbt = Dbt()
    before = children()
    with dbt.ready(tmp_path / "ready", environment):
        (waiting,) = children() - before
        os.kill(waiting, 9)
        wait_until(lambda: waiting not in children())
        done = run(dbt, environment, tmp_path / "target", *LIST, "dim_month")
    assert (done.code, "dim_month" in done.said) == (0, True)


def test_a_process_that_is_not_needed_is_ended(environment: dict[str, str], tmp_path: Path) -> None:
    before = children()
    with Dbt().ready(tmp_path / "ready", environment):
        assert children() - before
    assert children() - before == set()
    assert scratches() == set()


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    pytest.fail("gave up waiting")


@pytest.mark.parametrize(
    ("place", "is_located"),
    [("../data_marts/history/sample", True), ("/another/history", False)],
    ids=["known", "another"],
)
def test_a_parse_that_names_another_place_of_histories_is_not_used(place: str, is_located: bool) -> None:
    """It would build the sample's figures into an official release."""
    metas = [{"external_location": f"read_parquet('{place}/{{name}}.parquet')"} for _ in range(2)]
    config = SimpleNamespace(meta=metas[0])
    source = SimpleNamespace(meta=metas[0], source_meta=metas[1], config=config)
    assert located(SimpleNamespace(sources={"cbp": source}), "/ours/history/official") is is_located
    if is_located:
        assert {m["external_location"] for m in metas} == {"read_parquet('/ours/history/official/{name}.parquet')"}
