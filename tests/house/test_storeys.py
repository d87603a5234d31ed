"""The contract on imports can fail: lint-imports is run on a small house that breaks it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import ROOT

LINT = Path(sys.executable).with_name("lint-imports")


def lint(folder: Path, files: dict[str, str]) -> tuple[int, str]:
    """Build a package called kotally from these files and judge it by our contracts."""
    contracts = (ROOT / "pyproject.toml").read_text().partition("[tool.importlinter]")
    (folder / "pyproject.toml").write_text(
        "".join(contracts[1:]).partition("\n[tool.codespell]")[0]
    )
    for path, text in {"__init__.py": "", **files}.items():
        file = folder / "kotally" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        (file.parent / "__init__.py").touch()
    done = subprocess.run(
        [LINT, "--no-cache", "--no-logo"],
        cwd=folder,
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_an_import_that_points_down_is_kept(tmp_path: Path) -> None:
    code, said = lint(tmp_path, {"ledger/lots.py": "import kotally.db.pool", "db/pool.py": ""})

    assert (code, "1 kept" in said) == (0, True), said


@pytest.mark.parametrize(
    "files",
    [
        {"ledger/lots.py": "from kotally.api import door", "api/door.py": ""},
        {"core/ids.py": "import kotally.config", "config.py": ""},
        {"workspaces/contacts.py": "import kotally.products.rules", "products/rules.py": ""},
    ],
)
def test_an_import_that_points_up_is_refused(tmp_path: Path, files: dict[str, str]) -> None:
    code, said = lint(tmp_path, files)

    assert (code, "BROKEN" in said) == (1, True), said


def test_a_module_without_a_storey_is_refused(tmp_path: Path) -> None:
    code, said = lint(tmp_path, {"attic.py": ""})

    assert (code, "attic" in said) == (1, True), said
