"""The command `calibscripts`: one module for each of its commands, imported only when it is called."""

from __future__ import annotations

import importlib
from typing import Any

import click

from .. import __version__
from ..ground.home import provide_home
from ._guard import GuardedGroup
from ._help import WholeSentences

__all__ = ["main"]

COMMANDS = {
    "check": "Check a configuration, and report what it would do.",
    "check-block": "Check BLOCK files of the Scheduler.",
    "decide": "Decide on calibrations and exposures.",
    "history": "Print the recorded runs of a camera over time.",
    "link-scripts": "Link the scripts into the ScriptQueue's external tree.",
    "make-block": "Write a BLOCK of the Scheduler for what is installed.",
    "night": "Print what came of a night.",
    "produce": "Make calibrations from exposures that exist already.",
    "rehearse": "Run a script in the simulated summit.",
    "replay": "Write the shell script that repeats the processing of a run.",
    "report": "Report on a run: verdicts, pictures, tables, trends.",
    "schema": "Print the configuration schema of a script.",
    "serve": "Serve pages to watch runs on, and to decide.",
}
"""Commands and what they are for; each stands in the module of its name, with ``_`` for ``-``."""


EXTRAS = {
    "summit": ("lsst.ctrl", "lsst.pex", "lsst.pipe", "rich", "scipy"),
    "web": ("fastapi", "uvicorn"),
}
"""Extra -> packages that only it installs, and for which the others have no use."""

USES = {"summit": "the simulated summit needs", "web": "the pages need"}


class _Commands(WholeSentences, GuardedGroup):
    """Imports a command when it is called, so that none waits for what another needs."""

    def invoke(self, ctx: click.Context) -> Any:
        provide_home()
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            extra = next(
                (name for name, packages in EXTRAS.items() if (error.name or "").startswith(packages)), None
            )
            if extra is None:
                raise
            raise click.ClickException(
                f"{ctx.invoked_subcommand} needs the package {error.name}, which is not installed; nothing was done. "
                f"Install what {USES[extra]}: pip install 'lsst-ts-calibscripts[{extra}]'"
            ) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def summary(self, ctx: click.Context, name: str) -> str:
        """Return what a command is for, without importing it."""
        return COMMANDS[name]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(importlib.import_module(f"{__name__}.{name}"), name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Rehearse and check the calibration scripts of the observatory."""
