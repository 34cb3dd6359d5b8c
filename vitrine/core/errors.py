"""Every error that vitrine raises on purpose.

One base, then families. A class carries three facts that never depend on where it is caught: the
exit code of a command that ends with it, the HTTP status it becomes, and whether trying again can
help (`retryable`). A message says what was wrong and where; `hint` says what to do about it, as text or,
where that differs between the command line and HTTP, as a value (`vitrine.core.hints`). Neither ever holds a secret: URLs with credentials go through `vitrine.telemetry.redact_url` first.
"""

from __future__ import annotations

from vitrine.core.hints import ActionWording, Hint

EXIT_OK = 0
EXIT_COULD_NOT_RUN = 1
EXIT_USAGE = 2
EXIT_FINISHED_WITH_FAILURES = 3


class VitrineError(Exception):
    """The base: something that a person can be told in one sentence."""

    code = "internal"
    exit_code = EXIT_COULD_NOT_RUN
    http_status = 500
    retryable = False

    def __init__(self, message: str, *, hint: str | Hint | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def render_hint(self, words: ActionWording) -> str | None:
        """The hint in a front end's words."""
        return self.hint.render(words) if isinstance(self.hint, Hint) else self.hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class BadInput(VitrineError):
    """Raised when what a person or client gave cannot be used as it is."""

    code = "bad_input"
    exit_code = EXIT_USAGE
    http_status = 422


class Unauthorized(VitrineError):
    """Raised when a request brings no key that is known here."""

    code = "unauthorised"
    exit_code = EXIT_USAGE
    http_status = 401


class Forbidden(VitrineError):
    """Raised when who asks is known, or need not be, and may not do this."""

    code = "forbidden"
    exit_code = EXIT_USAGE
    http_status = 403


class NotFound(VitrineError):
    """Raised when a job, collection or item does not exist."""

    code = "not_found"
    exit_code = EXIT_USAGE
    http_status = 404


class Conflict(VitrineError):
    """Raised when the thing exists in a state that does not allow the request."""

    code = "conflict"
    exit_code = EXIT_USAGE
    http_status = 409


class SpaceMismatch(Conflict):
    """Raised when vectors of one embedding space are offered to a collection of another."""

    code = "space_mismatch"


class NotServed(VitrineError):
    """Raised when a protocol has an operation that this service has not, and never will by asking again."""

    code = "not_served"
    exit_code = EXIT_USAGE
    http_status = 501


class QueueFull(VitrineError):
    """Raised when accepting more would grow the queue past its limit; try again later."""

    code = "full"
    http_status = 429
    retryable = True

    def __init__(self, message: str, *, retry_after: float, hint: str | Hint | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after
        """Seconds after which asking again is reasonable."""


class CatalogTooLarge(VitrineError):
    """Raised when what was given is larger than the queue may ever be: trying again cannot help."""

    code = "catalog_too_large"
    exit_code = EXIT_USAGE
    http_status = 413


class RateLimited(QueueFull):
    """Raised when one key asks more often than it may."""

    code = "too_fast"


class Unavailable(VitrineError):
    """Raised when a part that vitrine stands on does not answer (Redis, the store, a worker)."""

    code = "unavailable"
    http_status = 503
    retryable = True


class LedgerUnavailable(Unavailable):
    """Raised when Redis refuses, times out or is full."""

    code = "ledger_unavailable"


class StoreUnavailable(Unavailable):
    """Raised when the vector store refuses, times out or asks to wait; the write did not count."""

    code = "store_unavailable"

    def __init__(
        self, message: str, *, retry_after: float | None = None, hint: str | Hint | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after
        """Seconds the store asked to be left alone, where it said so."""


class StoreRejected(VitrineError):
    """Raised when the store refuses a request for good: trying the same again cannot help."""

    code = "store_rejected"
    http_status = 502


class ModelUnavailable(Unavailable):
    """Raised when a model cannot be loaded, or no worker answers for it."""

    code = "model_unavailable"
