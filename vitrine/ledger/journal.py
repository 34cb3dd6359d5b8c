"""A record of the jobs submitted from this machine, kept outside the ledger, so that jobs that Redis lost are reported as lost.

Redis can lose its data (a disk failure, a mistaken FLUSHALL, no persistence) and then knows nothing about a job that
a user is waiting for. So each producer notes its jobs in a file of JSON lines in the data directory::

    submitted.jsonl     one line per job: the ledger's address, and the job's spec
    submitted.1.jsonl   the previous generation; together at most 8 MiB

Each line is a single append, so several processes can write without a lock. The file is only an aid: if it cannot be
written or read, a lost job is reported as not found.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from vitrine.core.service_discovery import running_redis_url
from vitrine.core.settings import Settings
from vitrine.core.types import JobSpec, JobState, JobStatus
from vitrine.ledger import codec

FILE_NAME, BEFORE_NAME = "submitted.jsonl", "submitted.1.jsonl"
MAX_FILE_BYTES = 4 * 1024 * 1024
"""About 15,000 jobs; a larger file becomes the previous generation."""

log = logging.getLogger(__name__)


class Journal:
    """The jobs submitted from one data directory to one ledger within the retention time of jobs."""

    def __init__(self, folder: Path, redis_url: str, *, kept_seconds: float) -> None:
        """Open the journal in a folder; jobs of ledgers at other addresses are ignored."""
        self._file = folder / FILE_NAME
        self._before = folder / BEFORE_NAME
        self._folder = folder
        self._redis_url = redis_url
        self._kept_seconds = kept_seconds

    @classmethod
    def from_settings(cls, settings: Settings) -> Journal:
        """Return the journal in the data directory, for the ledger that the settings name."""
        kept = settings.job_ttl_days * 86400
        return cls(settings.data_dir, settings.redis_url.get_secret_value(), kept_seconds=kept)

    def note(self, spec: JobSpec) -> None:
        """Record the job; if the folder is not writable, only log a warning."""
        entry = {"ledger": self._ledger(), "spec": orjson.loads(codec.pack_spec(spec))}
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            # Newline first, so that an earlier line cut off by a full disk does not spoil this one.
            self._append(b"\n" + orjson.dumps(entry))
        except OSError as error:
            log.warning("job %s cannot be recorded in %s: %s", spec.id, self._file, error.strerror)

    def _append(self, line: bytes) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        descriptor = os.open(self._file, flags, 0o600)
        try:
            os.write(descriptor, line)
            full = os.fstat(descriptor).st_size > MAX_FILE_BYTES
        finally:
            os.close(descriptor)
        if full:
            # Processes that still have it open append to the previous generation, which is read as well.
            with contextlib.suppress(FileNotFoundError):
                self._file.replace(self._before)

    def newest(self, limit: int) -> list[JobSpec]:
        """Return the latest recorded jobs that the ledger should still have, newest first."""
        found = sorted(self._specs(), key=lambda spec: -spec.created_at)
        return found[:limit]

    def find(self, job: str) -> JobSpec | None:
        """Return one job; None if it was not recorded here, or so long ago that it may have expired normally."""
        return next((spec for spec in self._specs() if spec.id == job), None)

    def _specs(self) -> Iterator[JobSpec]:
        since, ledger = time.time() - self._kept_seconds, self._ledger()
        for path in (self._file, self._before):
            with contextlib.suppress(OSError):
                for line in path.read_bytes().splitlines():
                    spec = _spec(line, ledger)
                    if spec is not None and spec.created_at > since:
                        yield spec

    def _ledger(self) -> str:
        """Return an identifier of the ledger without its password.

        Looked up each time: the port of a standalone service's Redis changes with each start while its folder does not,
        and its API runs shortly before the service announces its addresses.
        """
        if self._redis_url == running_redis_url(self._folder):
            return "standalone"
        parts = urlsplit(self._redis_url)
        return f"{parts.hostname or ''}:{parts.port or 6379}{parts.path.rstrip('/') or '/0'}"


def _spec(line: bytes, ledger: str) -> JobSpec | None:
    try:
        entry: dict[str, Any] = orjson.loads(line)
        if entry["ledger"] == ledger:
            return codec.unpack_spec(orjson.dumps(entry["spec"]))
    except (ValueError, KeyError, TypeError):
        pass  # an empty or truncated line
    return None


def lost_job_status(spec: JobSpec) -> JobStatus:
    """Return the status of a job that only the journal knows; nothing is known about its pictures."""
    return JobStatus(
        spec=spec, state=JobState.LOST, items=0, images=0, embedded=0, failed=0, cancelled=0,
        rejected_rows=0, failed_by_reason={}, fed_at=spec.created_at, updated_at=spec.created_at,
        finished_at=None,
    )  # fmt: skip


def lost_job_notice(spec: JobSpec) -> str:
    """Explain what happened to a lost job and what to do about it."""
    return (
        "Redis has lost this job: it was emptied, or restarted without its last second of data. "
        f"What was embedded is in {spec.collection} and can be found; what is missing is unknown. "
        "Submit the catalog again: nothing is stored twice."
    )
