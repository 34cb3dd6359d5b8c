"""The embedded store's housekeeping thread: flushes what was written, and has HNSW graphs built.

A graph is built on a copy of the shard by another process (see `edge_build`), while queries and upserts
go on; then the copy takes the shard's place with the points that changed meanwhile carried over. This
waits until a bulk load has paused, since each build starts from what is there.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Protocol
from weakref import WeakKeyDictionary

from vitrine.errors import VitrineError
from vitrine.vectors.edge_generation import EdgeGeneration

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 5.0  #: What a power cut may cost; the death of the process costs nothing.
QUIET_SECONDS = 10.0  #: Without upserts before a build starts.
BUILD_POINTS = 20_000
"""New points before a build is worth it: comparing 20,000 one by one takes 4 ms, and a graph saves little before."""
BUILD_SHARE = 0.1  #: Of all points, likewise: every build copies the whole shard.


class Shards(Protocol):
    """What the upkeep sees of the store."""

    def generations(self) -> dict[str, EdgeGeneration]:
        """The open shards by catalog name."""

    def move(self, name: str, shard: EdgeGeneration, target: Path) -> None:
        """Go on with a copy."""


class Upkeep:
    """Runs beside the store until it is stopped; nothing in it can fail the store."""

    def __init__(self, store: Shards) -> None:
        self._store = store
        self._stop = threading.Event()
        self._building = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="edge-upkeep", daemon=True)
        self._last_write: WeakKeyDictionary[EdgeGeneration, float] = WeakKeyDictionary()
        self._tried_at: WeakKeyDictionary[EdgeGeneration, int] = WeakKeyDictionary()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, giving up a build that is under way; returns when the thread is gone."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(FLUSH_SECONDS):
            for name, shard in self._store.generations().items():
                try:
                    self._tend(name, shard)
                except (VitrineError, OSError) as error:
                    logger.warning("Upkeep of collection %s will be tried again: %s", name, error)

    def _tend(self, name: str, shard: EdgeGeneration) -> None:
        if shard.dirty:
            self._last_write[shard] = time.monotonic()
            shard.flush()
        elif self._worth_building(shard):
            self._tried_at[shard] = shard.unindexed()
            self.build(name, shard)
            self._tried_at[shard] = shard.unindexed()

    def _worth_building(self, shard: EdgeGeneration) -> bool:
        """Whether upserts have paused and enough came since the last try, whether that went well or not."""
        if time.monotonic() - self._last_write.get(shard, 0.0) < QUIET_SECONDS:
            return False
        enough = max(BUILD_POINTS, int(BUILD_SHARE * shard.count(None)))
        return shard.unindexed() >= enough + self._tried_at.get(shard, 0)

    def build(self, name: str, shard: EdgeGeneration) -> bool:
        """Have the graph of a shard built and go on with it; False where that was given up.

        One build at a time: two would both lay claim to what changes meanwhile.
        """
        with self._building:
            return self._build(name, shard)

    def _build(self, name: str, shard: EdgeGeneration) -> bool:
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
            shard.forget_copy()
            if shard.directory != target:
                shutil.rmtree(target, ignore_errors=True)

    def _build_in_a_process(self, target: Path) -> bool:
        command = [
            sys.executable,
            "-m",
            "vitrine.vectors.edge_build",
            str(target),
            str(os.getpid()),
        ]
        # Its own session: Ctrl-C at the terminal is for this process, which ends the builder itself.
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True) as builder:
            while builder.poll() is None:
                if self._stop.wait(0.2):
                    builder.terminate()
                    builder.wait()
        if builder.returncode != 0 and not self._stop.is_set():
            logger.warning("Building the index at %s ended with %s", target, builder.returncode)
        return builder.returncode == 0
