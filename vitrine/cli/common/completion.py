"""Shell completion of jobs, collections and models, as far as they can be found quickly.

Nothing here may fail or wait: if a service is unreachable, nothing is completed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing

import click
from click.shell_completion import CompletionItem

MOST_JOBS = 50
PATIENCE_SECONDS = 1.0
"""A completion that takes longer looks like one that does nothing."""


def complete_jobs(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete job ids, newest first, each with its state and collection."""
    return _matching(incomplete, _jobs)


def complete_collections(
    _: click.Context, __: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete the names of collections in the store."""
    return _matching(incomplete, _collections)


def complete_models(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete models known by name, and directories."""
    return _matching(incomplete, _models)


Found = tuple[str, str]
"""The completed word, and the help that the shell shows next to it."""


def _matching(incomplete: str, find: Callable[[], Iterable[Found]]) -> list[CompletionItem]:
    try:
        return [
            CompletionItem(name, help=about)
            for name, about in find()
            if name.startswith(incomplete)
        ]
    except Exception:  # noqa: BLE001 - an error would be printed into the command line being typed
        return []


def _jobs() -> Iterator[Found]:
    from vitrine.cli.common.services import load_settings, open_ledger

    with open_ledger(load_settings()) as ledger:
        for status in ledger.jobs(limit=MOST_JOBS):
            yield status.spec.id, f"{status.state}, {status.spec.collection}"


def _collections() -> Iterator[Found]:
    import requests

    from vitrine.cli.common.services import load_settings
    from vitrine.store.open import check_url, open_store

    settings = load_settings()
    if check_url(settings) == "embedded":
        return  # open in another process
    requests.get(
        f"{settings.api_url}/healthz", timeout=PATIENCE_SECONDS
    )  # if the API is unreachable, do not wait for the store either
    with closing(open_store(settings)) as store:
        for info in store.collections():
            yield info.name, f"{info.points:,} pictures"


def _models() -> Iterator[Found]:
    from vitrine.core.model_registry import MODEL_CARDS

    yield "builtin", "no download, no GPU"
    for card in MODEL_CARDS:
        yield card.id, f"{card.dimension} dimensions"
    for name in sorted(os.listdir()):
        if os.path.isfile(os.path.join(name, "config.json")):
            yield f"./{name}", "directory"
