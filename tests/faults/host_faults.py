"""Hosts that are slow, endless, flapping, rate-limiting or serving bombs, next to good ones."""

from __future__ import annotations

from pathlib import Path

from tests.faults.harness.environment import items, rig
from tests.faults.harness.picture_host import Busy, Host, bombs, endless, flapping, silent
from tests.faults.harness.promise import at_least, at_most
from tests.faults.harness.tally import Tally, tally
from tests.faults.harness.throughput_share import Beside

QUICK = {
    "VITRINE_FETCH_TIMEOUT": "1",
    "VITRINE_FETCH_ATTEMPTS": "2",
    "VITRINE_FETCH_DEFERRALS": "0",
}
"""A dripping host costs the whole timeout on each try: twice one second instead of twelve times ten."""


PATIENT = {
    "VITRINE_FETCH_TIMEOUT": "4",
    "VITRINE_FETCH_ATTEMPTS": "3",
    "VITRINE_FETCH_DEFERRALS": "0",
}
"""Enough attempts to be refused twice and then served, and enough time for a good host on a busy machine."""
KEEP_BESIDE_ONE = 0.9
"""The share of their rate that other hosts keep next to one that answers 429, flaps or is slow."""
KEEP_BESIDE_A_QUARTER = 0.7
"""The share that the rest keeps if a quarter of all URLs are slow, endless or bombs."""


def asking_for_quiet(folder: Path, *, pictures: int) -> tuple[Tally, Busy]:
    """One of two hosts answers 429 for a second, twice; return the count and the host's record."""
    busy = Busy(2, 1, after=pictures // 16)
    with (
        Host(busy) as shy,
        Host() as good,
        rig(folder, [shy.address, good.address]) as parts,
    ):
        parts.ready(parts.start_worker())
        job = parts.submit(items(pictures, lambda n: (shy if n % 4 == 0 else good).url(n)))
        parts.finish(job)
        return tally(parts, job, "host returns 429", 2, hosts=[shy, good]), busy


def every_kind(folder: Path, *, pictures: int) -> tuple[Tally, Busy]:
    """One job over hosts that answer 429, flap, drip endlessly, serve bombs, never answer, or are good."""
    busy = Busy(2, 1, after=pictures // 16)
    with (
        Host(busy) as shy,
        Host(flapping) as flaps,
        Host(endless) as drip,
        Host(bombs) as bomb,
        Host(silent) as grave,
        Host() as good,
        rig(folder, [h.address for h in (shy, flaps, drip, bomb, grave, good)], PATIENT) as parts,
    ):
        hosts = [good, shy, good, flaps, good, drip, good, bomb, good, grave]
        reasons = {5: "timeout", 7: "too_many_pixels", 9: "timeout"}
        parts.ready(parts.start_worker())
        job = parts.submit(items(pictures, lambda n: hosts[n % 10].url(n)))
        parts.finish(job)
        failing = {f"item-{n}": reasons[n % 10] for n in range(pictures) if n % 10 in reasons}
        return tally(parts, job, "every kind of bad host", 5, failing=failing), busy


def beside_the_busy(folder: Path, *, pictures: int) -> Tally:
    """A quarter of all pictures on a host that repeatedly answers 429, compared with the same on good hosts."""
    times = 5
    busy = Busy(times, 3, after=pictures // 50)
    with Host(busy) as shy, Host() as good, rig(folder, [shy.address, good.address]) as parts:
        counted = _compared(shy, good, pictures).judged(parts, "host returns 429", times)
        return counted.promising(
            at_least("429 responses", 32, busy.refused),
            at_most("requests despite Retry-After", 0, busy.early),
        )


def beside_the_flapping(folder: Path, *, pictures: int) -> Tally:
    """A quarter of all pictures on a host that fails every other request, compared with the same on good hosts."""
    with Host(flapping) as host, Host() as good, rig(folder, [host.address, good.address]) as parts:
        counted = _compared(host, good, pictures).judged(parts, "host flaps", pictures // 4)
        most = pictures // 4
        return counted.promising(at_most("repeated requests", most, host.again()))


def _compared(bad: Host, good: Host, pictures: int) -> Beside:
    """Put every fourth picture on the bad host, and usually all on the good one."""
    made = items(pictures, lambda n: (bad if n % 4 == 0 else good).url(n))
    others = [item for n, item in enumerate(made) if n % 4]
    return Beside(made, others, items(pictures, good.url), {}, KEEP_BESIDE_ONE)


def dead(folder: Path, *, pictures: int) -> tuple[Tally, int]:
    """A quarter of all pictures on a host that never answers; also return the number of requests to it."""
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
    """An eighth of all pictures on a host that never answers, with the default limits."""
    with (
        Host(silent) as grave,
        Host() as good,
        rig(folder, [grave.address, good.address]) as parts,
    ):
        made = items(pictures, lambda n: (grave if n % 8 == 0 else good).url(n))
        failing = {f"item-{n}": "timeout" for n in range(0, pictures, 8)}
        others = [item for item in made if item.id not in failing]
        compared = Beside(made, others, others, failing, KEEP_BESIDE_ONE)
        return compared.judged(
            parts, "host does not respond (an eighth of the pictures)", len(failing)
        )


def beside_the_rotten(folder: Path, *, pictures: int) -> Tally:
    """A quarter of all pictures endless or bombs, with the default limits."""
    with (
        Host(endless) as drip,
        Host(bombs) as bomb,
        Host() as good,
        rig(folder, [drip.address, bomb.address, good.address]) as parts,
    ):
        hosts = {1: (drip, "timeout"), 5: (bomb, "too_many_pixels")}
        made = items(pictures, lambda n: hosts.get(n % 8, (good, ""))[0].url(n))
        failing = {f"item-{n}": hosts[n % 8][1] for n in range(pictures) if n % 8 in hosts}
        others = [item for item in made if item.id not in failing]
        compared = Beside(made, others, others, failing, KEEP_BESIDE_A_QUARTER)
        return compared.judged(parts, "a quarter of the pictures endless or bombs", len(failing))


def flaps(folder: Path, *, pictures: int) -> Tally:
    """A host that fails every other request."""
    with Host(flapping) as host, rig(folder, [host.address]) as parts:
        parts.ready(parts.start_worker())
        job = parts.submit(items(pictures, host.url))
        parts.finish(job)
        return tally(parts, job, "host flaps", pictures, hosts=[host])


def a_quarter_rotten(folder: Path, *, pictures: int) -> Tally:
    """A quarter of all pictures endless or bombs, with short timeouts."""
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
        return tally(
            parts, job, "a quarter of the pictures endless or bombs", pictures // 4, failing=failing
        )
