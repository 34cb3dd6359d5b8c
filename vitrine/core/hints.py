"""Hints as values: an error names an action that would help, and each front end describes it in its own terms.

The command line and the HTTP API share code that raises the same errors. A hint that names a command, an option, a route
or a form field is therefore a `Hint`: a sentence in which the front end replaces each `Action` with its own words.
`CLI_WORDING` has the command line's words; the API's are in `api.error_hints`. A new action needs a row in both tables.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field


class Action(enum.StrEnum):
    """Something that a user or client can do about an error; its value is its name in a `Hint`."""

    LIST_JOBS = "list_jobs"
    SHOW_JOB = "show_job"  #: Takes `job`.
    CANCEL_JOB = "cancel_job"  #: Takes `job`.
    CANCEL_SOME_JOB = "cancel_some_job"
    SUBMIT_AND_WAIT = "submit_and_wait"  #: Submit so that the command waits for space in the queue.
    ID_COLUMN = "id_column"  #: The option for the id column.
    IMAGE_COLUMNS = "image_columns"  #: The option for the picture columns.
    PAYLOAD_COLUMNS = "payload_columns"  #: The option for the columns to keep as fields.
    SKIP = "skip"  #: The option for the number of lines above the header.
    ROW_ELEMENT = "row_element"  #: The option that names the element of an XML file that is a row.
    NOT_STRICT = "not_strict"  #: Submit although some rows are rejected.


ActionWording = Mapping[Action, str]
"""The words for each action in one front end; `{job}` and the like are replaced with a hint's values."""

CLI_WORDING: ActionWording = {
    Action.LIST_JOBS: "vitrine jobs",
    Action.SHOW_JOB: "vitrine status {job}",
    Action.CANCEL_JOB: "vitrine cancel {job}",
    Action.CANCEL_SOME_JOB: "cancel a job (vitrine jobs, vitrine cancel JOB)",
    Action.SUBMIT_AND_WAIT: "use `vitrine submit`, which waits until the queue has space",
    Action.ID_COLUMN: "--id COLUMN",
    Action.IMAGE_COLUMNS: "--image COLUMN",
    Action.PAYLOAD_COLUMNS: "--payload COLUMN,…",
    Action.SKIP: "--skip LINES",
    Action.ROW_ELEMENT: "--row PATH",
    Action.NOT_STRICT: "submit without --strict",
}


@dataclass(frozen=True, slots=True)
class Hint:
    """A sentence with actions in braces: `Hint("See its progress: {show_job}", {"job": "c5120fd6"})`.

    User input belongs in `values`, never in `template`, where its braces would be read as names.
    """

    template: str
    values: Mapping[str, str] = field(default_factory=dict)

    def render(self, words: ActionWording) -> str:
        """Return the sentence in a front end's words."""
        actions = {
            action.value: text.format_map(_Values(self.values)) for action, text in words.items()
        }
        return self.template.format_map(actions | dict(self.values))

    def __str__(self) -> str:
        return self.render(CLI_WORDING)


class _Values(dict[str, str]):
    """The values of one hint; actions that the hint does not use may need values that are missing here."""

    def __missing__(self, key: str) -> str:
        return key.upper()
