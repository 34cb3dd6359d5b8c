"""What to do next, told to a client of the API: messages made for the command line name the same thing over HTTP.

The rooms behind both sides raise one error with one hint. The few that name a command or an option are
put into the API's terms here, in one table, so that no room has to know who asks.
"""

from __future__ import annotations

_OVER_HTTP = (
    ("`vitrine jobs` lists those there are", "GET /v1/jobs lists those there are"),
    ("See how it stands: vitrine status ", "See how it stands: GET /v1/jobs/"),
    ("submit without --strict", "submit with strict=false"),
    ("Name it with --id COLUMN", "Name it in the form's field id_column"),
    ("Name it with --image COLUMN", "Name it in the form's field image_columns"),
    ("(--id)", "(id_column)"),
    ("(--image)", "(image_columns)"),
    ("or cancel a job", "or cancel a job (GET /v1/jobs, POST /v1/jobs/JOB/cancel)"),
)


def over_http(text: str) -> str:
    """The message or hint with a command's words replaced by the API's."""
    for told, meant in _OVER_HTTP:
        text = text.replace(told, meant)
    return text
