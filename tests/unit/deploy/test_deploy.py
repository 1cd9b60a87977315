"""Units and container file name programs, settings and files that exist."""

from __future__ import annotations

import re
import shutil
import subprocess
from configparser import RawConfigParser
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import yaml

from pipelines.cli import app
from pipelines.core.settings import PROJECT_ROOT, Settings

UNITS = sorted((PROJECT_ROOT / "deploy" / "systemd").glob("*.service"))
TIMERS = sorted((PROJECT_ROOT / "deploy" / "systemd").glob("*.timer"))
DEPLOYED = [p for p in (PROJECT_ROOT / "deploy").rglob("*") if p.is_file()]
PROGRAMS = {e.name for e in entry_points(group="console_scripts")}
COMMANDS = {c.callback.__name__ for c in app.registered_commands if c.callback}


def parsed(path: Path) -> RawConfigParser:
    unit = RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#",))
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(path.read_text("utf-8"))
    return unit


@pytest.mark.parametrize("path", UNITS, ids=lambda p: p.name)
def test_a_unit_starts_programs_of_this_environment_with_files_that_exist(path: Path) -> None:
    service = parsed(path)["Service"]
    for line in (service[k] for k in ("ExecStartPre", "ExecStart") if k in service):
        program, *words = line.split()
        assert program.startswith("/opt/drugflow/.venv/bin/")
        assert Path(program).name in PROGRAMS
        for word in words:
            if word.startswith("/opt/drugflow/"):
                assert (PROJECT_ROOT / word.removeprefix("/opt/drugflow/")).exists(), word
        if Path(program).name == "drugflow":
            assert words[0] in COMMANDS


@pytest.mark.parametrize("path", UNITS, ids=lambda p: p.name)
def test_a_unit_runs_without_rights_and_writes_nowhere_but_its_folders(path: Path) -> None:
    service = parsed(path)["Service"]
    assert (service["User"], service["NoNewPrivileges"], service["ProtectSystem"]) == ("drugflow", "yes", "strict")
    assert service["StateDirectory"] == "drugflow"


def test_every_timer_has_its_service() -> None:
    assert TIMERS
    assert {t.stem for t in TIMERS} <= {u.stem for u in UNITS}


@pytest.mark.parametrize("path", DEPLOYED, ids=lambda p: p.name)
def test_every_variable_that_is_named_is_a_setting(path: Path) -> None:
    named = set(re.findall(r"DRUGFLOW_([A-Z_]+)", path.read_text("utf-8")))
    assert {n.lower() for n in named} <= set(Settings.model_fields)


def test_the_example_of_an_environment_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (PROJECT_ROOT / "deploy/systemd/drugflow.env.example").read_text("utf-8")
    values = dict(line.removeprefix("#").split("=", 1) for line in text.splitlines() if re.match(r"#?D[A-Z_]+=", line))
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert str(settings.dagster_home) == values["DAGSTER_HOME"]
    assert settings.alert_urls is not None


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    for path in [*UNITS, *TIMERS]:
        text = path.read_text("utf-8").replace("/opt/drugflow", str(PROJECT_ROOT)).replace("User=drugflow", "User=root")
        (tmp_path / path.name).write_text(text.replace("Group=drugflow", "Group=root"), "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "drugflow" in line]
    assert (done.returncode, ours) == (0, [])


def test_the_container_runs_as_a_user_without_rights_and_keeps_data_in_volumes() -> None:
    text = (PROJECT_ROOT / "deploy" / "Containerfile").read_text("utf-8")
    assert re.search(r"^FROM docker\.io/library/python:3\.\d+-slim", text, re.M)
    assert re.search(r"^USER drugflow$", text, re.M)
    [volumes] = re.findall(r"^VOLUME (\[.*\])$", text, re.M)
    homes = dict(re.findall(r"(DRUGFLOW_\w+|DAGSTER_HOME)=(/\S+)", text))
    assert set(yaml.safe_load(volumes)) == set(homes.values())
    compose = yaml.safe_load((PROJECT_ROOT / "deploy" / "compose.yaml").read_text("utf-8"))
    for service in compose["services"].values():
        assert {v.split(":")[1] for v in service["volumes"]} == set(homes.values())
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
