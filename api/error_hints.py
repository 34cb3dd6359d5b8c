"""Hints of errors in the API's terms: routes and form fields instead of commands and options."""

from __future__ import annotations

from vitrine.core.errors import VitrineError
from vitrine.core.hints import Action, ActionWording

HTTP: ActionWording = {
    Action.LIST_JOBS: "GET /v1/jobs",
    Action.SHOW_JOB: "GET /v1/jobs/{job}",
    Action.CANCEL_JOB: "POST /v1/jobs/{job}/cancel",
    Action.CANCEL_SOME_JOB: "cancel a job (GET /v1/jobs, POST /v1/jobs/JOB/cancel)",
    Action.SUBMIT_AND_WAIT: "use the command `vitrine submit`, which waits for room",
    Action.ID_COLUMN: "id_column",
    Action.IMAGE_COLUMNS: "image_columns",
    Action.PAYLOAD_COLUMNS: "payload_columns",
    Action.SKIP: "skip=LINES",
    Action.ROW_ELEMENT: "row",
    Action.NOT_STRICT: "submit with strict=false",
}


def hint_of(error: VitrineError) -> str | None:
    """Return the error's hint for a client of the API."""
    return error.render_hint(HTTP)


def sentence_of(error: VitrineError) -> str:
    """Return the error's message and hint for a client of the API."""
    hint = hint_of(error)
    return f"{error.message} {hint}" if hint else error.message
