"""A finding: what was checked, the result, and what to do about it."""

from __future__ import annotations

import enum
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from vitrine.core.errors import VitrineError
from vitrine.core.hints import CLI_WORDING
from vitrine.telemetry import redact

_DEBUG = "VITRINE_DEBUG"


class Severity(enum.StrEnum):
    """How much a finding matters."""

    GOOD = "good"  #: As it should be.
    NOTE = "note"  #: Worth knowing; nothing is wrong.
    WARNING = "warning"  #: It works, but will eventually fail or lose something.
    WRONG = "wrong"  #: It does not work.


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; `fix` says how to fix a problem, if there is one."""

    about: str
    verdict: Severity
    message: str
    fix: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the finding as a JSON object, for programs."""
        return {
            "about": self.about,
            "verdict": str(self.verdict),
            "message": self.message,
            "fix": self.fix,
        }


@dataclass(frozen=True, slots=True)
class FindingFactory:
    """Creates the findings of one part."""

    about: str

    def good(self, message: str) -> Finding:
        """Return a finding that all is well."""
        return Finding(self.about, Severity.GOOD, message)

    def note(self, message: str, fix: str | None = None) -> Finding:
        """Return a finding that is only worth knowing."""
        return Finding(self.about, Severity.NOTE, message, fix)

    def warning(self, message: str, fix: str) -> Finding:
        """Return a finding of something that works only for now."""
        return Finding(self.about, Severity.WARNING, message, fix)

    def wrong(self, message: str, fix: str | None = None) -> Finding:
        """Return a finding of something that does not work."""
        return Finding(self.about, Severity.WRONG, message, fix)


def guarded_check(about: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Yield the findings of one part; if the check itself fails, the failure is the last finding."""
    try:
        yield from look()
    except VitrineError as error:
        yield Finding(about, Severity.WRONG, redact(error.message), error.render_hint(CLI_WORDING))
    except Exception as error:
        if os.environ.get(_DEBUG):
            raise
        # Its message may repeat an address with its password.
        message = f"This check failed ({type(error).__name__})."
        yield Finding(about, Severity.WRONG, message, f"{_DEBUG}=1 vitrine doctor shows where.")
