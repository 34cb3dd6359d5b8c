"""A Celery loader that does not import from the working directory first."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from celery.loaders.app import AppLoader


class InstalledLoader(AppLoader):
    """Imports only installed modules.

    Celery's loader puts the working directory first on the path while it imports, so that it would run a `redis.py`
    that anyone left there.
    """

    def import_from_cwd(
        self, module: str, imp: Any | None = None, package: str | None = None
    ) -> ModuleType:
        """Import a module, but not from the working directory. The method's name is Celery's."""
        found: ModuleType = (imp or self.import_module)(module, package=package)
        return found

    def find_module(self, module: str) -> ModuleType:
        """Import a module, but not from the working directory. Raises `ImportError`."""
        return importlib.import_module(module)
