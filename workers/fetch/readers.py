"""Who reads pictures that do not come over HTTP: a reader for each other scheme of `vitrine.core.schemes`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Protocol, TypeAlias

from vitrine.core.schemes import FILE
from workers.byte_budget import ByteBudget
from workers.fetch.files import FileReader
from workers.fetch.policy import FetchPolicy
from workers.fetch.result import FetchedPicture


class PictureReader(Protocol):
    """Reads the pictures of one scheme, in threads of its own."""

    def read(self, url: str, root: str | None) -> Future[FetchedPicture]:
        """Begin to read one; the future ends in `FetchedPicture` or raises `ItemFailure`, nothing else.

        `root` is the folder beneath which a job may name files; None where it may name none.
        """

    def close(self) -> None:
        """Let what is being read end; cancel the rest."""


MakeReader: TypeAlias = Callable[[FetchPolicy, ByteBudget], PictureReader]

READERS: Mapping[str, MakeReader] = {FILE.name: FileReader}
"""By scheme: what makes a reader under a policy, whose pictures' bytes count against the budget."""
