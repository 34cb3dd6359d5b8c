"""The JOB that a command is about; an empty one is mostly a shell variable that was never set."""

from __future__ import annotations

import click


def check_job_id(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """A job's id as it was given; refuses blanks."""
    if value is not None and not value.strip():
        raise click.BadParameter(f"expected a job's id, found {value!r}; vitrine jobs lists them.")
    return value


job_argument = click.argument("job", callback=check_job_id)
