"""Removes tracebacks from failures, so that they keep no frames alive.

A traceback keeps its frames and their callers alive, with everything they refer to: the picture's bytes, and the
future that carries the failure, which refers back to the failure. Such a cycle, with up to 20 MB in it, lives until the
next full garbage collection. A failure is an ordinary outcome, and its message is sufficient: nobody needs the traceback.
"""

from __future__ import annotations

from vitrine.core.types import ItemFailure


def without_traceback(error: BaseException) -> BaseException:
    """Return the exception; if it is an `ItemFailure`, remove its traceback and those of its causes."""
    if isinstance(error, ItemFailure):
        link: BaseException | None = error
        while link is not None:
            link.__traceback__ = None
            link = link.__cause__ or link.__context__
    return error
