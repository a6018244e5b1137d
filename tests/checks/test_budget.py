"""The hard stops of the numeric budget: what is red here is mended, not excused."""

from __future__ import annotations

import ast
import re

from tests.checks.measure import ROOT, functions, place, sloc, sources, tree


def listed(places: list[object]) -> str:
    return "\n".join(map(str, places))


def test_no_file_is_longer_than_400_lines_of_code() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {sloc(path)}"
        for path in sources("connectors", "campaigns", "plugin_server", "tests")
        if len(path.read_text().splitlines()) > 400 and sloc(path) > 400
    ]
    assert not long, listed(long)


def test_no_asset_or_template_is_longer_than_400_lines() -> None:
    found = [path for end in ("html", "css", "js") for path in (ROOT / "plugin_server").rglob(f"*.{end}")]
    long = [path for path in found if "static/dist" not in path.as_posix() and len(path.read_text().splitlines()) > 400]
    assert found
    assert not long, listed(long)


def test_no_function_is_longer_than_60_lines() -> None:
    migrations = ROOT / "plugin_server" / "db" / "migrations"
    long = [one.place for one in functions() if one.lines > 60 and migrations not in one.file.parents]
    assert not long, listed(list(long))


def test_no_route_is_longer_than_30_lines() -> None:
    routes = [one for one in functions() if one.route]
    assert routes
    long = [one.place for one in routes if one.lines > 30]
    assert not long, listed(list(long))


def test_every_function_is_annotated() -> None:
    untyped = [f"{one.place} {', '.join(one.bare)}" for one in functions() if one.bare]
    assert not untyped, listed(list(untyped))


def test_the_environment_is_read_in_the_settings_alone() -> None:
    pattern = re.compile(r"os\.environ|os\.getenv|getenv\(")
    readers = [
        path.relative_to(ROOT) for path in sources() if pattern.search(path.read_text()) and path.name != "settings.py"
    ]
    assert not readers, listed(list(readers))


BROAD = re.compile(r"except\s*(:|[^:]*\b(Base)?Exception\b)")


def test_a_broad_except_says_why() -> None:
    silent = []
    for path in sources():
        source = path.read_text()
        if not BROAD.search(source):
            continue
        lines = source.splitlines()
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ExceptHandler) and _is_broad(node):
                around = "\n".join(lines[max(0, node.lineno - 2) : node.body[0].lineno])
                if "#" not in around:
                    silent.append(place(path, node, "broad except without a reason"))
    assert not silent, listed(list(silent))


def _is_broad(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(
        kind is None or (isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"}) for kind in kinds
    )


def test_tests_hardly_ever_patch_our_own_code() -> None:
    patch = re.compile(r"monkeypatch\.setattr|mock\.patch|mocker\.patch|patch\.object")
    texts = [path.read_text() for path in sources("tests") if path.name != "test_budget.py"]
    tests = sum(len(re.findall(r"^\s*def test_", text, re.MULTILINE)) for text in texts)
    patches = sum(len(patch.findall(text)) for text in texts)
    assert patches / tests <= 0.05, f"{patches} patches in {tests} tests"


def test_every_public_class_of_the_core_is_documented() -> None:
    wanted = [ROOT / "connectors" / "base.py", ROOT / "connectors" / "types.py", *sources("campaigns")]
    bare = [
        place(path, node, node.name)
        for path in wanted
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert not bare, listed(list(bare))


def test_no_file_has_a_name_that_says_nothing() -> None:
    vague = [path for path in sources() if path.stem in {"utils", "helpers", "common", "misc", "util", "helper"}]
    assert not vague, listed(list(vague))


def test_the_readme_is_neither_thin_nor_a_book() -> None:
    assert 80 <= len((ROOT / "README.md").read_text().splitlines()) <= 160
