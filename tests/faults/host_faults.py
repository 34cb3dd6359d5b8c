"""Hosts that are slow, endless, flapping, asking to be left alone, or serving bombs; and good ones beside them."""

from __future__ import annotations

from pathlib import Path

from tests.faults.host import Host, bombs, busy, endless, flapping, silent
from tests.faults.rig import items, rig
from tests.faults.share import beside
from tests.faults.tally import Tally, tally

QUICK = {"VITRINE_FETCH_TIMEOUT": "1", "VITRINE_FETCH_ATTEMPTS": "2", "VITRINE_FETCH_ROUNDS": "0"}
"""A dripping host costs its deadline at every try: one second twice rather than ten seconds twelve times."""


def asking_for_quiet(folder: Path, *, pictures: int, seconds: int = 2) -> tuple[Tally, int]:
    """One of two hosts answers 429 for a while; the count, and how often it was asked meanwhile for nothing."""
    times = 20
    with (
        Host(busy(times, seconds)) as shy,
        Host() as good,
        rig(folder, [shy.address, good.address]) as parts,
    ):
        parts.ready(parts.start_worker())
        job = parts.submit(items(pictures, lambda n: (shy if n % 4 == 0 else good).url(n)))
        parts.finish(job)
        refused = sum(count - 1 for count in shy.asked.values())
        return tally(parts, job, "host answers 429 with Retry-After", times), refused


def dead(folder: Path, *, pictures: int) -> tuple[Tally, int]:
    """A quarter of all pictures on a host that takes every request and answers none; how often it was asked."""
    with (
        Host(silent) as grave,
        Host() as good,
        rig(folder, [grave.address, good.address], QUICK) as parts,
    ):
        parts.ready(parts.start_worker())
        job = parts.submit(items(pictures, lambda n: (grave if n % 4 == 0 else good).url(n)))
        parts.finish(job)
        asked = grave.asked.total()
        failing = {f"item-{n}": "timeout" for n in range(0, pictures, 4)}
        return tally(parts, job, "host does not answer", 1, failing=failing), asked


def beside_the_dead(folder: Path, *, pictures: int) -> Tally:
    """An eighth of all pictures on a host that answers none, with the limits that users have."""
    with (
        Host(silent) as grave,
        Host() as good,
        rig(folder, [grave.address, good.address]) as parts,
    ):
        parts.ready(parts.start_worker())
        made = items(pictures, lambda n: (grave if n % 8 == 0 else good).url(n))
        failing = {f"item-{n}": "timeout" for n in range(0, pictures, 8)}
        return beside(parts, "host does not answer, an eighth of all", made, failing)


def beside_the_rotten(folder: Path, *, pictures: int) -> Tally:
    """A quarter of all pictures slow, endless or bombs, with the limits that users have."""
    with (
        Host(endless) as drip,
        Host(bombs) as bomb,
        Host() as good,
        rig(folder, [drip.address, bomb.address, good.address]) as parts,
    ):
        hosts = {1: (drip, "timeout"), 5: (bomb, "too_many_pixels")}
        parts.ready(parts.start_worker())
        made = items(pictures, lambda n: hosts.get(n % 8, (good, ""))[0].url(n))
        failing = {f"item-{n}": hosts[n % 8][1] for n in range(pictures) if n % 8 in hosts}
        return beside(parts, "a quarter endless or bombs", made, failing)


def flaps(folder: Path, *, pictures: int) -> Tally:
    """A host that fails at every other request."""
    with Host(flapping) as host, rig(folder, [host.address]) as parts:
        parts.ready(parts.start_worker())
        job = parts.submit(items(pictures, host.url))
        parts.finish(job)
        return tally(parts, job, "host flaps", pictures)


def a_quarter_rotten(folder: Path, *, pictures: int) -> Tally:
    """A quarter of all pictures endless or bombs; the others go through."""
    with (
        Host(endless) as drip,
        Host(bombs) as bomb,
        Host() as good,
        rig(folder, [drip.address, bomb.address, good.address], QUICK) as parts,
    ):
        hosts = {1: (drip, "timeout"), 5: (bomb, "too_many_pixels")}
        parts.ready(parts.start_worker())
        made = items(pictures, lambda n: hosts.get(n % 8, (good, ""))[0].url(n))
        job = parts.submit(made)
        parts.finish(job)
        failing = {f"item-{n}": hosts[n % 8][1] for n in range(pictures) if n % 8 in hosts}
        return tally(parts, job, "a quarter endless or bombs", pictures // 4, failing=failing)
