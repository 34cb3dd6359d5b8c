"""Translation of a Qdrant client's errors to vitrine's, in one table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError
from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from vitrine.core.errors import NotFound, StoreRejected, StoreUnavailable, VitrineError

MAX_REASON = 300  #: Characters of the server's message to include in an error.


@contextmanager
def qdrant_errors(name: str) -> Iterator[None]:
    """Translate errors of the client raised in this block. `name` is the catalog they concern."""
    try:
        yield
    except ResourceExhaustedResponse as error:
        message = "The Qdrant server is busy and asked for a retry later."
        raise StoreUnavailable(message, retry_after=float(error.retry_after_s)) from error
    except UnexpectedResponse as error:
        raise _meaning(error, name) from error
    except ResponseHandlingException as error:
        raise _connection_error(error) from error
    except QdrantException as error:  # a Retry-After header with a date
        raise StoreUnavailable("The Qdrant server is busy and asked for a retry later.") from error


def _meaning(error: UnexpectedResponse, name: str) -> VitrineError:
    status = error.status_code or 0
    reason = (error.content or b"").decode("utf-8", "replace")[:MAX_REASON].strip()
    said = f"The Qdrant server returned {status}: {reason or error.reason_phrase}"
    if status == 404:
        return NotFound(f"There is no collection {name!r}.")
    if status in (401, 403):
        # Retryable: a wrong key is a configuration error, not the fault of a picture.
        return StoreUnavailable(
            f"The Qdrant server refuses the key ({status}).", hint="Check VITRINE_QDRANT_API_KEY."
        )
    if 400 <= status < 500 and status not in (408, 425, 429):
        return StoreRejected(said)
    return StoreUnavailable(said)


def _connection_error(error: ResponseHandlingException) -> VitrineError:
    if isinstance(error.source, ValidationError):
        return StoreRejected("The Qdrant server's response is not understood; check its version.")
    return StoreUnavailable(f"The Qdrant server does not respond ({type(error.source).__name__}).")
