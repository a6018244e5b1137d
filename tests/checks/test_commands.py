"""Every command can be told its home and asked for JSON: the tree of commands is walked, so that none is forgotten."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from plugin_server.cli import cli

LASTING = {"demo", "up", "worker", "scheduler", "migrate"}
"""These run until stopped, or say only that they are done."""


def leaves(
    command: click.Command, context: click.Context, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, set[str]]]:
    """Each command below this one as it is typed, with its options."""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None, name
            yield from leaves(found, context, (*path, name))
    else:
        yield " ".join(path), {word for param in command.params for word in param.opts}


COMMANDS = dict(leaves(cli, click.Context(cli)))


def test_the_walk_finds_the_commands_at_all_depths() -> None:
    assert {"sync", "ladder explain", "stores add woocommerce", "worker"} <= set(COMMANDS)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_takes_a_home(command: str) -> None:
    assert "--home" in COMMANDS[command]


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - LASTING))
def test_every_command_that_answers_can_answer_in_json(command: str) -> None:
    assert "--json" in COMMANDS[command]
