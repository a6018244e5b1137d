"""The linters are part of the suite: one command says whether the project is well."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.checks.measure import ROOT

BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("mypy",),
        ("lint-imports",),
    ],
    ids=["ruff", "format", "mypy", "imports"],
)
def test_the_tool_finds_nothing(command: tuple[str, ...]) -> None:
    done = subprocess.run([BIN / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
