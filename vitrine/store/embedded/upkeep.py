"""Maintenance of the embedded store: flushes writes and builds HNSW graphs.

Another process builds a graph on a copy of the shard (see `build`) while queries and upserts continue.
Then the copy, updated with the points that changed meanwhile, replaces the shard. Each build starts from
the points present, so it waits until a load is over: until `build_soon` is called or, if nobody deferred
it, until upserts have paused.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from vitrine.core.errors import VitrineError
from vitrine.core.python_command import python_command
from vitrine.core.store_options import DEFAULTS, StoreOptions
from vitrine.store.embedded.generation import EmbeddedGeneration
from vitrine.store.embedded.schedule import BuildSchedule

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 5.0  #: Writes that a power cut may lose; the death of the process loses none.


class ShardStore(Protocol):
    """The part of the store that maintenance uses."""

    def generations(self) -> dict[str, EmbeddedGeneration]:
        """Return the open shards by catalog name."""

    def move(self, name: str, shard: EmbeddedGeneration, target: Path) -> None:
        """Replace a shard with its copy."""


class IndexMaintenance:
    """Runs alongside the store until it is stopped. Its failures never affect the store.

    Two threads: a build takes minutes, and writes must still be flushed during that time.
    """

    def __init__(self, store: ShardStore, options: StoreOptions = DEFAULTS) -> None:
        self._store = store
        self.schedule = BuildSchedule(options)
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._building = threading.Lock()
        self._threads = [
            threading.Thread(target=run, name=f"edge-{name}", daemon=True)
            for name, run in (("flush", self._flush_all), ("build", self._build_all))
        ]

    def start(self) -> None:
        """Start both threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop, abandoning a running build. Returns once the threads have ended."""
        self._stop.set()
        self._wake.set()
        for thread in self._threads:
            thread.join()

    def build_soon(self, shard: EmbeddedGeneration) -> None:
        """Request a build without waiting for a pause, if enough points are unindexed."""
        self.schedule.want(shard)
        self._wake.set()

    def _flush_all(self) -> None:
        while not self._stop.wait(FLUSH_SECONDS):
            self._for_each(self._flush)

    def _build_all(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(FLUSH_SECONDS)
            self._wake.clear()
            self._for_each(self._build_if_due)

    def _for_each(self, tend: Callable[[str, EmbeddedGeneration], None]) -> None:
        for name, shard in self._store.generations().items():
            if self._stop.is_set():
                return
            try:
                tend(name, shard)
            except (VitrineError, OSError) as error:
                logger.warning(
                    "maintenance of collection %s failed and will be retried: %s", name, error
                )

    def _flush(self, _: str, shard: EmbeddedGeneration) -> None:
        if shard.dirty:
            self.schedule.written(shard)
            shard.flush()

    def _build_if_due(self, name: str, shard: EmbeddedGeneration) -> None:
        if not self.schedule.due(shard):
            return
        self.schedule.begun(shard)
        built = False
        try:
            built = self.build(name, shard)
        finally:
            self.schedule.ended(shard, built=built)

    def build(self, name: str, shard: EmbeddedGeneration) -> bool:
        """Build a shard's graph and switch to it. Returns False if the build was abandoned or failed.

        One build at a time: two would both claim the record of changed points.
        """
        with self._building:
            return self._build(name, shard)

    def _build(self, name: str, shard: EmbeddedGeneration) -> bool:
        target = shard.directory.with_name(f"{name}.{time.time_ns():x}")
        started = time.monotonic()
        try:
            shard.copy_to(target)
            built = self._build_in_a_process(target)
            if built:
                self._store.move(name, shard, target)
                logger.info("Built the index of %s in %.1f s", name, time.monotonic() - started)
            return built
        finally:
            shard.stop_tracking_changes()
            if shard.directory != target:
                shutil.rmtree(target, ignore_errors=True)

    def _build_in_a_process(self, target: Path) -> bool:
        builds = "vitrine.store.embedded.build"
        command = python_command(builds, str(target), str(os.getpid()))
        # A new session, so that Ctrl-C at the terminal reaches only this process, which ends the builder.
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True) as builder:
            while builder.poll() is None:
                if self._stop.wait(0.2):
                    builder.terminate()
                    builder.wait()
        if builder.returncode != 0 and not self._stop.is_set():
            logger.warning("Building the index at %s ended with %s", target, builder.returncode)
        return builder.returncode == 0
