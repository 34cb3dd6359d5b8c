"""Helpers that run the job commands and record a job's outcomes."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from vitrine.cli import main
from vitrine.core.types import Failure, FailureReason
from vitrine.ledger.base import Lease
from vitrine.testing.memory_ledger import MemoryLedger


def run(*arguments: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)


def submitted(catalog: Path) -> str:
    result = run("submit", catalog, "--collection", "shop", "--json")
    assert result.exit_code == 0, result.output
    return str(json.loads(result.stdout)["job"])


def finish(ledger: MemoryLedger, job: str, *failed: FailureReason) -> None:
    """Record these failures for the first pictures of the job's first chunk, and embed the others."""
    lease = ledger.lease(job, 0, seconds=30)
    assert isinstance(lease, Lease)
    images = lease.chunk.images
    failures = [Failure(i, r, "as told", 2, 5.0) for i, r in zip(images, failed, strict=False)]
    embedded = [image.ordinal for image in images[len(failed) :]]
    ledger.finish(lease, embedded=embedded, failures=failures)
