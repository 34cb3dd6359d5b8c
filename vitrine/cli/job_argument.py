"""The argument JOB of the commands about one job; an empty one is mostly a shell variable that was never set."""

from __future__ import annotations

import click


def _named(_: click.Context, __: click.Parameter, value: str) -> str:
    if not value.strip():
        raise click.BadParameter(f"expected a job's id, found {value!r}; vitrine jobs lists them.")
    return value


job_argument = click.argument("job", callback=_named)
