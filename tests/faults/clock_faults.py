"""Redis's clock, which the ledger uses, jumps an hour ahead and an hour back in the middle of a job.

The server runs under libfaketime, which reads the shift from a file on every call for the time.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

from redis import Redis

from tests.faults.harness.environment import Rig, rig
from tests.faults.harness.picture_host import Host, missing
from tests.faults.harness.promise import at_most, within
from tests.faults.harness.tally import Tally, tally
from tests.faults.worker_faults import Stopwatch, catalog
from vitrine.standalone.redis_binary import BINARY_VARIABLE, find_redis_binary

HOUR = 3600
_WRAPPER = """\
#!/bin/sh
# The file is read each time; only the wall clock jumps; nothing is shared between processes.
export LD_PRELOAD={library} FAKETIME_TIMESTAMP_FILE={shift}
export FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_DISABLE_SHM=1
exec {server} "$@"
"""


def library() -> Path | None:
    """Return the path of Debian's libfaketime, or None if it is not installed."""
    return next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


@contextlib.contextmanager
def shifted_rig(folder: Path, shift: Path, allow: list[str]) -> Iterator[Rig]:
    """Run a rig in which only Redis has a shifted clock: the file `shift` says by how much."""
    wrapper = folder / "redis-server"
    parts = {"library": library(), "shift": shift, "server": find_redis_binary()}
    wrapper.write_text(
        _WRAPPER.format_map({name: shlex.quote(str(p)) for name, p in parts.items()})
    )
    wrapper.chmod(0o700)
    before = os.environ.get(BINARY_VARIABLE)
    os.environ[BINARY_VARIABLE] = str(wrapper)
    try:
        with rig(folder, allow) as made:
            yield made
    finally:
        if before is None:
            del os.environ[BINARY_VARIABLE]
        else:
            os.environ[BINARY_VARIABLE] = before


def ahead(parts: Rig) -> float:
    """Return the seconds by which Redis's clock is ahead of ours."""
    with Redis.from_url(parts.redis.url) as redis:
        seconds, _ = redis.time()
    return float(seconds) - time.time()


def jumps(folder: Path, *, pictures: int, times: int = 1) -> Tally:
    """Jump ahead and back, `times` times; each time a worker dies just before, so its lease uses the old time."""
    shift = folder / "shift"
    shift.write_text("+0")
    with (
        Host() as good,
        Host(missing) as gone,
        shifted_rig(folder, shift, [good.address, gone.address]) as parts,
    ):
        made, failing = catalog(good, gone, pictures)
        for _ in range(2):
            parts.ready(parts.start_worker())
        job = parts.submit(made)
        watch = Stopwatch(parts, job)
        done = 0
        for offset in (HOUR, 0) * times:
            watch.wait_for_next(time.monotonic(), watch.outcomes())
            watch.seconds.pop()
            next(worker for worker in parts.workers if worker.alive()).kill()
            before, began = watch.outcomes(), time.monotonic()
            shift.write_text(f"+{offset}")
            assert abs(ahead(parts) - offset) < HOUR / 2, "Redis's clock did not jump"
            done += 1
            watch.wait_for_next(began, before)
        ended = time.monotonic()
        parts.finish(job, parts.restart_if_dead)
        # The dead worker's chunk finishes last.
        rest = time.monotonic() - ended
        counted = tally(
            parts, job, "Redis's clock jumps by an hour", done,
            hosts=[good, gone], failing=failing, recoveries=watch.seconds,
        )  # fmt: skip
        # One worker is killed before each jump and one started after it; no other worker may end.
        return counted.promising(
            within("work resumes after", 60, watch.seconds),
            within("all done after the last jump", 120, [rest]),
            at_most("other workers that exited", 0, parts.crashes - done),
        )
