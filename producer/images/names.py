"""The check of a dry run: which names of pictures are neither URLs nor files, as a missing `https://` makes them.

Such a name is a path, and no row is rejected for it: the files may be on the workers' machine only.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from producer.image_url import ImageRoot, looks_like_host
from producer.row_errors import shown
from producer.values.doubts import SHOWN, Doubts
from vitrine.core.schemes import FILE, local_path, scheme_of


@dataclass(slots=True)
class _Names:
    times: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, name: str, place: str) -> None:
        self.times += 1
        if self.times <= SHOWN:
            self.first.append(f"{shown(name)} in {place}")

    def __str__(self) -> str:
        return ", ".join(self.first) + (", …" if self.times > SHOWN else "")


class PictureNames:
    """Resolves names as the image root does, and counts those that cannot be what they seem."""

    def __init__(self, root: ImageRoot, doubts: Doubts) -> None:
        self._root = root
        self._doubts = doubts
        self._hosts = _Names()
        self._missing = _Names()

    def url(self, name: str) -> str:
        """Return the URL to fetch, as `ImageRoot.url` does."""
        url = self._root.url(name)
        if self._is_doubtful(name, url):
            names = self._hosts if looks_like_host(name) else self._missing
            names.add(name, str(self._doubts.place))
        return url

    def notes(self) -> Iterator[str]:
        """Yield a sentence for each kind of doubtful name."""
        if self._hosts.times:
            alike = "looks like a host" if self._hosts.times == 1 else "look like hosts"
            yield f"{self._what(self._hosts.times)}, but {alike} (is https:// missing?): {self._hosts}"
        if self._missing.times:
            yield f"{self._what(self._missing.times)}: {self._missing}"

    def _what(self, times: int) -> str:
        names = "1 picture name is" if times == 1 else f"{times:,} picture names are"
        if self._root.prefix is not None:
            return (
                f"{names} read as {'a path' if times == 1 else 'paths'} below {self._root.prefix}"
            )
        what = "neither a URL nor a file" if times == 1 else "neither URLs nor files"
        return f"{names} {what} beneath {self._root.given or self._root.folder}"

    def _is_doubtful(self, name: str, url: str) -> bool:
        if scheme_of(url) is FILE:
            return not os.path.isfile(local_path(url))
        return self._root.prefix is not None and scheme_of(name) is None and looks_like_host(name)
