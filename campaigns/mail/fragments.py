"""One rendering for many people: what all share is rendered once, what is personal becomes small fragments.

A template is cut at its top-level nodes. Nodes that read only shared values form the *skeleton*; every other node
leaves a tag in the skeleton and is rendered for each person into a *fragment*. Skeleton with fragments put in equals
the full rendering, to the letter; where that cannot be promised, the people concerned are named as ``alone``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from io import StringIO
from typing import Any, Final

from liquid import BoundTemplate, RenderContext
from liquid.ast import Node
from liquid.builtin.expressions import FilteredExpression
from liquid.builtin.expressions import Path as PathExpression
from liquid.builtin.output import OutputNode
from liquid.stringify import to_liquid_string
from markupsafe import escape

from campaigns.mail.liquid import Template, TemplateError, naming, recording

MAX_FRAGMENTS: Final = 100
MAX_FRAGMENT_BYTES: Final = 9_000
_SALT: Final = re.compile(r"[0-9A-Za-z]{6,32}")
# These tags leave something behind that later nodes can see.
_LASTING: Final = frozenset({"assign", "capture", "increment", "decrement", "cycle", "ifchanged"})
_CONTINUES: Final = re.compile(r"offset\s*:\s*continue")
# What the renderer of the library puts into the scope of every template.
_AMBIENT: Final[Mapping[str, object]] = {"partial": False}


# Liquid answers these for things that do not hold them: they hang on the whole thing.
_COMPUTED: Final = frozenset({"size", "first", "last"})
CLOCK: Final = frozenset({"now", "today"})
"""Names for which the library gives the time, whoever renders."""
_PLAIN: Final = re.compile("[^&<>\"']*").fullmatch
_REMEMBERED: Final = 1_000
"""Outcomes that are kept for one piece of a template."""


Path = tuple[str, ...]
Known = dict[Hashable, tuple[str, tuple[str, ...]]]
"""By what a piece read: its text, and the variables it missed."""


class CannotSplit(Exception):
    """The template's personal parts leave something behind for later parts; ``str()`` is the reason."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A top-level node and the context paths it reads, each as (root, further names as far as they are plain).

    ``bare`` tells that it prints one value as it is. ``known`` keeps what it gave for which values, over all requests.
    """

    node: Node
    paths: tuple[Path, ...]
    tags: frozenset[str]
    bare: bool
    known: Known = field(default_factory=dict, compare=False, repr=False)

    def personal(self, differing: frozenset[Path]) -> bool:
        """Whether it reads something that differs, or what holds it (``customer`` holds ``customer.name``)."""
        return any(overlaps(path, differing) for path in self.paths)


@dataclass(frozen=True, slots=True)
class _Slot:
    """A place in the skeleton where a fragment goes, and what the shared nodes before it had assigned."""

    tag: str
    piece: _Piece
    locals: Mapping[str, object]
    counters: Mapping[str, int]


@dataclass(slots=True)
class Column:
    """What stands for one tag, person by person. ``failed`` and ``missing`` are by the place of the person."""

    tag: str
    texts: list[str]
    failed: dict[int, str] = field(default_factory=dict)
    missing: dict[int, tuple[str, ...]] = field(default_factory=dict)


@dataclass(slots=True)
class Skeleton:
    """The shared rendering of one template, with its slots. ``missing`` are shared variables nobody supplied."""

    template: Template
    text: str
    slots: list[_Slot]
    missing: tuple[str, ...]
    shared: Mapping[str, object]
    personal: frozenset[Path]

    def columns(self, people: Sequence[Mapping[str, object]]) -> Iterator[Column]:
        """One column for each tag, over all people. Work is done once for people who are equal in what it reads."""
        seen: set[str] = set()
        for slot in self.slots:
            if slot.tag not in seen:
                seen.add(slot.tag)
                yield self._column(slot, people)

    def _column(self, slot: _Slot, people: Sequence[Mapping[str, object]]) -> Column:
        column, piece = Column(slot.tag, []), slot.piece
        fresh = not (slot.locals or slot.counters)
        bare, escaped = piece.bare and fresh, self.template.bound.env.autoescape
        # What the shared parts left behind, and the clock, are in no key: then nothing is kept beyond this request.
        lasting = fresh and not any(path[0] in CLOCK for path in piece.paths)
        known: Known = piece.known if lasting else {}
        key_of, roots = self._key(piece), {path[0] for path in piece.paths}
        for place, theirs in enumerate(people):
            key = key_of(theirs)
            if bare and key.__class__ is str:
                value: str = key
                column.texts.append(value if not escaped or _PLAIN(value) else str(escape(value)))
                continue
            found = known.get(key)
            if found is None:
                try:
                    found = self._render(slot, _narrow(self.shared, theirs, roots))
                except TemplateError as error:
                    column.failed[place] = str(error)
                    column.texts.append("")
                    continue
                if len(known) >= _REMEMBERED:
                    known.clear()
                known[key] = found
            column.texts.append(found[0])
            if found[1]:
                column.missing[place] = found[1]
        return column

    def _key(self, piece: _Piece) -> Callable[[Mapping[str, object]], Hashable]:
        """What a rendering of the piece depends on: equal keys, equal texts. One bare value is its own key."""
        theirs = [_reader(path, self.shared) for path in piece.paths if overlaps(path, self.personal)]
        common = tuple(_reach(self.shared, path) for path in piece.paths if not overlaps(path, self.personal))
        if len(theirs) == 1 and not common:
            return theirs[0]
        return lambda person: (common, *[read(person) for read in theirs])

    def _render(self, slot: _Slot, context: Mapping[str, object]) -> tuple[str, tuple[str, ...]]:
        rendering = RenderContext(self.template.bound, globals=context)
        rendering.locals.update(slot.locals)
        rendering.counters.update(slot.counters)
        node, buffer = slot.piece.node, StringIO(newline="")
        with recording() as missing, naming(self.template.source), rendering.extend(namespace=_AMBIENT):
            if isinstance(node, OutputNode):
                buffer.write(to_liquid_string(node.expression.evaluate(rendering), rendering.autoescape))
            else:
                node.render(rendering, buffer)
        return buffer.getvalue(), tuple(missing)


def overlaps(path: Path, others: Iterable[Path]) -> bool:
    """Whether one of ``others`` is the path, lies in it, or holds it."""
    return any(path[: len(other)] == other[: len(path)] for other in others)


def _reader(path: Path, shared: Mapping[str, object]) -> Callable[[Mapping[str, object]], Hashable]:
    """Reads one path of a person's context as a key, without making that context where it can be helped."""
    if len(path) != 2:
        return lambda theirs: _reach(_narrow(shared, theirs, path[:1]), path)
    root, name = path

    def read(theirs: Mapping[str, Any]) -> Hashable:
        try:
            value = theirs[root][name]
        except (LookupError, TypeError):
            value = None
        if value.__class__ is str:
            return value
        if value.__class__ is int or value.__class__ is bool:
            return value.__class__, value
        return _reach(_narrow(shared, theirs, path[:1]), path)

    return read


def _narrow(shared: Mapping[str, object], theirs: Mapping[str, object], roots: Iterable[str]) -> dict[str, object]:
    """One person's context, as far as some roots of it are concerned."""
    common = {root: shared[root] for root in roots if root in shared}
    return merged(common, {root: theirs[root] for root in roots if root in theirs})


def _reach(context: Mapping[str, object], path: Path) -> Hashable:
    """A path's value as a key: text is itself; anything else is told apart by type, form and how far the path led."""
    value: object = context
    for depth, name in enumerate(path):
        if not isinstance(value, Mapping) or name not in value:
            return depth, value.__class__, repr(value) if depth else ""
        value = value[name]
    return value if value.__class__ is str else (value.__class__, repr(value))


def differing(shared: Mapping[str, object], theirs: Iterable[Mapping[str, object]]) -> frozenset[Path]:
    """The context paths that are personal: whole roots, or single names in a mapping that is shared otherwise."""
    whole: set[str] = set()
    names: dict[str, set[str]] = {root: set() for root, value in shared.items() if isinstance(value, Mapping)}
    for mapping in theirs:
        for root, value in mapping.items():
            if root in names and (value.__class__ is dict or isinstance(value, Mapping)):
                names[root].update(value)
            else:
                whole.add(root)
    return frozenset({(root,) for root in whole} | {(root, name) for root in names for name in names[root]})


def merged(shared: Mapping[str, object], theirs: Mapping[str, object]) -> dict[str, object]:
    """One person's context: what is theirs over what is shared, one level deep."""
    context = {**shared, **theirs}
    for root, value in theirs.items():
        common = shared.get(root)
        if isinstance(value, Mapping) and isinstance(common, Mapping):
            context[root] = {**common, **value}
    return context


def split(template: Template, shared: Mapping[str, object], personal: frozenset[Path], marker: str) -> Skeleton:
    """Render what is shared; ``personal`` comes from ``differing``, ``marker`` begins each tag.

    Raises ``CannotSplit`` where a personal part assigns, captures or counts, ``TemplateError`` where rendering fails.
    """
    pieces = _pieces(template)
    _refuse_lasting(template, [piece for piece in pieces if piece.personal(personal)])
    rendering = RenderContext(template.bound, globals=shared)
    buffer, slots = StringIO(newline=""), list[_Slot]()
    tags: dict[str, str] = {}
    with recording() as missing, naming(template.source), rendering.extend(namespace=_AMBIENT):
        for piece in pieces:
            if not piece.personal(personal):
                piece.node.render(rendering, buffer)
                continue
            slot = _slot(piece, tags, marker, rendering, template.source)
            slots.append(slot)
            buffer.write(slot.tag)
    text = buffer.getvalue()
    if text.count(marker) != len(slots):
        raise TemplateError(f"The text contains {marker!r}, which marks personal parts; send with another salt.")
    return Skeleton(template, text, slots, tuple(missing), shared, personal)


def marker_of(salt: str, part: str) -> str:
    """How the tags of one part (``s``, ``h``, ``t``) begin: no spaces and none of ``<>&``, and nobody can guess it."""
    if not _SALT.fullmatch(salt):
        raise ValueError(f"A salt is 6 to 32 letters and digits, not {salt!r}")
    return f"-{salt}{part}_"


def oversize(fragments: Mapping[str, str]) -> str | None:
    """Why these fragments of one person do not fit into a bulk request; None where they do."""
    size = sum(len(tag) + len(value.encode()) for tag, value in fragments.items())
    if len(fragments) > MAX_FRAGMENTS:
        return f"{len(fragments)} personal parts; a bulk request takes {MAX_FRAGMENTS}"
    if size > MAX_FRAGMENT_BYTES:
        return f"{size:,} bytes of personal parts; a bulk request takes {MAX_FRAGMENT_BYTES:,}"
    return None


@lru_cache(maxsize=192)
def _pieces(template: Template) -> list[_Piece]:
    pieces = []
    for node in template.bound.nodes:
        analysis = BoundTemplate(template.bound.env, [node]).analyze(include_partials=False)
        variables = [variable for found in analysis.globals.values() for variable in found]
        paths = {_plain(variable.segments) for variable in variables}
        pieces.append(_Piece(node, tuple(sorted(paths)), frozenset(analysis.tags), _bare(node)))
    return pieces


def _bare(node: Node) -> bool:
    """Whether a node prints one value by its name, with no filter and no choice."""
    shown = node.expression if isinstance(node, OutputNode) else None
    if not isinstance(shown, FilteredExpression) or shown.filters or not isinstance(shown.left, PathExpression):
        return False
    return _plain(shown.left.path) == tuple(shown.left.path)


def _plain(segments: Sequence[object]) -> Path:
    path: list[str] = []
    for segment in segments:
        if not isinstance(segment, str) or segment in _COMPUTED:
            break
        path.append(segment)
    return tuple(path)


def _refuse_lasting(template: Template, personal: Sequence[_Piece]) -> None:
    for piece in personal:
        lasting = sorted(piece.tags & _LASTING)
        if lasting:
            raise CannotSplit(f"a personal part uses {lasting[0]}, which later parts depend on")
    if personal and _CONTINUES.search(template.source):
        raise CannotSplit("a loop continues where an earlier one stopped")


def _slot(piece: _Piece, tags: dict[str, str], marker: str, rendering: RenderContext, source: str) -> _Slot:
    # The same plain value at two places is one fragment, unless something was assigned between them.
    slot = _Slot(f"{marker}{len(tags)}-", piece, dict(rendering.locals), dict(rendering.counters))
    same = slot.tag
    if isinstance(piece.node, OutputNode):
        start = piece.node.token.start_index
        same = f"{source[start : source.find('}}', start)]}{slot.locals!r}{slot.counters!r}"
    return replace(slot, tag=tags.setdefault(same, slot.tag))
