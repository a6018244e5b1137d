"""What must never be committed, and what the locks may hold."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from tests.checks.measure import ROOT

LOCKS = ("requirements.lock", "requirements-test.lock", "requirements-node.lock", "package-lock.json",
         "tests/oracle/package-lock.json")  # fmt: skip


def tracked() -> list[str]:
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout")
    return listing.stdout.splitlines()


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_host_and_no_file(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.search(r"https?://|file:|--index-url|--find-links", text)


def test_every_locked_python_package_has_a_hash() -> None:
    for name in LOCKS[:3]:
        blocks = re.split(r"\n(?=\S)", (ROOT / name).read_text().strip())
        assert all("--hash=sha256:" in block for block in blocks), name


@pytest.mark.parametrize("name", [name for name in LOCKS if name.endswith(".json")])
def test_every_locked_npm_package_has_a_hash(name: str) -> None:
    packages = json.loads((ROOT / name).read_text())["packages"]
    assert all("integrity" in entry for path, entry in packages.items() if path)


def test_third_party_code_and_builds_are_not_committed() -> None:
    refused = re.compile(r"(^|/)(node_modules|\.venv|dist|__pycache__)/|\.(whl|min\.js|woff2?|gz|parquet)$")
    assert not [path for path in tracked() if refused.search(path)]


def test_the_top_level_holds_what_was_agreed() -> None:
    allowed = {
        "plugin_server", "connectors", "campaigns", "tests", "docs", ".ci", "Procfile", "pyproject.toml", "README.md",
        "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "package.json", "package-lock.json", ".npmrc", ".gitignore",
        "shopify.app.toml", "extensions",
        *LOCKS,
    }  # fmt: skip
    assert {path.split("/")[0] for path in tracked()} <= allowed
