"""The embedded store's housekeeping: flushes what was written, and has HNSW graphs built.

A graph is built on a copy of the shard by another process (see `build`), while queries and upserts
go on; then the copy takes the shard's place with the points that changed meanwhile carried over. Each
build starts from what is there, so it waits until a load is over: until it is told so, or, where nobody
deferred it, until upserts have paused.
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

FLUSH_SECONDS = 5.0  #: What a power cut may cost; the death of the process costs nothing.


class ShardStore(Protocol):
    """What the upkeep sees of the store."""

    def generations(self) -> dict[str, EmbeddedGeneration]:
        """The open shards by catalog name."""

    def move(self, name: str, shard: EmbeddedGeneration, target: Path) -> None:
        """Go on with a copy."""


class IndexMaintenance:
    """Runs beside the store until it is stopped; nothing in it can fail the store.

    Two threads: a build takes minutes, in which what is written must still reach the disk.
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
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, giving up a build that is under way; returns when the threads are gone."""
        self._stop.set()
        self._wake.set()
        for thread in self._threads:
            thread.join()

    def build_soon(self, shard: EmbeddedGeneration) -> None:
        """Build what is worth it without waiting for a pause."""
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
        """Have the graph of a shard built and go on with it; False where that was given up.

        One build at a time: two would both lay claim to what changes meanwhile.
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
        # Its own session: Ctrl-C at the terminal is for this process, which ends the builder itself.
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True) as builder:
            while builder.poll() is None:
                if self._stop.wait(0.2):
                    builder.terminate()
                    builder.wait()
        if builder.returncode != 0 and not self._stop.is_set():
            logger.warning("Building the index at %s ended with %s", target, builder.returncode)
        return builder.returncode == 0
