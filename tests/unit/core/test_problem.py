"""A problem is a value: it is stored as its fields, worded in either language, and asked for its kind alone."""

from __future__ import annotations

import json
import pickle
from datetime import date
from pathlib import Path

import pytest
from pydantic import BaseModel

from pipelines.core.errors import DrugflowError, machine_refused
from pipelines.core.files import read_json, write_json
from pipelines.core.problem import Phrase, Problem, Stored, Text, as_told, read_problem
from pipelines.core.wording import VARIABLE, say
from pipelines.ingest.live.problems import RepeatableError

GONE = Problem.of("archived_file_gone", file=Path("/raw/a.csv"), source="cbp", vintage="2026-01-15")


class Account(BaseModel):
    """A stored document with a problem in it."""

    problem: Stored | None = None


# ---- words ----


def test_a_problem_is_worded_in_both_languages_with_and_without_what_to_do():
    assert GONE.said("en") == "/raw/a.csv is in its receipt but not in the archive. Restore it from a backup."
    assert GONE.said("en", advice=False) == "/raw/a.csv is in its receipt but not in the archive."
    assert GONE.said("es", advice=False) == "/raw/a.csv figura en su recibo, pero no está en el acervo."
    assert GONE.advice("es") == "Recupérelo de un respaldo."


def test_a_kind_without_advice_has_none():
    assert Problem.of("answered_refusal", file="https://x", answer="403").advice("en") == ""


def test_a_text_is_in_the_installations_language(monkeypatch: pytest.MonkeyPatch):
    error = DrugflowError("reason_says_nothing")
    assert str(error).startswith("Give a reason")
    monkeypatch.setenv(VARIABLE, "es")
    assert str(error).startswith("Escriba un motivo")
    monkeypatch.setenv(VARIABLE, "fr")
    assert str(error).startswith("Give a reason")


def test_a_problem_inside_another_is_in_the_same_language():
    outer = Problem.of("vintage_held", source="cbp", vintage="2026-01-15", found=GONE)
    assert outer.said("es", advice=False) == (
        "cbp 2026-01-15 está retenida: /raw/a.csv figura en su recibo, pero no está en el acervo."
    )
    assert outer.said("en").endswith("not in the archive. Restore it from a backup.")


def test_texts_and_phrases_among_the_values_are_in_the_same_language():
    title = Text(en="Drug seizures", es="Decomisos de drogas")
    assert Phrase.of("alert.source", source="cbp", title=title).said("es") == "cbp (Decomisos de drogas)"
    sign = Phrase.of("phrase.sample_name")
    assert Problem.of("file_is_the_sample", file="a", sign=sign).said("es").endswith("(su nombre dice SAMPLE)")


@pytest.mark.parametrize(
    ("count", "english", "spanish"),
    [(1, "Alerts go to 1 address.", "Los avisos van a 1 dirección."),
     (0, "Alerts go to 0 addresses.", "Los avisos van a 0 direcciones."),
     (1_000_000, "Alerts go to 1000000 addresses.", "Los avisos van a 1000000 direcciones.")],
)  # fmt: skip
def test_a_count_chooses_the_plural(count: int, english: str, spanish: str):
    assert (say("cli.alerts_go_to", {"count": count}, "en"), say("cli.alerts_go_to", {"count": count}, "es")) == (
        english,
        spanish,
    )


def test_numbers_are_written_as_mexico_and_the_united_states_write_them():
    told = {"file": "https://x", "announced": 1234567, "got": 8}
    for language in ("en", "es"):
        assert "1,234,567 bytes" in say("download_is_short", told, language)


def test_a_long_value_is_cut_and_its_length_told():
    value = "x" * 1500
    assert say("phrase.cut", {"text": value[:3], "characters": len(value)}, "es") == "'xxx'… (1,500 caracteres)"


def test_a_value_that_the_words_need_and_nobody_gives_is_an_error():
    with pytest.raises(KeyError):
        Problem.of("no_origin").said("en")


# ---- kinds ----


def test_a_reader_finds_the_kinds_of_causes_too():
    inner = RepeatableError("answered_busy", file="https://x", answer="503")
    outer = Problem.of("tried_in_vain", found=inner, tries=5)
    assert outer.kinds == {"tried_in_vain", "answered_busy"}
    assert Problem.of("vintage_held", found=outer).kinds == {"vintage_held", "tried_in_vain", "answered_busy"}


# ---- storing ----


def test_a_problem_is_stored_as_its_fields_and_comes_back_as_it_was(tmp_path: Path):
    outer = Problem.of("vintage_held", source="cbp", vintage="2026-01-15", found=GONE, since=date(2026, 1, 2))
    write_json(tmp_path / "a.json", {"problem": outer})
    stored = read_json(tmp_path / "a.json")["problem"]
    assert (stored["kind"], stored["source"], stored["detail"]["found"]["where"]) == (
        "vintage_held",
        "cbp",
        {"file": "/raw/a.csv"},
    )
    assert "not in the archive" not in json.dumps(stored)
    assert read_problem(stored) == outer


def test_a_sentence_that_a_version_before_stored_is_worded_as_it_is():
    told = Account.model_validate({"problem": "a.csv is empty (0 bytes)."}).problem
    assert told == as_told("a.csv is empty (0 bytes).")
    assert (told.kind, told.said("en"), told.said("es")) == ("as_told", *["a.csv is empty (0 bytes)."] * 2)


def test_an_unknown_kind_is_no_problem():
    with pytest.raises(ValueError, match="kind"):
        Problem.model_validate({"kind": "nonsense"})


def test_an_error_goes_from_one_process_to_another_with_its_problem():
    error = pickle.loads(pickle.dumps(RepeatableError("answered_busy", retry_after=4, file="https://x", answer="503")))
    assert (error.problem.kind, error.retry_after) == ("answered_busy", 4)


def test_what_the_machine_refuses_says_what_to_look_at():
    refused = machine_refused(OSError(28, "No space left on device", "/data/a"))
    assert str(refused).startswith("No space left on device: /data/a. Look at the disk's free space")
