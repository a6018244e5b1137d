"""The command line. ``--json`` prints one document; errors go to stderr, exit 2 for bad input, 1 for failure."""

from __future__ import annotations

import importlib
import os
import sys
from keyword import iskeyword

import click

from connectors.errors import ConnectorError
from plugin_server.cli.context import BadInput, Failure
from plugin_server.cli.last_resort import sentence
from plugin_server.launcher.errors import LauncherError
from plugin_server.settings import BadSettings

MODULES = {
    "demo": "plugin_server.cli.demo",
    "up": "plugin_server.cli.processes",
    "merchants": "plugin_server.cli.merchants",
    "ladder": "plugin_server.cli.ladder_shape",
    "audit": "plugin_server.cli.audit",
    "forecast": "plugin_server.cli.forecast",
    "experiment": "plugin_server.cli.experiment",
    "stores": "plugin_server.cli.stores",
    "customers": "plugin_server.cli.customers",
    "privacy": "plugin_server.cli.privacy",
    "sync": "plugin_server.cli.sync",
    "import": "plugin_server.cli.imports",
    "bench": "plugin_server.cli.bench",
    "campaigns": "plugin_server.cli.campaigns",
    "messages": "plugin_server.cli.campaigns",
    "points": "plugin_server.cli.points",
    "credit": "plugin_server.cli.credit",
    "card": "plugin_server.cli.card",
    "teams": "plugin_server.cli.teams",
    "consent": "plugin_server.cli.consent",
    "keys": "plugin_server.cli.keys",
    "migrate": "plugin_server.cli.processes",
    "worker": "plugin_server.cli.processes",
    "scheduler": "plugin_server.cli.processes",
}
"""Which module holds which command; loaded only when called, so that `tangga --help` is quick."""


class Commands(click.Group):
    """Finds a command's module by the table above."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the table's order."""
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command object ``cmd_name`` of its module (``import`` is ``import_`` there)."""
        if cmd_name not in MODULES:
            return None
        name = cmd_name.replace("-", "_") + ("_" if iskeyword(cmd_name) else "")
        found: click.Command = getattr(importlib.import_module(MODULES[cmd_name]), name)
        return found


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="tangga")
def cli() -> None:
    """Tangga places every customer on the loyalty ladder and runs the campaigns that move them one rung up."""


def main() -> None:
    """Entry point of the console script."""
    try:
        cli.main(standalone_mode=False)
    except click.UsageError as error:
        error.show()
        sys.exit(2)
    except click.Abort:
        _say("Stopped. What was finished is kept; the same command again does the rest.", 130)
    except (BadInput, BadSettings) as error:
        _say(str(error), 2)
    except (Failure, ConnectorError, LauncherError) as error:
        _say(str(error), 1)
    except BrokenPipeError:
        # Whoever read our output has enough of it, such as `head`. Nothing is wrong; Python must not flush again.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        sys.exit(0)
    except Exception as error:  # noqa: BLE001
        # The last resort: a person at a terminal gets a sentence, and the place for those who mend the program.
        _say(sentence(error), 1)


def _say(sentence: str, code: int) -> None:
    click.echo(f"tangga: {sentence}", err=True)
    sys.exit(code)
