"""Failures without the frames that they came through.

A traceback keeps its frames, these their callers', and all of them what they hold: the picture's bytes, and the
future that the failure is handed over in, which holds the failure. Such a circle lives until the next full collection,
with up to 20 MB in it. A failure is an outcome like any other, its words say all there is: nobody reads where it was raised.
"""

from __future__ import annotations

from vitrine.core.types import ItemFailure


def without_traceback(error: BaseException) -> BaseException:
    """The same exception; if it is an `ItemFailure`, without its tracebacks and its causes'."""
    if isinstance(error, ItemFailure):
        link: BaseException | None = error
        while link is not None:
            link.__traceback__ = None
            link = link.__cause__ or link.__context__
    return error
