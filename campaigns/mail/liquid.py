"""Liquid for merchants: fenced in, escaped where it becomes HTML, with errors that name their place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache, wraps
from io import StringIO
from typing import Any, ClassVar, Final

from liquid import BoundTemplate, Environment, Mode, RenderContext, Undefined
from liquid.ast import Node
from liquid.builtin.expressions.primitive import IntegerLiteral, RangeLiteral
from liquid.exceptions import LiquidError, LiquidInterrupt, LiquidSyntaxError, LoopIterationLimitError
from liquid.expression import Expression
from liquid.output import LimitedStringIO

from campaigns.mail.filters import date_filter, money_filter, number_filter
from campaigns.mail.liquid_words import readable

MAX_SOURCE: Final = 256_000
MAX_RANGE: Final = 1_000
MAX_VALUE: Final = 200_000
_BLOCKS: Final = ("if", "unless", "case", "for", "tablerow", "capture", "comment", "raw", "ifchanged", "doc")
_OPENING: Final = re.compile(r"\{\{|\{%")
_PIECE: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_TAG: Final = re.compile(r"\{%-?\s*(\w+)")


class TemplateError(Exception):
    """A template that cannot be used. ``line`` and ``column`` count from 1; None where the place is not known.

    ``part`` is ``subject``, ``preheader`` or ``body`` once it is known which of them it is about.
    """

    def __init__(self, sentence: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(sentence)
        self.sentence, self.line, self.column, self.part = sentence, line, column, ""

    def __str__(self) -> str:
        place = "" if self.line is None else f" (line {self.line}, column {self.column})"
        return f"{self.part}: {self.sentence}{place}" if self.part else f"{self.sentence}{place}"


def error_at(sentence: str, source: str, index: int) -> TemplateError:
    """A ``TemplateError`` at a character position of ``source``."""
    before = source[: max(index, 0)]
    return TemplateError(sentence, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


_missing: ContextVar[list[str] | None] = ContextVar("missing", default=None)


class _Missing(Undefined):
    """An unknown variable: empty, but written down when it is printed or walked; a ``default`` filter asks neither."""

    __slots__ = ()

    def _record(self) -> None:
        names, suffix = _missing.get(), " is undefined"
        hint = self.hint or ""
        name = hint.removesuffix(suffix).strip("'") if hint.endswith(suffix) else self.name
        if names is not None and name not in names:
            names.append(name)

    def __str__(self) -> str:
        self._record()
        return ""

    def __iter__(self) -> Iterator[Any]:
        self._record()
        return iter(())


class _BoundedRange(RangeLiteral):
    """A range whose ends are only known while rendering, cut off loudly instead of filling the memory."""

    __slots__ = ()

    def _make_range(self, start: Any, stop: Any) -> range:
        made = super()._make_range(start, stop)
        if len(made) > MAX_RANGE:
            raise LiquidError(f"a range may hold up to {MAX_RANGE} numbers", token=self.token)
        return made


class _Bound(BoundTemplate):
    def _get_buffer(self) -> StringIO:
        # The library's own buffer rewrites line ends; what people wrote is to stay as they wrote it.
        return LimitedStringIO(limit=_Fenced.output_stream_limit, newline="")


class _Fenced(Environment):
    template_class = _Bound
    loop_iteration_limit = 10_000
    local_namespace_limit = MAX_VALUE
    output_stream_limit: ClassVar[int] = 1_000_000
    context_depth_limit = 20
    block_nesting_limit = 20


@lru_cache(maxsize=64)
def _environment(language: str, escape: bool) -> Environment:
    env = _Fenced(tolerance=Mode.STRICT, undefined=_Missing, strict_filters=True, autoescape=escape)
    env.add_filter("money", money_filter(language))
    env.add_filter("number", number_filter(language))
    env.add_filter("date", date_filter(language))
    for name in ("include", "render"):
        del env.tags[name]
    for name, filter_ in list(env.filters.items()):
        env.filters[name] = _short(filter_)
    return env


def _short(filter_: Callable[..., Any]) -> Callable[..., Any]:
    # Chained `replace` can turn a line into megabytes before the output limit sees any of it.
    @wraps(filter_)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        result = filter_(*args, **kwargs)
        if isinstance(result, str | list) and len(result) > MAX_VALUE:
            raise LiquidError(f"a value grew over {MAX_VALUE:,} characters", token=None)
        return result

    return bounded


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a template gave, and the names of variables it printed that nobody supplied (and that had no default)."""

    text: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed and checked template. ``variables`` are the roots it reads from the context."""

    source: str
    bound: BoundTemplate
    variables: frozenset[str]

    def render(self, context: Mapping[str, object]) -> Rendered:
        """Text for one context of plain values, lists and mappings. Raises ``TemplateError``."""
        with recording() as missing, naming(self.source):
            text = self.bound.render(context)
        return Rendered(text, tuple(missing))


class recording:
    """``with recording() as names``: collects the variables that are missed inside."""

    def __enter__(self) -> list[str]:
        names: list[str] = []
        self._token = _missing.set(names)
        return names

    def __exit__(self, *_: object) -> None:
        _missing.reset(self._token)


class naming:
    """``with naming(source)``: errors of the Liquid library leave as ``TemplateError`` with their place."""

    def __init__(self, source: str) -> None:
        self.source = source

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, LiquidInterrupt):
            raise TemplateError(f"{{% {error} %}} stands outside of a loop.") from error
        if isinstance(error, LiquidError):
            raise _translated(error, self.source) from error
        if isinstance(error, RecursionError):
            raise TemplateError("The template is nested too deeply.") from error


def compile_template(source: str, *, language: str, escape: bool) -> Template:
    """Parse and check Liquid; ``escape`` for what becomes HTML, not for subjects and text. Raises ``TemplateError``."""
    if len(source) > MAX_SOURCE:
        raise TemplateError(f"The template is longer than {MAX_SOURCE:,} characters; take something out of it.")
    refuse_unclosed(source)
    env = _environment(language, escape)
    with naming(source):
        bound = env.from_string(source)
        analysis = bound.analyze(include_partials=False)
    for name, spans in analysis.filters.items():
        if name not in env.filters:
            raise error_at(f"There is no filter called {name}.", source, spans[0].index)
    for expression in _expressions(bound):
        if isinstance(expression, RangeLiteral):
            _bound_range(expression, source)
    return Template(source, bound, frozenset(analysis.globals))


def refuse_unclosed(source: str) -> None:
    """Raise ``TemplateError`` where ``{{``, ``{%``, raw or comment never ends.

    Whoever looks for their ends by patterns, as the Liquid library does, reads the rest of the source again for each of
    them: eight thousand open braces took seconds.
    """
    position = 0
    while start := _OPENING.search(source, position):
        closing = "}}" if start[0] == "{{" else "%}"
        end = source.find(closing, start.end())
        if end < 0:
            raise error_at(f"{start[0]} is never closed; it needs {closing}.", source, start.start())
        position = end + 2
    for name in ("raw", "comment", "doc"):
        opened = closed = -1
        for match in _TAG.finditer(source):
            if match[1] == name:
                opened = match.start()
            elif match[1] == f"end{name}":
                closed = match.start()
        if opened > closed:
            raise error_at(f"{{% {name} %}} is never closed; it needs {{% end{name} %}}.", source, opened)


def nodes_of(bound: BoundTemplate) -> Iterator[Node]:
    """All nodes of a template, outer before inner."""
    context = RenderContext(bound)
    pending = list(reversed(bound.nodes))
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(list(node.children(context, include_partials=False))))


def _expressions(bound: BoundTemplate) -> Iterator[Expression]:
    pending = [expression for node in nodes_of(bound) for expression in node.expressions()]
    while pending:
        expression = pending.pop()
        yield expression
        pending.extend(expression.children())


def _bound_range(expression: RangeLiteral, source: str) -> None:
    ends = (expression.start, expression.stop)
    if all(isinstance(end, IntegerLiteral) for end in ends):
        first, last = (int(str(end)) for end in ends)
        if last - first >= MAX_RANGE:
            raise error_at(f"A range may hold up to {MAX_RANGE} numbers.", source, expression.token.start_index)
    expression.__class__ = _BoundedRange


def _translated(error: LiquidError, source: str) -> TemplateError:
    if isinstance(error, LoopIterationLimitError):
        sentence = f"The loops go round more than {_Fenced.loop_iteration_limit:,} times. Make them shorter."
        token = error.token
        return error_at(sentence, token.source, token.start_index) if token else TemplateError(sentence)
    message, syntax = str(error.message or error).strip().rstrip("."), isinstance(error, LiquidSyntaxError)
    if error.token is not None and error.token.start_index >= 0:
        # Expression tokens carry the whole template as their source, so their index is a place in it.
        whole, index = error.token.source, error.token.start_index
        return error_at(readable(message, whole, index, syntax=syntax), whole, index)
    found = _unclosed(source) or _first_bad_piece(message, source, syntax=syntax)
    return found or TemplateError(readable(message, source, None, syntax=syntax))


def _first_bad_piece(message: str, source: str, *, syntax: bool) -> TemplateError | None:
    # Expressions that end too early are reported without a place as well: each piece is tried on its own.
    env = _environment("en", escape=True)
    for piece in _PIECE.finditer(source):
        tag = _TAG.match(piece[0])
        name = tag[1] if tag else ""
        if name in ("else", "elsif", "when") or name.startswith("end"):
            continue
        try:
            env.from_string(piece[0] + (f"{{% end{name} %}}" if name in _BLOCKS else ""))
        except LiquidError:
            return error_at(readable(message, source, piece.start(), syntax=syntax), source, piece.start())
    return None


def _unclosed(source: str) -> TemplateError | None:
    # The library reports a block that is never closed without a place, so it is looked for by hand.
    open_blocks: list[tuple[str, int]] = []
    for match in _TAG.finditer(source):
        name = match[1]
        if name in _BLOCKS:
            open_blocks.append((name, match.start()))
        elif name.startswith("end") and open_blocks and open_blocks[-1][0] == name[3:]:
            open_blocks.pop()
    if not open_blocks:
        return None
    name, index = open_blocks[-1]
    return error_at(f"{{% {name} %}} is never closed; it needs {{% end{name} %}}.", source, index)
