"""What the documents promise is there."""

from __future__ import annotations

import re

from campaigns.ladder import facts
from connectors.csvfile.columns import CONTACTS, ORDERS
from connectors.csvfile.shape import STATUSES
from plugin_server.settings import settings_table
from tests.checks.measure import ROOT


def test_the_readme_holds_the_settings_as_the_program_has_them() -> None:
    assert settings_table() in (ROOT / "README.md").read_text()


def test_the_facts_stand_in_the_documents_as_the_program_has_them() -> None:
    assert facts.table() in (ROOT / "docs" / "facts.md").read_text()


def test_every_column_and_state_of_a_file_is_told() -> None:
    told = set(re.findall(r"`([a-z_]+)`", (ROOT / "docs" / "files.md").read_text()))
    assert {*ORDERS, *CONTACTS, *STATUSES} - told == set()


def test_every_local_link_in_the_documents_leads_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert not broken


def test_every_decision_has_a_number_of_its_own() -> None:
    numbers = [path.name[:4] for path in (ROOT / "docs" / "decisions").glob("*.md")]
    assert numbers
    assert all(number.isdigit() for number in numbers)
    assert len(numbers) == len(set(numbers))


def test_every_document_can_be_reached_from_the_list_of_documents() -> None:
    folder = ROOT / "docs"
    listed = (folder / "README.md").read_text()
    pages = {str(page.relative_to(folder)) for page in folder.rglob("*.md")} - {"README.md"}
    assert {page for page in pages if f"({page})" not in listed} == set()
