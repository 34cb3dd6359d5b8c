"""The console command: `vitrine COMMAND`. Each command is imported when it is called, not before."""

from __future__ import annotations

from vitrine.cli.commands import COMMANDS, main

__all__ = ["COMMANDS", "main"]
