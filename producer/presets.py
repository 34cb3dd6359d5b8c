"""Platforms that export catalogs, as one table: how each is recognised, and what its columns mean.

A new platform is a row of `PRESETS`, its example beneath `tests/cases/feeds`, and a row in docs/producer.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

AUTO = "auto"
NO_PRESET = "none"


@dataclass(frozen=True, slots=True)
class Preset:
    """One platform's export."""

    title: str  #: What people call it.


PRESETS: Mapping[str, Preset] = {}
"""By the name that `--preset` takes."""
