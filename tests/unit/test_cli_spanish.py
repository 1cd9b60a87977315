"""The command line in Spanish: DRUGFLOW_LANGUAGE=es, the same commands, the same exit codes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipelines.alerts.record import finish
from pipelines.core.files import write_json
from pipelines.core.problem import Phrase, Problem
from pipelines.core.wording import VARIABLE
from pipelines.quality.verdict import Check, Verdict
from pipelines.status.outcome import SourceOutcome
from tests.unit.release.tiny import release
from tests.unit.test_cli import DONE, FIRST, SAMPLE, SECOND, WRONG, Terminal, drugflow, put_history

__all__ = ["drugflow"]


@pytest.fixture
def spanish(drugflow: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A command line in Spanish in an empty installation."""
    monkeypatch.setenv(VARIABLE, "es")
    return drugflow


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["refresh", "--origin", "ftp"], "'ftp' no es un origen: use sample, mirror:<carpeta>, live o"),
        (["refresh", "--source", "nowhere"], "No existe la fuente 'nowhere'. Se conocen: bts_border_crossings, "),
        (["sql", "select 1"], "ejecute primero 'drugflow refresh'"),
        (["rollback"], "No hay una versión de otro contenido antes de la actual. Se conservan: ninguna"),
        (["alert"], "No hay dirección para los avisos"),
    ],
)
def test_what_is_wrong_is_said_in_spanish(spanish: Terminal, words: list[str], said: str):
    answer = spanish.run(*words)
    assert (answer.code, said in answer.text) == (WRONG, True), answer.text


def test_the_status_is_in_spanish(spanish: Terminal, monkeypatch: pytest.MonkeyPatch):
    release(spanish.settings, FIRST)
    monkeypatch.setenv("DRUGFLOW_ORIGIN", "archive:official")
    monkeypatch.setenv("DRUGFLOW_TODAY", "2025-08-01")
    put_history(spanish.settings, "cbp_drug_seizures", "2024-12-01")
    lost = Problem.of("archived_file_gone", file="a.csv")
    held = SourceOutcome(source="cdc_vsrr_overdose", word="held", told=[lost])
    finish(spanish.settings, datetime.now(UTC), None, [held])
    answer = spanish.run("status")
    assert answer.code == DONE
    for said in (
        f"versión {FIRST} · construida",
        "periodo más reciente",
        "atrasada",
        "1 de 6 fuentes está atrasada: cbp_drug_seizures 136 días",
        "siguió sin: cdc_vsrr_overdose retenida.",
    ):
        assert said in answer.text, said


def test_a_failed_refresh_is_told_in_the_language_of_whoever_reads(spanish: Terminal, monkeypatch: pytest.MonkeyPatch):
    release(spanish.settings, SAMPLE, "sample")
    finish(spanish.settings, datetime.now(UTC), Problem.of("models_not_built_from_these"), [])
    assert "falló: Los modelos no se construyeron a partir de los historiales" in spanish.run("status").text
    monkeypatch.setenv(VARIABLE, "en")
    assert "failed: The models are not built from the histories" in spanish.run("status").text


def test_a_sample_says_so_in_spanish(spanish: Terminal):
    release(spanish.settings, SAMPLE, "sample")
    assert f"MUESTRA (SAMPLE), no oficial · versión {SAMPLE}" in spanish.run("status").text
    assert spanish.run("sql", "select 1 as one").out.endswith(
        f"MUESTRA (SAMPLE): datos generados, no oficiales, versión {SAMPLE}\n"
    )


def test_a_rollback_is_told_in_spanish(spanish: Terminal):
    release(spanish.settings, FIRST)
    release(spanish.settings, SECOND)
    assert f"Los analistas ven ahora {FIRST}, fijada hasta 'drugflow rollback --unpin'." in spanish.run("rollback").text


def test_another_language_is_a_wrong_setting(drugflow: Terminal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(VARIABLE, "fr")
    answer = drugflow.run("status")
    assert (answer.code, "DRUGFLOW_LANGUAGE: Input should be 'en' or 'es'" in answer.text) == (WRONG, True)


def test_a_held_vintage_is_told_in_spanish(spanish: Terminal, monkeypatch: pytest.MonkeyPatch):
    release(spanish.settings, FIRST)
    monkeypatch.setenv("DRUGFLOW_ORIGIN", "archive:official")
    found = Phrase.of("found.share_of_known_rows", value=0.8219491878384007)
    check = Check(id="coverage_did_not_shrink", severity="critical", passed=False, failing_rows=1, found=[found])
    problem = Problem.of("check_failed", check=check.id, count=1, found=[found])
    verdict = Verdict(
        source="cbp_drug_seizures", vintage="2026-01-15", archive_id="2026-01-15", fingerprint="", state="held",
        problem=Problem.of("checks_failed", found=[problem]), checks=[check],
    )  # fmt: skip
    place = spanish.settings.stage("quality", "official") / "cbp_drug_seizures" / "2026-01-15.json"
    write_json(place, verdict.model_dump(mode="json"))
    answer = spanish.run("status")
    assert "está el 82.19" in answer.text
    assert "de las filas conocidas antes" in answer.text
    assert "rows known before" not in answer.text
