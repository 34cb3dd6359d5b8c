"""The state of one picture in the fetcher, from its first URL through its redirects to the result of its future."""

from __future__ import annotations

from concurrent.futures import Future

from vitrine.core.types import FailureReason, ItemFailure
from vitrine.net.rules import RedirectTrail
from vitrine.net.url import Target
from workers.fetch.policy import FetchPolicy
from workers.fetch.result import FetchedPicture
from workers.tracebacks import without_traceback


class Transfer:
    """One picture's fetch. `patience` is how many seconds it may wait for a host that asked to be left alone."""

    def __init__(self, target: Target, policy: FetchPolicy, patience: float) -> None:
        self.target = target
        self.patience = patience
        self.future: Future[FetchedPicture] = Future()
        self._policy = policy
        self._trail = RedirectTrail(target, policy.max_redirects)
        self._spent = 0.0
        self._since = 0.0
        self._begun = False

    def begin(self, now: float) -> float:
        """Start the clock for one request and return the seconds left; raises `ItemFailure(TIMEOUT)` if none are left."""
        left = self._policy.timeout - self._spent
        if left <= 0:
            raise ItemFailure(FailureReason.TIMEOUT, "its redirects took all of its time")
        self._since = now
        return left

    def pause(self, now: float) -> None:
        """Stop the clock: the request has ended, and time in the queue does not count."""
        self._spent += now - self._since

    def claim(self) -> bool:
        """Return whether the picture is still wanted; if so, it can no longer be cancelled."""
        if not self._begun:
            self._begun = self.future.set_running_or_notify_cancel()
        return self._begun

    def redirect(self, target: Target) -> None:
        """Follow a redirect; raises `ItemFailure` for a loop, too many redirects, or a forbidden target."""
        self._trail.add(target)
        self._policy.check(target)
        self.target = target

    def succeed(self, fetched: FetchedPicture) -> None:
        """Set the picture as the future's result."""
        self.future.set_result(fetched)

    def fail(self, error: BaseException) -> None:
        """Fail the future, unless the caller cancelled it before the first request."""
        if self.claim():
            self.future.set_exception(without_traceback(error))
