"""Tries a new template out in a process of its own that may use little time and memory: it came from a person.

Limits of the template language hold most attacks off; what slips through them dies with the child.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from campaigns.mail.compose import compile_message
from campaigns.mail.liquid import TemplateError, compile_template
from campaigns.mail.variables import unknown

CPU_SECONDS: Final = 5
MEMORY: Final = 1 << 30
PATIENCE: Final = 60.0
"""Seconds by the clock; a busy machine gives the child little of itself."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A message in one language as its author wrote it."""

    language: str
    subject: str
    preheader: str
    body: str


def proof(drafts: Sequence[Draft], context: Mapping[str, Any]) -> dict[str, list[str]]:
    """By language, what is wrong with it, with line and column; ``context`` (plain values) is used to render it."""
    if not drafts:
        return {}
    asked = {
        "drafts": [[draft.language, draft.subject, draft.preheader, draft.body] for draft in drafts],
        "context": context,
    }
    command = [sys.executable, "-m", "plugin_server.jobs.sending.proofing"]
    try:
        child = subprocess.run(  # noqa: S603 - our own words
            command,
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            cwd=Path(__file__).parents[3],
        )
        found: dict[str, list[str]] = json.loads(child.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        # Killed by a limit: it wrote nothing, or only half of its answer.
        sentence = "It takes too much time or memory to render. Take loops and long repetitions out."
        return {drafts[0].language: [sentence]} if len(drafts) == 1 else _one_by_one(drafts, context)
    return found


def _one_by_one(drafts: Sequence[Draft], context: Mapping[str, Any]) -> dict[str, list[str]]:
    """Which of them it was."""
    return {language: faults for draft in drafts for language, faults in proof([draft], context).items()}


def main() -> None:
    """The child: limits first, then the drafts from stdin; the faults by language go to stdout."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    asked = json.load(sys.stdin)
    found = {draft[0]: faults for draft in asked["drafts"] if (faults := _faults(Draft(*draft), asked["context"]))}
    sys.stdout.write(json.dumps(found))


def _faults(draft: Draft, context: Mapping[str, Any]) -> list[str]:
    parts = (("subject", draft.subject), ("preheader", draft.preheader), ("body", draft.body))
    try:
        message = compile_message(draft.body, draft.subject, draft.preheader, draft.language)
        for part, source in parts:
            _tried(part, source, draft.language, context)
        message.render(context)
    except TemplateError as error:
        return [str(error)]
    faults = []
    for part, source in parts:
        for missed in unknown(compile_template(source, language=draft.language, escape=True)):
            missed.part = part
            faults.append(str(missed))
    return faults


def _tried(part: str, source: str, language: str, context: Mapping[str, Any]) -> None:
    """What fails only while it is worked out is found in the source: there its author knows the lines."""
    try:
        compile_template(source, language=language, escape=True).render(context)
    except TemplateError as error:
        error.part = part
        raise


if __name__ == "__main__":
    main()
