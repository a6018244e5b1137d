"""One rendering for many people: what all share is rendered once, what is personal becomes small fragments.

A template is cut at its top-level nodes. Nodes that read only shared values form the *skeleton*; every other node
leaves a tag in the skeleton and is rendered for each person into a *fragment*. Skeleton with fragments put in equals
the full rendering, to the letter; where that cannot be promised, the people concerned are named as ``alone``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import StringIO
from typing import Final

from liquid import BoundTemplate, RenderContext
from liquid.ast import Node
from liquid.builtin.output import OutputNode
from liquid.stringify import to_liquid_string

from campaigns.mail.liquid import Template, TemplateError, naming, recording

MAX_FRAGMENTS: Final = 100
MAX_FRAGMENT_BYTES: Final = 9_000
_SALT: Final = re.compile(r"[0-9A-Za-z]{6,32}")
# These tags leave something behind that later nodes can see.
_LASTING: Final = frozenset({"assign", "capture", "increment", "decrement", "cycle", "ifchanged"})
_CONTINUES: Final = re.compile(r"offset\s*:\s*continue")
# What the renderer of the library puts into the scope of every template.
_AMBIENT: Final[Mapping[str, object]] = {"partial": False}


Path = tuple[str, ...]


class CannotSplit(Exception):
    """The template's personal parts leave something behind for later parts; ``str()`` is the reason."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A top-level node and the context paths it reads, each as (root, further names as far as they are plain)."""

    node: Node
    paths: tuple[Path, ...]
    tags: frozenset[str]

    def personal(self, differing: frozenset[Path]) -> bool:
        """Whether it reads something that differs, or what holds it (``customer`` holds ``customer.name``)."""
        return any(path[: len(other)] == other[: len(path)] for path in self.paths for other in differing)


@dataclass(frozen=True, slots=True)
class _Slot:
    """A place in the skeleton where a fragment goes, and what the shared nodes before it had assigned."""

    tag: str
    piece: _Piece
    locals: Mapping[str, object]
    counters: Mapping[str, int]


@dataclass(slots=True)
class Skeleton:
    """The shared rendering of one template, with its slots. ``missing`` are shared variables nobody supplied."""

    template: Template
    text: str
    slots: list[_Slot]
    missing: tuple[str, ...]
    _known: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = field(default_factory=dict)

    def fragments(self, context: Mapping[str, object]) -> tuple[dict[str, str], tuple[str, ...]]:
        """What stands for each tag for one person, and the variables missed. Raises ``TemplateError``."""
        rendering = RenderContext(self.template.bound, globals=context)
        stateful = any(slot.locals or slot.counters for slot in self.slots)
        made: dict[str, str] = {}
        with recording() as missing, naming(self.template.source), rendering.extend(namespace=_AMBIENT):
            for slot in self.slots:
                if slot.tag in made:
                    continue
                if stateful:
                    _put_back(slot, rendering)
                node = slot.piece.node
                if isinstance(node, OutputNode):
                    made[slot.tag] = to_liquid_string(node.expression.evaluate(rendering), rendering.autoescape)
                else:
                    made[slot.tag], names = self._block(slot, context, rendering)
                    missing.extend(names)
        return made, tuple(missing)

    def _block(
        self, slot: _Slot, context: Mapping[str, object], rendering: RenderContext
    ) -> tuple[str, tuple[str, ...]]:
        # Blocks such as the ladder strip have few distinct outcomes, and rendering them is what costs; single values
        # are cheaper to print than to look up.
        key = (slot.tag, repr([_reach(context, path) for path in slot.piece.paths]))
        if key not in self._known:
            buffer = StringIO(newline="")
            with recording() as missing:
                slot.piece.node.render(rendering, buffer)
            self._known[key] = (buffer.getvalue(), tuple(missing))
        return self._known[key]


def _put_back(slot: _Slot, rendering: RenderContext) -> None:
    """What the shared parts before this slot had assigned and counted, as if they had just been rendered."""
    rendering.locals.clear()
    rendering.locals.update(slot.locals)
    rendering.counters.clear()
    rendering.counters.update(slot.counters)


def differing(shared: Mapping[str, object], theirs: Iterable[Mapping[str, object]]) -> frozenset[Path]:
    """The context paths that are personal: whole roots, or single names in a mapping that is shared otherwise."""
    paths: set[Path] = set()
    for mapping in theirs:
        for root, value in mapping.items():
            if isinstance(value, Mapping) and isinstance(shared.get(root), Mapping):
                paths.update((root, name) for name in value)
            else:
                paths.add((root,))
    return frozenset(paths)


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
    return Skeleton(template, text, slots, tuple(missing))


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


def _pieces(template: Template) -> list[_Piece]:
    pieces = []
    for node in template.bound.nodes:
        analysis = BoundTemplate(template.bound.env, [node]).analyze(include_partials=False)
        variables = [variable for found in analysis.globals.values() for variable in found]
        paths = {_plain(variable.segments) for variable in variables}
        pieces.append(_Piece(node, tuple(sorted(paths)), frozenset(analysis.tags)))
    return pieces


def _plain(segments: Sequence[object]) -> Path:
    path: list[str] = []
    for segment in segments:
        if not isinstance(segment, str):
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


def _reach(context: Mapping[str, object], path: Sequence[str]) -> object:
    value: object = context
    for name in path:
        if not isinstance(value, Mapping):
            break
        value = value.get(name)
    return value
