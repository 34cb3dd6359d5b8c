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
        prefix, folder = self._root.prefix, self._root.given or self._root.folder
        what = (
            f"neither URLs nor files beneath {folder!r}"
            if prefix is None
            else f"put behind {prefix!r}"
        )
        if self._hosts.times:
            names = _counted(self._hosts.times)
            yield f"{names} {what}, but start like a host; is https:// missing? {self._hosts}"
        if self._missing.times:
            yield f"{_counted(self._missing.times)} {what}: {self._missing}"

    def _is_doubtful(self, name: str, url: str) -> bool:
        if scheme_of(url) is FILE:
            return not os.path.isfile(local_path(url))
        return self._root.prefix is not None and scheme_of(name) is None and looks_like_host(name)


def _counted(times: int) -> str:
    return "1 name of a picture is" if times == 1 else f"{times:,} names of pictures are"
