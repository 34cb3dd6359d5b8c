"""Redis dies, loses its data or runs full, and its connections break or become half-open."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from redis import Redis

from tests.faults.harness.endless_job import Feed
from tests.faults.harness.environment import COLLECTION, Rig, items, rig, until
from tests.faults.harness.picture_host import Host, missing
from tests.faults.harness.promise import at_least, at_most, within
from tests.faults.harness.tally import Tally, tally
from tests.faults.harness.tcp_proxy import Gate
from tests.faults.worker_faults import Stopwatch, catalog, mixed, not_there
from tests.patience import PATIENCE
from vitrine.core.errors import LedgerUnavailable
from vitrine.core.types import CatalogItem, JobState

Command: TypeAlias = "subprocess.Popen[str]"


@contextlib.contextmanager
def client(parts: Rig) -> Iterator[Redis]:
    """Connect to Redis itself, bypassing any gate."""
    with Redis.from_url(parts.redis.url) as redis:
        yield redis


def kill_redis(parts: Rig) -> None:
    """Kill the server with SIGKILL."""
    with client(parts) as redis:
        pid = int(redis.info("server")["process_id"])
    os.kill(pid, signal.SIGKILL)
    until(lambda: not parts.redis.alive(), "Redis to be gone")


def killed(folder: Path, *, pictures: int, kills: int) -> Tally:
    """Kill and restart Redis, with an append-only file that is synced every second."""
    with Host() as good, Host(missing) as gone, rig(folder, [good.address, gone.address]) as parts:
        made, failing = catalog(good, gone, pictures)
        for _ in range(2):
            parts.ready(parts.start_worker())
        job = parts.submit(made)
        time.sleep(1.5)  # A killed Redis may lose the writes of its last second.
        watch = Stopwatch(parts, job)
        done = 0
        while done < kills and not parts.status(job).state.finished:
            kill_redis(parts)
            done += 1
            parts.redis.restart()
            before, began = watch.outcomes(), time.monotonic()
            watch.wait_for_next(began, before)
            time.sleep(1.2)
        parts.finish(job, parts.restart_if_dead)
        counted = tally(
            parts, job, "Redis killed (-9) and restarted", done, hosts=[good, gone],
            failing=failing, recoveries=watch.seconds,
        )  # fmt: skip
        return counted.promising(
            at_least("kills", kills, done),
            within("work resumes after", 15, watch.seconds),
            at_most("workers that exited", 0, parts.crashes),
        )


@dataclass(frozen=True)
class Full:
    """The results of a Redis without memory."""

    tally: Tally
    told: list[str]  #: The errors of submissions, a sentence each.
    crashes: int  #: Workers that ended.
    left_open: int
    """Additional connections after some seconds in which no write was possible."""


def full(folder: Path, *, pictures: int, times: int = 1) -> Full:
    """Run out of memory, then free some.

    A job that no worker takes fills Redis, and cancelling it frees memory; the limit stays the same.
    """
    with Host() as good, rig(folder, [good.address]) as parts, client(parts) as redis:
        parts.ready(parts.start_worker())
        job = parts.submit(items(pictures, good.url))
        told: list[str] = []
        watch = Stopwatch(parts, job)
        until(watch.outcomes, "the work to begin")
        usual, left_open = len(redis.client_list()), 0
        for _ in range(times):
            redis.config_set("maxmemory", 0)
            waiting = parts.submit(items(60_000, good.url), "waiting", model="nobodys")
            # A few finished chunks do not free enough; the 900 of the cancelled job do.
            redis.config_set("maxmemory", int(redis.info("memory")["used_memory"]) - 2**18)
            time.sleep(3)
            left_open = max(left_open, len(redis.client_list()) - usual)
            try:
                parts.submit(items(64, good.url), "other")
            except LedgerUnavailable as error:
                told.append(str(error))
            before, began = watch.outcomes(), time.monotonic()
            with parts.ledger() as ledger:
                ledger.cancel(waiting)
            watch.wait_for_next(began, before)
        parts.finish(job, parts.restart_if_dead)
        counted = tally(parts, job, "Redis full", times, recoveries=watch.seconds)
        return Full(counted, told, parts.crashes, left_open)


def cut(folder: Path, *, pictures: int, cuts: int) -> Tally:
    """Break every connection to Redis, repeatedly."""
    return _behind_gate(folder, pictures, cuts, "connections to Redis cut", Gate.cut)


def half_open(folder: Path, *, pictures: int, times: int) -> Tally:
    """Keep connections to Redis open without forwarding any data."""
    return _behind_gate(folder, pictures, times, "connections to Redis half open", Gate.freeze)


def _behind_gate(
    folder: Path, pictures: int, times: int, name: str, fault: Callable[[Gate], int]
) -> Tally:
    with (
        Host() as good,
        Host(missing) as gone,
        rig(folder, [good.address, gone.address]) as parts,
        Gate(urlsplit(parts.redis.url).port or 0) as gate,
    ):
        address = urlsplit(parts.redis.url)
        parts.redis_url = address._replace(
            netloc=f":{address.password}@127.0.0.1:{gate.port}"
        ).geturl()
        parts.ready(parts.start_worker())
        broken = []
        with Feed(parts, mixed(good, gone), pictures=pictures) as feed:
            watch = Stopwatch(parts, feed.job)
            for _ in range(times):
                before, began = watch.outcomes(), time.monotonic()
                broken.append(fault(gate))
                watch.wait_for_next(began, before)
                time.sleep(0.2)
        status = parts.finish(feed.job, parts.restart_if_dead)
        counted = tally(
            parts, feed.job, name, sum(map(bool, broken)), hosts=[good, gone],
            failing=not_there(status.images), recoveries=watch.seconds,
        )  # fmt: skip
        return counted.promising(
            at_least("breaks that hit open connections", times, counted.times),
            within("work resumes after", 30, watch.seconds),
            at_most("workers that exited", 0, parts.crashes),
        )


@dataclass(frozen=True)
class Told:
    """What commands report of a job after Redis was emptied: its states, and their exit codes."""

    states: list[str]
    codes: list[int]
    notices: list[str]
    other_jobs: int  #: Other jobs in the list.


def emptied(folder: Path, *, pictures: int) -> tuple[Tally, Told]:
    """Empty Redis in the middle of a job; return the count after a new submission, and the reports on the lost job.

    The workers are not restarted: those that hold a chunk of the lost job must survive.
    """
    with Host() as good, Host(missing) as gone, rig(folder, [good.address, gone.address]) as parts:
        made, failing = catalog(good, gone, pictures)
        submit = ["submit", str(_as_csv(folder, made)), "--collection", COLLECTION, "--json"]
        for _ in range(2):
            parts.ready(parts.start_worker())
        waiting = _vitrine(parts, *submit, "--wait")
        with client(parts) as redis:
            job = until(lambda: _half_done(parts, pictures), "a fifth of the job")
            redis.flushall()
        began = time.monotonic()
        told = _told(
            job,
            waiting,
            _vitrine(parts, "status", job, "--json"),
            _vitrine(parts, "jobs", "--json"),
        )
        again: str = _answer(_vitrine(parts, *submit))["job"]
        parts.finish(again)
        took = time.monotonic() - began
        counted = tally(parts, again, "Redis emptied", 1, failing=failing, recoveries=[took])
        return counted.promising(
            at_least("replies that the job is lost", 3, told.states.count("lost")),
            at_least("of these with instructions", 3, sum("Submit" in one for one in told.notices)),
            at_most("workers that exited", 0, sum(not one.alive() for one in parts.workers)),
        ), told


def _half_done(parts: Rig, pictures: int) -> str | None:
    with parts.ledger() as ledger:
        for status in ledger.jobs():
            if status.state is JobState.RUNNING and status.embedded >= pictures // 5:
                return status.spec.id
    return None


def _told(job: str, waiting: Command, status: Command, jobs: Command) -> Told:
    answers = [_answer(waiting)["status"], _answer(status)]
    listed = _answer(jobs)
    answers += [one for one in listed if one["job"] == job]
    return Told(
        states=[answer["state"] for answer in answers],
        codes=[process.returncode for process in (waiting, status, jobs)],
        notices=[answer["notice"] for answer in answers],
        other_jobs=len(listed) - 1,
    )


def _vitrine(parts: Rig, *arguments: str) -> Command:
    return subprocess.Popen(
        [sys.executable, "-m", "vitrine", *arguments],
        env=parts.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )


def _answer(process: Command) -> Any:
    out, _ = process.communicate(timeout=PATIENCE)
    return json.loads(out)


def _as_csv(folder: Path, made: list[CatalogItem]) -> Path:
    path = folder / "catalog.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "image"])
        rows.writerows([item.id, *item.images] for item in made)
    return path
