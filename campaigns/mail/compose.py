"""From a merchant's MJML, subject and preheader to mails: for one person, or for a thousand in one request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from campaigns.mail.fragments import (
    MAX_FRAGMENT_BYTES,
    MAX_FRAGMENTS,
    CannotSplit,
    Column,
    Skeleton,
    differing,
    marker_of,
    merged,
    oversize,
    split,
)
from campaigns.mail.liquid import Template, TemplateError, compile_template
from campaigns.mail.mjml import compile_mjml

# Everything that could end a header line or steer a terminal. One character becomes one space, so that cleaning the
# parts of a subject equals cleaning the whole.
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """One person's mail. ``missing`` names variables that were printed although nobody supplied them."""

    subject: str
    html: str
    text: str
    missing: tuple[str, ...] = ()


@dataclass(slots=True)
class Batch:
    """One skeleton for many and each person's fragments, by the ids the caller gave.

    ``alone`` maps ids whose mail must be rendered and sent by itself to the reason; ``failed`` maps ids whose mail
    cannot be rendered to a sentence. Both are left out of ``fragments``. ``missing`` maps ids to variables that
    nobody supplied.
    """

    subject: str
    html: str
    text: str
    fragments: dict[str, dict[str, str]]
    alone: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    missing: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CompiledMessage:
    """A checked message in one language, ready to be rendered any number of times. Make it by ``compile_message``."""

    language: str
    subject: Template
    html: Template
    text: Template

    @property
    def variables(self) -> frozenset[str]:
        """The roots the message reads from its context: ``{"customer", "shop", …}``."""
        return self.subject.variables | self.html.variables | self.text.variables

    def render(self, context: Mapping[str, object], theirs: Mapping[str, object] | None = None) -> RenderedMail:
        """The whole mail for one context, or for what is shared and what is ``theirs``, laid over it as in ``batch``.

        Raises ``TemplateError``.
        """
        if theirs is not None:
            context = merged(context, theirs)
        with _part("subject"):
            subject = self.subject.render(context)
        with _part("body", placed=False):
            html, text = self.html.render(context), self.text.render(context)
        missing = dict.fromkeys(subject.missing + html.missing + text.missing)
        return RenderedMail(_one_line(subject.text), html.text, text.text, tuple(missing))

    def batch(
        self, shared: Mapping[str, object], people: Sequence[tuple[str, Mapping[str, object]]], *, salt: str
    ) -> Batch:
        """Render for many: ``shared`` holds what is equal for all, ``people`` are pairs of id and what is theirs.

        Where both hold a mapping, the person's names are laid over the shared ones (``offer.code`` theirs,
        ``offer.percent`` shared). ``salt`` (6 to 32 letters and
        digits, unpredictable, such as the attempt's id) keeps customers from writing tags into their names.
        Raises ``TemplateError`` where the shared part cannot be rendered.
        """
        personal = differing(shared, (theirs for _, theirs in people))
        markers = [marker_of(salt, part) for part in "sht"]
        try:
            parts = [
                split(template, shared, personal, marker)
                for template, marker in zip((self.subject, self.html, self.text), markers, strict=True)
            ]
        except CannotSplit as reason:
            return Batch("", "", "", {}, alone={id_: f"The template cannot be split: {reason}." for id_, _ in people})
        batch = Batch(_one_line(parts[0].text), parts[1].text, parts[2].text, {})
        _fill(batch, parts, people, f"-{salt}")
        return batch


def compile_message(source_mjml: str, subject: str, preheader: str, language: str) -> CompiledMessage:
    """Check and compile the parts of a message. Raises ``TemplateError`` with the part, and line and column in it."""
    with _part("subject"):
        subject_template = compile_template(subject.strip(), language=language, escape=False)
        if not subject.strip():
            raise TemplateError("The subject is empty; say in a few words what the mail is about.")
    with _part("preheader"):
        compile_template(preheader, language=language, escape=True)
    with _part("body"):
        # The Liquid of the source is checked first: after compilation its lines would be those of the HTML.
        compile_template(source_mjml, language=language, escape=True)
        compiled = compile_mjml(source_mjml, preheader=preheader, language=language)
        html = compile_template(compiled.html, language=language, escape=True)
        text = compile_template(compiled.text, language=language, escape=False)
    return CompiledMessage(language, subject_template, html, text)


def _fill(
    batch: Batch, parts: Sequence[Skeleton], people: Sequence[tuple[str, Mapping[str, object]]], reserved: str
) -> None:
    """Everybody's fragments, worked out column by column, and those who must go alone or not at all."""
    everybody = [theirs for _, theirs in people]
    columns = [(number, column) for number, part in enumerate(parts) for column in part.columns(everybody)]
    failed: dict[int, str] = {}
    for number, column in columns:
        failed = {**column.failed, **failed}
        if number == 0:
            column.texts = [_one_line(text) for text in column.texts]
    common = tuple(name for part in parts for name in part.missing)
    missed = {place for _, column in columns for place in column.missing} if not common else range(len(people))
    for place in missed:
        names = [name for _, column in columns for name in column.missing.get(place, ())]
        batch.missing[people[place][0]] = tuple(dict.fromkeys((*common, *names)))
    columns = _united(batch, columns)
    tags = [column.tag for _, column in columns]
    rows = zip(*(column.texts for _, column in columns), strict=True) if columns else ((),) * len(people)
    room = MAX_FRAGMENT_BYTES - sum(map(len, tags))
    for place, ((id_, _), row) in enumerate(zip(people, rows, strict=True)):
        if place in failed:
            batch.failed[id_] = failed[place]
            batch.missing.pop(id_, None)
            continue
        together, fragments = "".join(row), dict(zip(tags, row, strict=True))
        if len(tags) > MAX_FRAGMENTS or len(together.encode()) > room:
            batch.alone[id_] = oversize(fragments) or ""
        elif reserved in together:
            batch.alone[id_] = "a value contains the mark of personal parts"
        else:
            batch.fragments[id_] = fragments


def _united(batch: Batch, columns: Sequence[tuple[int, Column]]) -> list[tuple[int, Column]]:
    """Columns that say the same for everybody, such as a link in html and text, become one: requests get smaller."""
    kept: list[tuple[int, Column]] = []
    by_first: dict[str, list[Column]] = {}
    for number, column in columns:
        alike = by_first.setdefault(column.texts[0] if column.texts else "", [])
        twin = next((other for other in alike if other.texts == column.texts), None)
        if twin is None:
            alike.append(column)
            kept.append((number, column))
        elif number == 1:
            batch.html = batch.html.replace(column.tag, twin.tag)
        elif number == 2:
            batch.text = batch.text.replace(column.tag, twin.tag)
        else:
            batch.subject = batch.subject.replace(column.tag, twin.tag)
    return kept


def _one_line(text: str) -> str:
    return _CONTROL.sub(" ", text)


@contextmanager
def _part(name: str, *, placed: bool = True) -> Iterator[None]:
    """Names the part an error is about; not ``placed`` where its lines are those of HTML that nobody wrote."""
    try:
        yield
    except TemplateError as error:
        error.part = name
        if not placed:
            error.line = error.column = None
        raise
