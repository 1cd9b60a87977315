"""The two locks: what runs, and what tests and checks need besides."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock")


def pins(lock: str) -> dict[str, str]:
    """Version of each package of a lock."""
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;]+)", (ROOT / lock).read_text("utf-8"), re.MULTILINE))


def named(requirements: list[str]) -> set[str]:
    """Names of the packages that requirements ask for."""
    return {re.split(r"[^A-Za-z0-9._-]", r)[0].lower() for r in requirements}


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
DEV = named(PROJECT["dependency-groups"]["dev"])


def test_what_runs_needs_no_tool_of_the_tests():
    assert pins("requirements.lock").keys() & DEV == set()


def test_what_runs_is_locked():
    assert named(PROJECT["project"]["dependencies"]) <= pins("requirements.lock").keys()


def test_tests_run_with_the_versions_that_run():
    assert pins("requirements.lock").items() <= pins("requirements-dev.lock").items()
    assert pins("requirements-dev.lock").keys() >= DEV


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_a_hash_and_no_address(lock: str):
    text = (ROOT / lock).read_text("utf-8")
    assert len(re.findall(r"==.*\\\n    --hash=", text)) == len(re.findall(r"^\S+==", text, re.MULTILINE))
    assert "://" not in text
