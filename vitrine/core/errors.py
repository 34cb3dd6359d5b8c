"""Every error that vitrine raises on purpose.

One base class, then families. Each class carries three facts that do not depend on where it is caught: the
exit code of a command that ends with it, the HTTP status it maps to, and whether a retry can help
(`retryable`). The message says what is wrong and where; `hint` says what to do about it, as text or, if that
differs between the command line and HTTP, as a value (`vitrine.core.hints`). Neither ever contains a secret:
URLs with credentials go through `vitrine.telemetry.redact_url` first.
"""

from __future__ import annotations

from vitrine.core.hints import ActionWording, Hint

EXIT_OK = 0
EXIT_COULD_NOT_RUN = 1
EXIT_USAGE = 2
EXIT_FINISHED_WITH_FAILURES = 3


class VitrineError(Exception):
    """Base of every error that can be explained to a user in one sentence."""

    code = "internal"
    exit_code = EXIT_COULD_NOT_RUN
    http_status = 500
    retryable = False

    def __init__(self, message: str, *, hint: str | Hint | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def render_hint(self, words: ActionWording) -> str | None:
        """Return the hint in a front end's words."""
        return self.hint.render(words) if isinstance(self.hint, Hint) else self.hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class BadInput(VitrineError):
    """Raised when input from a user or client is invalid."""

    code = "bad_input"
    exit_code = EXIT_USAGE
    http_status = 422


class Unauthorized(VitrineError):
    """Raised when a request has no known API key."""

    code = "unauthorised"
    exit_code = EXIT_USAGE
    http_status = 401


class Forbidden(VitrineError):
    """Raised when the caller, authenticated or not, lacks permission for the request."""

    code = "forbidden"
    exit_code = EXIT_USAGE
    http_status = 403


class NotFound(VitrineError):
    """Raised when a job, collection or item does not exist."""

    code = "not_found"
    exit_code = EXIT_USAGE
    http_status = 404


class Conflict(VitrineError):
    """Raised when the resource exists but its state does not allow the request."""

    code = "conflict"
    exit_code = EXIT_USAGE
    http_status = 409


class SpaceMismatch(Conflict):
    """Raised when vectors of one embedding space are sent to a collection of another."""

    code = "space_mismatch"


class NotServed(VitrineError):
    """Raised when a protocol has an operation that this service does not implement; a retry cannot help."""

    code = "not_served"
    exit_code = EXIT_USAGE
    http_status = 501


class QueueFull(VitrineError):
    """Raised when accepting more would exceed the queue's limit; try again later."""

    code = "full"
    http_status = 429
    retryable = True

    def __init__(self, message: str, *, retry_after: float, hint: str | Hint | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after
        """Seconds to wait before retrying."""


class CatalogTooLarge(VitrineError):
    """Raised when a catalog is larger than the queue's limit: a retry cannot help."""

    code = "catalog_too_large"
    exit_code = EXIT_USAGE
    http_status = 413


class RateLimited(QueueFull):
    """Raised when a key exceeds its request rate."""

    code = "too_fast"


class Unavailable(VitrineError):
    """Raised when a service that vitrine depends on does not respond (Redis, the store, a worker)."""

    code = "unavailable"
    http_status = 503
    retryable = True


class FeedUnavailable(Unavailable):
    """Raised when the host of a catalog's URL does not respond, or is overloaded."""

    code = "feed_unavailable"
    http_status = 502


class LedgerUnavailable(Unavailable):
    """Raised when Redis refuses, times out or is full."""

    code = "ledger_unavailable"


class StoreUnavailable(Unavailable):
    """Raised when the vector store refuses, times out or asks to wait; the write was not applied."""

    code = "store_unavailable"

    def __init__(
        self, message: str, *, retry_after: float | None = None, hint: str | Hint | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after
        """Seconds that the store asked to wait, if it named any."""


class StoreRejected(VitrineError):
    """Raised when the store refuses a request permanently: repeating it cannot help."""

    code = "store_rejected"
    http_status = 502


class ModelUnavailable(Unavailable):
    """Raised when a model cannot be loaded, or no worker for it responds."""

    code = "model_unavailable"
