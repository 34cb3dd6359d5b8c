"""The `main` group: commands loaded lazily, and every error printed as one sentence with an exit code.

`vitrine --help` imports only click and this module, so each command's summary is in `SUMMARIES`.
"""

from __future__ import annotations

import difflib
import errno
import importlib
import json
import os
from typing import Any

import click

from vitrine import __version__
from vitrine.cli.shadowed import refuse_shadowed
from vitrine.core.config_file import CONFIG_VARIABLE
from vitrine.core.errors import EXIT_COULD_NOT_RUN, VitrineError

COMMANDS = {
    "submit": "vitrine.cli.submit.command:submit",
    "jobs": "vitrine.cli.jobs.commands:jobs",
    "status": "vitrine.cli.jobs.commands:status",
    "failures": "vitrine.cli.jobs.failures:failures",
    "retry": "vitrine.cli.jobs.commands:retry",
    "cancel": "vitrine.cli.jobs.commands:cancel",
    "search": "vitrine.cli.search:search",
    "embed": "vitrine.cli.embed.command:embed",
    "score": "vitrine.cli.score.command:score",
    "dedupe": "vitrine.cli.dedupe.command:dedupe",
    "evaluate": "vitrine.cli.evaluate.command:evaluate",
    "worker": "vitrine.cli.worker.command:worker",
    "api": "vitrine.cli.api:api",
    "standalone": "vitrine.cli.standalone:standalone",
    "store": "vitrine.cli.store:store",
    "settings": "vitrine.cli.settings:settings",
    "keys": "vitrine.cli.keys:keys",
    "models": "vitrine.cli.models:models",
    "flower": "vitrine.cli.flower:flower",
    "top": "vitrine.cli.top.command:top",
    "doctor": "vitrine.cli.doctor.command:doctor",
    "demo": "vitrine.cli.demo.command:demo",
}
"""Each command's name and location: `module:attribute`."""

SUMMARIES = {
    "submit": "Send a catalog: every picture becomes a vector or a named failure.",
    "jobs": "List jobs, newest first.",
    "status": "Show a job's progress.",
    "failures": "List a job's failed pictures and rejected rows.",
    "retry": "Retry a job's failures.",
    "cancel": "Stop a job.",
    "search": "Search a collection by picture, item, words or examples.",
    "embed": "Get the vectors of pictures and words.",
    "score": "Score the pictures of a CSV against their texts.",
    "dedupe": "Find near-identical pictures in a collection.",
    "evaluate": "Measure a model on your own labelled pictures.",
    "worker": "Run a worker: one model on one device.",
    "api": "Run the HTTP API.",
    "standalone": "Run everything in one command: queue, store, worker and API.",
    "store": "Run the embedded vector store as a separate process.",
    "settings": "Show every setting, its value and where it comes from.",
    "keys": "Create API keys.",
    "models": "List the models known by name.",
    "flower": "Watch the tasks in Flower.",
    "top": "Watch jobs, workers and rates in the terminal.",
    "doctor": "Find problems and say how to fix them.",
    "demo": "Generate a sample catalog, ingest it, and search it.",
}

EXIT_INTERRUPTED = 130
DEBUG_VARIABLE = "VITRINE_DEBUG"
_AS_JSON = "vitrine:as-json"


class LazyGroup(click.Group):
    """A group that imports a command when it is used."""

    # click's signatures: the context is not used here.
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        target = COMMANDS.get(cmd_name)
        return None if target is None else _with_examples(cmd_name, load_command(cmd_name, target))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, SUMMARIES[name]) for name in COMMANDS])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_AS_JSON] = "--json" in args
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"{error.message}{meant}", ctx) from None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            refuse_shadowed()
            return super().invoke(ctx)
        except VitrineError as error:
            _tell(error, as_json=ctx.meta[_AS_JSON])
            ctx.exit(error.exit_code)
        except click.ClickException as error:
            if not ctx.meta[_AS_JSON]:
                raise
            _print_error("usage", error.format_message(), None, error.exit_code)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(EXIT_INTERRUPTED)
        except (click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # last resort: users never see a traceback
            if _broken_pipe(error) or os.environ.get(DEBUG_VARIABLE):
                raise
            _tell_unexpected(error)
            ctx.exit(EXIT_COULD_NOT_RUN)


def load_command(name: str, target: str) -> click.Command:
    """Import a command; raises `UsageError` if this installation lacks it or one of its dependencies."""
    module, _, attribute = target.partition(":")
    try:
        command = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        if error.name == module:
            raise click.UsageError(f"This installation has no command {name!r}.") from error
        raise click.UsageError(
            f"The command {name!r} needs {error.name}, which is not installed; "
            "install vitrine with the extra that includes it, or with `standalone` for everything."
        ) from error
    if not isinstance(command, click.Command):
        raise TypeError(f"{target} is not a command")
    return command


def _with_examples(name: str, command: click.Command) -> click.Command:
    """Return the command with its examples at the end of its help."""
    from vitrine.cli.examples import EXAMPLES

    lines = "\n".join(f"  {example}" for example in EXAMPLES[name])
    shown = f"\b\nExamples:\n{lines}"
    if shown not in (command.epilog or ""):
        command.epilog = f"{shown}\n\n{command.epilog}" if command.epilog else shown
    return command


def _tell(error: VitrineError, *, as_json: bool) -> None:
    if as_json:
        hint = None if error.hint is None else str(error.hint)
        _print_error(error.code, error.message, hint, error.exit_code)
        return
    from vitrine.cli.common.output import error_console, escape_text

    console = error_console()
    console.print(escape_text(f"Error: {error.message}"), style="red", soft_wrap=True)
    if error.hint:
        console.print(escape_text(str(error.hint)), soft_wrap=True)


def _print_error(code: str, message: str, hint: str | None, exit_code: int) -> None:
    """Print one JSON object on one line of stderr: the form of errors with `--json`, in every command."""
    told = {"code": code, "message": message, "hint": hint, "exit_code": exit_code}
    click.echo(json.dumps({"error": told}), err=True)


def _tell_unexpected(error: Exception) -> None:
    # The message of an unexpected error may contain anything, even a password in a URL: print only its type.
    click.echo(
        f"Error: an unexpected error occurred ({type(error).__name__}); "
        f"run again with {DEBUG_VARIABLE}=1 for the traceback.",
        err=True,
    )


def _broken_pipe(error: Exception) -> bool:
    # click exits quietly when the reader of our output is gone (`vitrine failures JOB | head`).
    return isinstance(error, OSError) and error.errno == errno.EPIPE


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 could not run, 2 usage or bad input, 3 finished with failures, "
    "130 interrupted.",
)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    help="A TOML file of settings; default: VITRINE_CONFIG.",
)
@click.version_option(__version__, prog_name="vitrine")
def main(config: str | None) -> None:
    """Visual search for product catalogs."""
    if config is not None:
        # For this process and its children.
        os.environ[CONFIG_VARIABLE] = config
