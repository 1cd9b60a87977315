"""dbt's manifest of a project that changed, in the folders that a fresh clone has."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from pipelines.core.fingerprint import code_fingerprint
from tests.conftest import ROOT


def test_a_changed_model_is_parsed_beside_a_release_in_the_default_folders(tmp_path: Path) -> None:
    for folder in ("pipelines", "dbt_project"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("target", "logs"))
    # dbt compiles the tests of a properties file into a folder of that file's name.
    (tmp_path / "data_marts/build/sample/dbt/compiled/drugflow/models/marts/_marts.yml").mkdir(parents=True)
    model = tmp_path / "dbt_project/models/marts/seizures/dim_drug.sql"
    model.write_text(f"{model.read_text('utf-8')}\n-- touched\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.dbt.manifest"],
        cwd=tmp_path, env={k: v for k, v in os.environ.items() if not k.startswith(("DBT_", "DRUGFLOW_"))},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    nodes = json.loads((tmp_path / "dbt_project/target/manifest.json").read_text("utf-8"))["nodes"]
    assert nodes["model.drugflow.dim_drug"]["raw_code"].endswith("-- touched")


def test_a_folder_named_like_code_is_no_code(tmp_path: Path) -> None:
    (tmp_path / "model.sql").write_text("select 1", "utf-8")
    before = code_fingerprint(tmp_path)
    (tmp_path / "_marts.yml").mkdir()
    assert code_fingerprint(tmp_path) == before
