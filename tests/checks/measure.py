"""Reads the code as text and measures it."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("connectors", "campaigns", "plugin_server")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Place:
    """Where something stands, for the message of a failing check."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.what}"


def sources(*folders: str) -> Iterator[Path]:
    """All Python files below the folders (default: the three packages)."""
    for folder in folders or PACKAGES:
        yield from sorted((ROOT / folder).rglob("*.py"))


def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text())


def sloc(path: Path) -> int:
    """Lines that hold code: no blanks, no comments, no docstrings."""
    doc_lines: set[int] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                doc_lines.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    code: set[int] = set()
    skipped = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type not in skipped:
            code.update(range(token.start[0], token.end[0] + 1))
    return len(code - doc_lines)


@dataclass(frozen=True)
class Measured:
    """A function or method: where it stands, its lines, whether it is a route, and what of it has no type."""

    place: Place
    file: Path
    lines: int
    route: bool
    bare: tuple[str, ...]


@cache
def functions() -> tuple[Measured, ...]:
    """All functions and methods of the three packages; every file is read once."""
    return tuple(
        Measured(
            place(path, node, f"{node.name}: {length(node)} lines"), path, length(node), is_route(node), bare(node)
        )
        for path in sources()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def bare(function: Function) -> tuple[str, ...]:
    """The arguments of a function that have no type, and ``return`` where what it gives has none."""
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    missing = [arg.arg for arg in arguments if arg.annotation is None and arg.arg not in {"self", "cls"}]
    return (*missing, *(["return"] if function.returns is None else []))


def length(function: Function) -> int:
    """Lines of a function from its ``def`` to its end, docstring left out."""
    first = function.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    doc = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (function.end_lineno or 0) - function.lineno + 1 - doc


def is_route(function: Function) -> bool:
    """True where a decorator is ``<blueprint>.route/get/post(…)``."""
    for decorator in function.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(target, ast.Attribute) and target.attr in {"route", "get", "post", "put", "delete"}:
            return True
    return False


def place(path: Path, node: ast.AST, what: str) -> Place:
    """A place in a file."""
    return Place(str(path.relative_to(ROOT)), getattr(node, "lineno", 1), what)
