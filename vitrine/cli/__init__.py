"""The console command: `vitrine COMMAND`. Each command is imported only when it is called."""

from __future__ import annotations

from vitrine.cli.commands import COMMANDS, main

__all__ = ["COMMANDS", "main"]
