"""What a command with commands of its own says of them with ``--help``."""

from __future__ import annotations

import click

__all__ = ["WholeSentences"]


class WholeSentences(click.Group):
    """A group whose list of commands cuts no sentence."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.summary(ctx, name)) for name in self.list_commands(ctx)])

    def summary(self, ctx: click.Context, name: str) -> str:
        """Return the first paragraph of a command's help."""
        command = self.get_command(ctx, name)
        text = (command.help or "") if command is not None else ""
        return " ".join(text.strip().partition("\n\n")[0].split())
