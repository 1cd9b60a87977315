"""The command line: help with examples, sentences instead of tracebacks, and exit codes that a script can use.

0 done or nothing to do; 1 something is held back, the rest is released; 2 wrong use, or nothing was released.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from pipelines.alerts.record import finish, last_refresh
from pipelines.archive.decisions import read_ledger
from pipelines.archive.sample_guard import SAMPLE_FOLDER
from pipelines.archive.vintages import list_archive
from pipelines.catalog.load import load_catalog
from pipelines.cli import main
from pipelines.core.files import write_json
from pipelines.core.problem import Phrase, as_told
from pipelines.core.settings import PROJECT_ROOT, Settings
from pipelines.ingest.origins import parse_origin
from pipelines.quality.verdict import Check, Verdict
from pipelines.refresh.origin import refuse_wrong_mirror
from pipelines.refresh.refresh import Outcome
from pipelines.releases.manifest import current_manifest, releases
from tests.unit.release.tiny import release, settings_of

COMMANDS = [
    "refresh", "status", "sources", "sql", "verify", "explain", "diff", "add", "accept", "retract", "rollback", "ui",
    "alert", "watchdog", "prepare", "new-source",
]  # fmt: skip
FIRST, SECOND = "20260115T000000Z", "20260215T000000Z"
SAMPLE = f"{FIRST}-SAMPLE"
DONE, BLOCKED, WRONG = 0, 1, 2


@dataclass
class Answer:
    """What a command did. text is what it printed on both streams, on one line."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return " ".join((self.out + self.err).split())


class Terminal:
    """An installation of its own and its command line."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.settings: Settings = settings_of(folder)
        self.folder = folder
        self._monkeypatch, self._capsys = monkeypatch, capsys
        for name in list(os.environ):
            if name.startswith("DRUGFLOW_") and name != "DRUGFLOW_REAL_DATA":
                monkeypatch.delenv(name)
        for name in ("data_raw", "data_marts", "dagster_home"):
            monkeypatch.setenv(f"DRUGFLOW_{name.upper()}", str(getattr(self.settings, name)))

    def run(self, *words: str) -> Answer:
        """Run drugflow with these words."""
        self._monkeypatch.setattr(sys, "argv", ["drugflow", *words])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        streams = self._capsys.readouterr()
        code = ended.value.code
        assert code is None or isinstance(code, int)
        answer = Answer(code or 0, streams.out, streams.err)
        assert "Traceback" not in answer.text
        return answer


@pytest.fixture
def drugflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A command line in an empty installation."""
    return Terminal(tmp_path, monkeypatch, capsys)


# ---- help ----


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(drugflow: Terminal, command: str):
    answer = drugflow.run(command, "--help")
    assert answer.code == DONE
    assert "Example:" in answer.text
    assert f"drugflow {command}" in answer.text.split("Example:")[1]


def test_the_help_lists_every_command(drugflow: Terminal):
    answer = drugflow.run("--help")
    assert answer.code == DONE
    assert [c for c in COMMANDS if f" {c} " not in answer.text] == []


def test_no_word_at_all_is_wrong_use_and_shows_the_help(drugflow: Terminal):
    answer = drugflow.run()
    assert answer.code == WRONG
    assert "refresh" in answer.text


@pytest.mark.parametrize(
    "words",
    [["refrsh"], ["refresh", "--orgin", "sample"], ["verify", "now"], ["explain"], ["add", "cdc_vsrr_overdose"],
     ["accept", "cdc_vsrr_overdose"], ["ui", "--port", "many"]],
)  # fmt: skip
def test_wrong_words_are_wrong_use(drugflow: Terminal, words: list[str]):
    assert drugflow.run(*words).code == WRONG


# ---- nothing released ----


@pytest.mark.parametrize(
    "words", [["sql", "select 1"], ["verify"], ["explain", "seizures_monthly 2024-05"], ["diff"], ["rollback"]]
)
def test_without_a_release_the_sentence_says_what_to_do(drugflow: Terminal, words: list[str]):
    answer = drugflow.run(*words)
    assert answer.code == WRONG
    assert answer.err.startswith("drugflow:")
    assert answer.out == ""


def test_without_a_release_queries_point_to_refresh(drugflow: Terminal):
    assert "run 'drugflow refresh' first" in drugflow.run("sql", "select 1").text


def test_without_a_release_the_status_says_so(drugflow: Terminal):
    answer = drugflow.run("status")
    assert answer.code == WRONG
    assert "Nothing is released yet: run drugflow refresh" in answer.text


# ---- sources ----


@pytest.mark.parametrize(
    "words",
    [["refresh", "--source", "cdc_vssr"], ["add", "cdc_vssr", "{file}", "--published", "2026-01-15"],
     ["accept", "cdc_vssr", "2026-01-15", "--reason", "it was announced"]],
    ids=["refresh", "add", "accept"],
)  # fmt: skip
def test_an_unknown_source_is_answered_with_the_known_ones(drugflow: Terminal, words: list[str]):
    file = drugflow.folder / "data.csv"
    file.write_text("a\n")
    answer = drugflow.run(*[w.format(file=file) for w in words])
    assert answer.code == WRONG
    assert "There is no source 'cdc_vssr'. Known:" in answer.text
    assert [s for s in load_catalog() if s not in answer.text] == []


def test_sources_are_listed_with_publisher_and_licence(drugflow: Terminal):
    answer = drugflow.run("sources")
    assert answer.code == DONE
    for source in load_catalog().values():
        assert source.id in answer.text
        assert source.licence.id in answer.text


def test_sources_are_listed_for_machines_too(drugflow: Terminal):
    listed = json.loads(drugflow.run("sources", "--json").out)
    assert set(listed) == set(load_catalog())
    assert listed["cdc_vsrr_overdose"]["title"]["es"] == load_catalog()["cdc_vsrr_overdose"].title.es


# ---- refresh ----


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ("ftp://agency", "is no origin: use sample, mirror:<folder>, live or archive:official"),
        ("mirror:/nowhere/at/all", "The mirror /nowhere/at/all is not a folder"),
    ],
)
def test_a_wrong_origin_is_wrong_use(drugflow: Terminal, origin: str, said: str):
    answer = drugflow.run("refresh", "--origin", origin)
    assert answer.code == WRONG
    assert said in answer.text


def test_a_sample_refresh_over_an_official_release_is_refused(drugflow: Terminal):
    release(drugflow.settings, FIRST)
    answer = drugflow.run("refresh", "--origin", "sample")
    assert answer.code == WRONG
    assert f"The current release {FIRST} is official, and a SAMPLE never replaces it" in answer.text
    assert drugflow.settings.current.readlink().name == FIRST


def source_in(mirror: Path, source: str = "cdc_vsrr_overdose") -> Path:
    """A mirror with one file of one source."""
    folder = mirror / source / "2026-01-15"
    folder.mkdir(parents=True)
    (folder / "figures.csv").write_text("State,Year\n")
    return mirror


@pytest.mark.parametrize(
    ("given", "there", "said"),
    [
        ("", [], "it is empty; check the path and that it is mounted."),
        ("", ["reports", "b"], "it has b, reports; check the path."),
        ("", ["agencies/cdc_vsrr_overdose/2026-01-15"], "did you mean mirror:{folder}/agencies?"),
        ("/cdc_vsrr_overdose", ["cdc_vsrr_overdose/2026-01-15"], "did you mean mirror:{folder}?"),
        ("", ["cdc_vsrr_overdose"], "it has cdc_vsrr_overdose; check the path."),
    ],
    ids=["empty", "other", "too_high", "too_low", "empty_sources"],
)
def test_a_mirror_without_any_file_of_a_source_is_wrong_use_and_nothing_is_done(
    drugflow: Terminal, given: str, there: list[str], said: str
):
    folder = drugflow.folder / "mirror"
    for place in ["", *there]:
        (folder / place).mkdir(parents=True, exist_ok=True)
    answer = drugflow.run("refresh", "--origin", f"mirror:{folder}{given}")
    assert answer.code == WRONG
    assert f"The mirror {folder}{given} has no files of bts_border_crossings, " in answer.text
    assert "Expected <folder>/<source>/<release date>/<files>, such as" in answer.text
    assert answer.text.endswith(said.format(folder=folder))
    assert not drugflow.settings.data_marts.exists()


def test_a_mirror_that_is_there_without_the_source_asked_for_is_wrong_use(drugflow: Terminal):
    mirror = source_in(drugflow.folder / "mirror")
    answer = drugflow.run("refresh", "--origin", f"mirror:{mirror}", "--source", "census_population")
    assert answer.code == WRONG
    assert f"The mirror {mirror} has no files of census_population. Expected" in answer.text


def test_a_source_that_was_added_by_hand_may_be_refreshed_alone_beside_a_mirror_of_others(drugflow: Terminal):
    mirror = parse_origin(f"mirror:{source_in(drugflow.folder / 'mirror')}")
    file = drugflow.folder / "population.csv"
    file.write_text("STATE,COUNTY\n")
    drugflow.run("add", "census_population", str(file), "--published", "2026-01-15")
    refuse_wrong_mirror(drugflow.settings, mirror, ["census_population"])


def test_a_mirror_that_is_not_mounted_at_night_leaves_the_release_and_is_a_refresh_that_failed(
    drugflow: Terminal, monkeypatch: pytest.MonkeyPatch
):
    release(drugflow.settings, FIRST)
    (drugflow.folder / "mirror").mkdir()
    monkeypatch.setenv("DRUGFLOW_ORIGIN", f"mirror:{drugflow.folder / 'mirror'}")
    answer = drugflow.run("refresh")
    assert answer.code == WRONG
    assert answer.text.endswith("it is empty; check the path and that it is mounted.")
    assert [m.release_id for m in releases(drugflow.settings)] == [FIRST]
    assert "it is empty; check the path and that it is mounted." in str(last_refresh(drugflow.settings).shown())


def test_status_answers_while_the_mirror_is_not_mounted(drugflow: Terminal, monkeypatch: pytest.MonkeyPatch):
    release(drugflow.settings, FIRST)
    monkeypatch.setenv("DRUGFLOW_ORIGIN", f"mirror:{drugflow.folder / 'mirror'}")
    answer = drugflow.run("status")
    assert (answer.code, "is not a folder" in answer.text) == (DONE, False)
    assert FIRST in answer.text


@pytest.mark.parametrize(
    ("failure", "blocked", "code"),
    [(None, [], DONE), (None, ["a vintage"], BLOCKED), ("Totals do not hold.", [], WRONG), ("No.", ["a"], WRONG)],
)
def test_a_refresh_that_published_nothing_is_2_though_an_older_release_stands(
    drugflow: Terminal, failure: str | None, blocked: list[str], code: int
):
    release(drugflow.settings, FIRST)
    outcome = Outcome(parse_origin("live"), True, current_manifest(drugflow.settings), blocked, failure)
    assert outcome.exit_code == code


@pytest.mark.parametrize(
    ("name", "value"),
    [("KEEP_RELEASES", "0"), ("KEEP_RELEASES", "some"), ("CHUNK_BYTES", "-1"), ("LOCK_TIMEOUT_SECONDS", "soon")],
)
def test_a_wrong_setting_is_named(drugflow: Terminal, monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    monkeypatch.setenv(f"DRUGFLOW_{name}", value)
    answer = drugflow.run("status")
    assert answer.code == WRONG
    assert f"The settings cannot be used: DRUGFLOW_{name}:" in answer.text


# ---- sql ----


def test_an_answer_goes_to_standard_output_alone(drugflow: Terminal):
    release(drugflow.settings, FIRST)
    answer = drugflow.run("sql", "select place, deaths from marts.deaths order by deaths", "--format", "csv")
    assert answer.code == DONE
    assert list(csv.reader(io.StringIO(answer.out)))[1] == ['México, "Norte"', "12"]
    assert answer.err == ""


@pytest.mark.parametrize(
    ("form", "out"),
    [("csv", f"SAMPLE,one\n{SAMPLE},1\n"), ("json", f'[\n {{\n  "SAMPLE": "{SAMPLE}",\n  "one": 1\n }}\n]\n')],
)
def test_a_samples_answer_says_so_in_itself_and_beside_it(drugflow: Terminal, form: str, out: str):
    """A file or a pipe leaves standard error behind."""
    release(drugflow.settings, SAMPLE, "sample")
    answer = drugflow.run("sql", "select 1 as one", "--format", form)
    assert (answer.out, answer.err) == (out, "SAMPLE: generated data, not official.\n")


def test_a_samples_table_says_so_below(drugflow: Terminal):
    release(drugflow.settings, SAMPLE, "sample")
    answer = drugflow.run("sql", "select 1 as one")
    assert answer.out.endswith(f"\nSAMPLE: generated data, not official, release {SAMPLE}\n")
    release(drugflow.settings, FIRST)
    assert "SAMPLE" not in drugflow.run("sql", "select 1 as one").text


@pytest.mark.parametrize(("name", "start"), [("a.csv", b"one\n"), ("a.json", b"["), ("a.xlsx", b"PK")])
def test_the_ending_of_a_file_gives_the_format(drugflow: Terminal, name: str, start: bytes):
    release(drugflow.settings, FIRST)
    answer = drugflow.run("sql", "select 1 as one", "--output", str(drugflow.folder / name))
    assert answer.code == DONE
    assert (drugflow.folder / name).read_bytes().startswith(start)


@pytest.mark.parametrize(
    "words",
    [[""], ["/* nothing */"],
     ["selct 1"], ["select cast('x' as integer)"], ["select * from marts.nothing"], ["select 1", "--format", "pdf"],
     ["select 1", "--format", "xlsx"], ["drop table marts.deaths"], ["select 1", "--output", "/nowhere/at/all.csv"]],
)  # fmt: skip
def test_a_query_that_cannot_be_answered_is_one_sentence(drugflow: Terminal, words: list[str]):
    release(drugflow.settings, FIRST)
    answer = drugflow.run("sql", *words)
    assert answer.code == WRONG
    assert answer.err.startswith("drugflow:")
    assert answer.out == ""


@pytest.mark.parametrize("word", ["[bold]", "[/]", "[red]x[/red]", "a\\[b"])
def test_brackets_in_a_sentence_are_printed_as_they_are(drugflow: Terminal, word: str):
    assert f"{word!r} is no origin" in drugflow.run("refresh", "--origin", word).text


# ---- verify, status ----


def test_verify_of_a_sample_says_that_it_proves_nothing(drugflow: Terminal):
    release(drugflow.settings, SAMPLE, "sample")
    answer = drugflow.run("verify")
    assert answer.code == DONE
    assert "0 held, 0 failed, 47 not testable here, 0 known disagreements." in answer.text
    assert "This is a SAMPLE release: its agreement with published totals proves nothing." in answer.text


def test_verify_can_be_read_by_machines(drugflow: Terminal):
    release(drugflow.settings, SAMPLE, "sample")
    outcomes = json.loads(drugflow.run("verify", "--json").out)
    assert {o["verdict"] for o in outcomes} == {"not_testable"}
    assert {"id", "value", "unit", "period"} <= set(outcomes[0]["total"])


def test_status_of_a_sample_says_sample(drugflow: Terminal):
    release(drugflow.settings, SAMPLE, "sample")
    answer = drugflow.run("status")
    assert answer.code == DONE
    assert f"SAMPLE, not official · release {SAMPLE}" in answer.text


def test_status_can_be_read_by_machines(drugflow: Terminal):
    release(drugflow.settings, SAMPLE, "sample")
    found = json.loads(drugflow.run("status", "--json").out)
    assert (found["is_sample"], found["release"]["release_id"]) == (True, SAMPLE)
    assert {s["source"] for s in found["sources"]} == set(load_catalog())


def test_status_says_of_the_last_refresh_what_the_refresh_itself_said(drugflow: Terminal):
    release(drugflow.settings, SAMPLE, "sample")
    now = datetime.now(UTC)
    finish(drugflow.settings, now, None, ["cbp_drug_seizures new: Took 2026-01-15."])
    assert drugflow.run("status").text.endswith("and went well.")
    finish(drugflow.settings, now, None, ["cdc_vsrr_overdose held: 2026-01-14 is held back: a column."])
    assert drugflow.run("status").text.endswith("and went on without: cdc_vsrr_overdose held.")
    finish(drugflow.settings, now, as_told("The marts could not be built."), [])
    answer = drugflow.run("status")
    assert answer.text.endswith("and failed: The marts could not be built.")
    assert answer.code == BLOCKED


def put_vintage(settings: Settings, source: str, vintage: str, state: str, *checks: Check, problem: str = "") -> None:
    """A judged vintage, as the quality stage leaves it."""
    verdict = Verdict(
        source=source, vintage=vintage, archive_id=vintage, fingerprint="", content="rows", state=state,
        problem=problem or None, checks=list(checks),
    )  # fmt: skip
    write_json(settings.stage("quality", "official") / source / f"{vintage}.json", verdict.model_dump())


def put_history(settings: Settings, source: str, last: str) -> None:
    """A source whose tables end in a period."""
    known = {"first_period": "2015-01-01", "last_period": last, "vintages": [last], "changes": {}}
    write_json(settings.stage("history", "official") / f"{source}.json", known)


@pytest.fixture
def official(drugflow: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A command line in an installation with an official release, and no agency to ask."""
    release(drugflow.settings, FIRST)
    monkeypatch.setenv("DRUGFLOW_ORIGIN", "archive:official")
    return drugflow


def failed(check_id: str, found: str | Phrase) -> Check:
    """A check that failed: what it found, or the sentence that a version before stored."""
    told = {"detail": found} if isinstance(found, str) else {"found": [found]}
    return Check(id=check_id, severity="critical", passed=False, failing_rows=1, **told)


def test_status_says_how_many_sources_are_late_by_how_much_and_what_to_do(
    official: Terminal, monkeypatch: pytest.MonkeyPatch
):
    """January 2025 of BTS and CBP was to come by 2025-05-18 (its end, and 75 days) and 2025-03-19 (45 days)."""
    put_history(official.settings, "bts_border_crossings", "2024-12-01")
    put_history(official.settings, "cbp_drug_seizures", "2024-12-01")
    put_history(official.settings, "census_population", "2024-07-01")
    finish(official.settings, datetime.now(UTC), None, ["cbp_drug_seizures late: The next period was expected."])
    monkeypatch.setenv("DRUGFLOW_TODAY", "2025-08-01")
    answer = official.run("status")
    days = {s["source"]: s["days_late"] for s in json.loads(official.run("status", "--json").out)["sources"]}
    (line,) = [text for text in answer.out.splitlines() if "sources are late" in text]
    bts, cbp = days["bts_border_crossings"], days["cbp_drug_seizures"]
    late = f"2 of {len(load_catalog())} sources are late"
    assert line.startswith(f"{late}: cbp_drug_seizures {cbp} days, bts_border_crossings {bts} days since")
    assert cbp == (date(2025, 8, 1) - date(2025, 3, 18)).days
    assert "Look at the agency's page" in line
    assert "'drugflow add SOURCE FILE --published YYYY-MM-DD'" in line
    assert load_catalog()["bts_border_crossings"].landing_page in answer.text
    assert answer.code == DONE
    assert "went well" not in answer.text


def test_a_check_that_the_sentence_only_names_is_told_with_its_value_and_its_page(official: Terminal):
    """A sentence has its limit; status goes on where it ends."""
    told, named = (
        failed("key_unique", "January twice"),
        failed("no_month_cut_out", "share_of_usual_rows 0 (2024-05-01)"),
    )
    problem = "key_unique failed (1 rows): January twice. Also failed: no_month_cut_out; see the validation pages."
    put_vintage(official.settings, "cbp_drug_seizures", "2026-01-15", "held", told, named, problem=problem)
    page = official.settings.stage("quality", "official") / "cbp_drug_seizures" / "2026-01-15__every_period.html"
    page.write_text("<html></html>")
    answer = official.run("status")
    assert "no_month_cut_out: share_of_usual_rows 0 (2024-05-01)" in answer.text
    assert f"Its validation: {page}" in answer.text
    assert answer.text.count("January twice") == 1


def test_an_old_file_under_a_newer_date_is_called_that(official: Terminal):
    again = failed("content_is_not_an_old_one", Phrase.of("found.found", value="2023-11-15"))
    put_vintage(official.settings, "cbp_drug_seizures", "2026-01-15", "held", again, problem="It was there before.")
    text = official.run("status").text
    assert "It is an old file under a newer date, the content of vintage 2023-11-15 again." in text
    assert "drugflow retract cbp_drug_seizures 2026-01-15" in text


def test_standing_exceptions_are_listed_with_reason_and_values(official: Terminal):
    check = failed("no_month_cut_out", "share_of_usual_rows 0.5 (2024-05-01)")
    put_vintage(official.settings, "cbp_drug_seizures", "2026-01-15", "held", check, problem="A month is short.")
    assert official.run("accept", "cbp_drug_seizures", "2026-01-15", "--reason", "CBP said so").code == DONE
    put_vintage(official.settings, "cbp_drug_seizures", "2026-01-15", "accepted_by_exception", check)
    text = official.run("status").text
    assert "cbp_drug_seizures 2026-01-15 is in the tables by an exception of " in text
    assert ": CBP said so no_month_cut_out: share_of_usual_rows 0.5 (2024-05-01)" in text


def test_a_lost_link_is_mended_by_what_status_says(official: Terminal):
    release(official.settings, SECOND)
    official.settings.current.unlink()
    answer = official.run("status")
    assert answer.code == WRONG
    assert "Nothing is released yet" not in answer.text
    assert f"'drugflow rollback --unpin' shows what is kept: {FIRST}, {SECOND}." in answer.text
    assert "'drugflow rollback --unpin'" in official.run("sql", "select 1").text
    assert official.run("rollback", "--unpin").code == DONE
    assert official.settings.current.readlink().name == SECOND
    assert official.run("status").code == DONE


def test_without_a_release_no_source_is_called_a_sample(drugflow: Terminal):
    found = json.loads(drugflow.run("status", "--json").out)
    assert {s["state"] for s in found["sources"]} == {"no_data"}


# ---- rollback ----


def test_a_rollback_says_what_analysts_see_and_how_to_go_back(drugflow: Terminal):
    release(drugflow.settings, FIRST)
    release(drugflow.settings, SECOND)
    answer = drugflow.run("rollback")
    assert answer.code == DONE
    assert f"Analysts see {FIRST} now and pinned until 'drugflow rollback --unpin'" in answer.text


def test_an_unpin_shows_the_newest(drugflow: Terminal):
    release(drugflow.settings, FIRST)
    release(drugflow.settings, SECOND)
    drugflow.run("rollback")
    assert f"Analysts see {SECOND} now" in drugflow.run("rollback", "--unpin").text


def test_an_unknown_release_is_answered_with_the_kept_ones(drugflow: Terminal):
    release(drugflow.settings, FIRST)
    answer = drugflow.run("rollback", "nonsense")
    assert answer.code == WRONG
    assert f"There is no release nonsense. Kept: {FIRST}" in answer.text


# ---- add, accept ----


def test_files_added_by_hand_are_archived(drugflow: Terminal):
    file = drugflow.folder / "vsrr.csv"
    file.write_text("State,Year\n")
    words = ["add", "cdc_vsrr_overdose", str(file), "--published", "2026-01-15", "--partial", "--note", "one indicator"]
    answer = drugflow.run(*words)
    assert answer.code == DONE
    assert "Archived cdc_vsrr_overdose 2026-01-15 (1 file). Publish it with drugflow refresh --origin" in answer.text
    (vintage,) = list_archive(drugflow.settings.data_raw, "official", "cdc_vsrr_overdose")
    assert (vintage.receipt.coverage, vintage.receipt.note) == ("partial", "one indicator")
    assert drugflow.run(*words).text.endswith("is in the archive already, byte for byte.")


@pytest.mark.parametrize(
    ("current", "command"),
    [
        (SAMPLE, "drugflow refresh --origin archive:official."),
        (None, "drugflow refresh --origin archive:official."),
        (FIRST, "drugflow refresh."),
    ],
)
def test_a_file_added_by_hand_is_published_by_the_command_that_is_named(
    drugflow: Terminal, current: str | None, command: str
):
    """Without an origin a refresh after a sample reads the sample again, which has nothing new."""
    if current:
        release(drugflow.settings, current, "sample" if current == SAMPLE else "official")
    file = drugflow.folder / "vsrr.csv"
    file.write_text("State,Year\n")
    answer = drugflow.run("add", "cdc_vsrr_overdose", str(file), "--published", "2026-01-15")
    assert answer.text.endswith(f"Publish it with {command}")
    assert "archive:official" in drugflow.run("refresh", "--help").text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{file}", "--published", "last week"], "'last week' is not a release date: expected YYYY-MM-DD"),
        (["{file}", "--published", "2062-03-15"], "2062-03-15 lies in the future"),
        (["{file}"], "--published"),
        (["{file}.gone", "--published", "2026-01-15"], "does not exist"),
        (["{file}", "{file}", "--published", "2026-01-15"], "two files named 'vsrr.csv'"),
    ],
)
def test_a_file_that_cannot_be_added_is_wrong_use(drugflow: Terminal, words: list[str], said: str):
    file = drugflow.folder / "vsrr.csv"
    file.write_text("State,Year\n")
    answer = drugflow.run("add", "cdc_vsrr_overdose", *[w.format(file=file) for w in words])
    assert answer.code == WRONG
    assert said in answer.text
    assert list_archive(drugflow.settings.data_raw, "official", "cdc_vsrr_overdose") == []


def test_a_file_of_the_sample_cannot_be_added(drugflow: Terminal):
    file = next((SAMPLE_FOLDER / "cdc_vsrr_overdose" / "2026-01-14").glob("*.gz"))
    copy = Path(shutil.copy(file, drugflow.folder / "vsrr.csv.gz"))
    for given in (file, copy):
        answer = drugflow.run("add", "cdc_vsrr_overdose", str(given), "--published", "2026-01-14")
        assert answer.code == WRONG
        assert f"{given} is generated SAMPLE data and not official" in answer.text
    assert list_archive(drugflow.settings.data_raw, "official", "cdc_vsrr_overdose") == []


def test_a_vintage_that_is_not_there_cannot_be_accepted(drugflow: Terminal):
    answer = drugflow.run("accept", "cdc_vsrr_overdose", "2026-01-15", "--reason", "it was announced")
    assert answer.code == WRONG
    assert "There is no vintage 2026-01-15 of cdc_vsrr_overdose. Known: none" in answer.text


@pytest.mark.parametrize(
    ("source", "check", "found"),
    [
        ("cdc_vsrr_overdose", "deaths_reported_range", "deaths_reported -5 (file a.csv, line 7)"),
        ("cbp_drug_seizures", "quantity_lb_not_negative", "quantity_lb -0.5 (file a.csv, line 7)"),
        ("census_population", "population_range", "population 0 (file a.csv, line 7)"),
        ("bts_border_crossings", "crossings_range", "crossings -1 (file a.csv, line 7)"),
    ],
)
def test_a_value_that_cannot_be_is_not_accepted_and_the_advice_does_not_say_so(
    official: Terminal, source: str, check: str, found: str
):
    put_vintage(official.settings, source, "2026-01-15", "held", failed(check, found), problem=f"{check} failed")
    answer = official.run("accept", source, "2026-01-15", "--reason", "the agency told us so")
    assert answer.code == WRONG
    assert f"has a value that cannot be, and no exception shows one: {check} found {found}." in answer.text
    assert f"'drugflow add {source} FILE --published 2026-01-15'" in answer.text
    assert read_ledger(official.settings.data_raw, "official") == []
    advice = official.run("status").text
    assert f"No exception covers {check}" in advice
    assert "drugflow accept" not in advice


def test_a_vintage_archived_by_mistake_is_retracted_and_keeps_its_bytes(drugflow: Terminal):
    file = drugflow.folder / "vsrr.csv"
    file.write_text("State,Year\n")
    drugflow.run("add", "cdc_vsrr_overdose", str(file), "--published", "2026-01-15")
    words = ["retract", "cdc_vsrr_overdose", "2026-01-15", "--reason"]
    answer = drugflow.run(*words, "it is another set")
    assert answer.code == DONE
    assert "takes cdc_vsrr_overdose 2026-01-15 out of every table" in answer.text
    assert drugflow.run(*words, "it is another set").code == WRONG
    unknown = drugflow.run("retract", "cdc_vsrr_overdose", "2026-01-16", "--reason", "it is another set")
    assert "There is no vintage 2026-01-16 of cdc_vsrr_overdose. Known: 2026-01-15" in unknown.text
    (vintage,) = list_archive(drugflow.settings.data_raw, "official", "cdc_vsrr_overdose")
    vintage.verify()


# ---- the real process ----


def python(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the project's Python in a process of its own."""
    environment = {**os.environ, **variables}
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, check=False, cwd=PROJECT_ROOT, env=environment
    )


def test_a_wrong_word_in_a_process_of_its_own_is_no_traceback(tmp_path: Path):
    done = python("-m", "pipelines.cli", "refresh", "--source", "nowhere", DRUGFLOW_DATA_MARTS=str(tmp_path))
    assert done.returncode == WRONG
    assert done.stderr.startswith("drugflow: There is no source 'nowhere'.")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_looking_for_changes_imports_neither_dagster_nor_dbt_nor_great_expectations():
    script = (
        "import sys, pipelines.cli, pipelines.refresh.refresh, pipelines.status.overview, pipelines.query.session;"
        "print([m for m in ('dagster', 'dbt', 'great_expectations', 'dagster_dbt') if m in sys.modules])"
    )
    done = python("-c", script)
    assert done.stdout.strip() == "[]", done.stderr


# ---- new-source ----


def test_a_new_source_is_drafted_in_the_checkout_and_the_next_steps_are_told(
    drugflow: Terminal, monkeypatch: pytest.MonkeyPatch
):
    (drugflow.folder / "pipelines" / "sources").mkdir(parents=True)
    (drugflow.folder / "pyproject.toml").touch()
    monkeypatch.setattr("pipelines.core.settings.PROJECT_ROOT", drugflow.folder)
    file = drugflow.folder / "victims.csv"
    file.write_text("Mes,Casos\n1,7\n", "utf-8")
    answer = drugflow.run("new-source", str(file), "--id", "tried")
    assert answer.code == DONE
    for name in ("pipelines/sources/tried/source.yml", "pipelines/sources/tried/clean.py", "make docs sample"):
        assert name in answer.text
    assert (drugflow.folder / "pipelines/sources/tried/source.yml").is_file()


def test_a_file_that_cannot_be_drafted_from_is_a_sentence_and_wrong_use(drugflow: Terminal):
    answer = drugflow.run("new-source", str(drugflow.folder / "absent.csv"), "--id", "tried")
    assert answer.code == WRONG
    assert "is not a file" in answer.text
