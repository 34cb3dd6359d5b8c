"""Celery's loader without its habit of importing from the working directory first."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from celery.loaders.app import AppLoader


class InstalledLoader(AppLoader):
    """Imports what is installed only.

    Celery's own puts the working directory in front while it imports, so that a `redis.py` lying there, of whoever
    wrote it, would be run.
    """

    def import_from_cwd(
        self, module: str, imp: Any | None = None, package: str | None = None
    ) -> ModuleType:
        """Import it, not from the working directory; the name is Celery's."""
        found: ModuleType = (imp or self.import_module)(module, package=package)
        return found

    def find_module(self, module: str) -> ModuleType:
        """Import it, not from the working directory; raises `ImportError`."""
        return importlib.import_module(module)
