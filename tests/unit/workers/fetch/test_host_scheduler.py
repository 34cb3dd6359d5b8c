from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vitrine.net.response_status import MAX_PAUSE
from workers.fetch.host_scheduler import HostScheduler
from workers.fetch.retry_after import MAX_HOSTS, HostPauses


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def never(_host: str) -> float:
    return 0.0


def fill(lineup: HostScheduler[str], host: str, count: int) -> None:
    for number in range(count):
        lineup.add(host, f"{host}{number}")


def take_all(lineup: HostScheduler[str], now: float = 0.0) -> list[str]:
    taken: list[str] = []
    while (job := lineup.next(now)) is not None:
        taken.append(job)
    return taken


def test_hosts_take_turns_and_keep_their_own_order() -> None:
    lineup: HostScheduler[str] = HostScheduler(10, never)
    fill(lineup, "a", 4)
    fill(lineup, "b", 2)
    fill(lineup, "c", 1)
    assert take_all(lineup) == ["a0", "b0", "c0", "a1", "b1", "a2", "a3"]


def test_no_host_has_more_than_its_share_active() -> None:
    lineup: HostScheduler[str] = HostScheduler(2, never)
    fill(lineup, "a", 5)
    assert take_all(lineup) == ["a0", "a1"]
    lineup.done("a")
    assert take_all(lineup) == ["a2"]


def test_a_paused_host_keeps_its_jobs_until_its_time_and_blocks_nobody() -> None:
    clock = Clock()
    pauses = HostPauses(clock)
    lineup: HostScheduler[str] = HostScheduler(2, pauses.remaining)
    pauses.pause("a", 30)
    fill(lineup, "a", 1)
    fill(lineup, "b", 1)
    assert take_all(lineup, clock.now) == ["b0"]
    assert lineup.next_due() == 1030
    clock.now = 1029.9
    assert take_all(lineup, clock.now) == []
    clock.now = 1030
    assert take_all(lineup, clock.now) == ["a0"]
    assert lineup.next_due() is None


def test_a_paused_host_that_is_woken_goes_before_its_time() -> None:
    clock = Clock()
    pauses = {"a": 30.0, "c": 60.0}
    lineup: HostScheduler[str] = HostScheduler(2, lambda host: pauses.get(host, 0.0))
    for host in "abc":
        fill(lineup, host, 1)
    assert take_all(lineup, clock.now) == ["b0"]
    del pauses["a"]
    lineup.wake("a")
    lineup.wake("nobody")
    assert take_all(lineup, clock.now) == ["a0"]
    assert lineup.next_due() == 1060


def test_jobs_can_be_taken_out_while_they_wait() -> None:
    lineup: HostScheduler[str] = HostScheduler(1, never)
    fill(lineup, "a", 4)
    verdicts = {"a1": "no", "a3": "never"}
    assert lineup.take_out("a", verdicts.get) == [("a1", "no"), ("a3", "never")]
    assert lineup.take_out("nobody", verdicts.get) == []
    assert lineup.next(0) == "a0"
    lineup.done("a")
    assert lineup.next(0) == "a2"


def test_a_host_whose_jobs_were_all_taken_out_can_come_back() -> None:
    lineup: HostScheduler[str] = HostScheduler(1, never)
    fill(lineup, "a", 2)
    lineup.take_out("a", lambda _: "no")
    assert lineup.next(0) is None
    fill(lineup, "a", 1)
    assert lineup.next(0) == "a0"


def test_hosts_of_the_past_keep_no_memory() -> None:
    lineup: HostScheduler[str] = HostScheduler(1, never)
    for number in range(100):
        fill(lineup, str(number), 1)
    for _ in take_all(lineup):
        pass
    for number in range(100):
        lineup.done(str(number))
    assert not lineup._lanes


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60), st.integers(1, 3))
def test_every_job_comes_out_once_and_in_the_order_of_its_host(
    events: list[tuple[str, bool]], per_host: int
) -> None:
    lineup: HostScheduler[tuple[str, int]] = HostScheduler(per_host, never)
    added: list[tuple[str, int]] = []
    active: list[tuple[str, int]] = []
    out: list[tuple[str, int]] = []

    def start() -> None:
        while (job := lineup.next(0)) is not None:
            out.append(job)
            active.append(job)
        assert all(sum(job[0] == host for job in active) <= per_host for host in "abc")

    for host, ends in events:
        if ends and active:
            lineup.done(active.pop(0)[0])
        else:
            added.append((host, len(added)))
            lineup.add(host, added[-1])
        start()
    while active:
        lineup.done(active.pop(0)[0])
        start()
    assert sorted(out) == sorted(added)
    for host in "abc":
        assert [job for job in out if job[0] == host] == [job for job in added if job[0] == host]


def test_a_pause_ends_by_the_clock_and_a_shorter_one_ends_none() -> None:
    clock = Clock()
    pauses = HostPauses(clock)
    assert pauses.remaining("a") == 0
    pauses.pause("a", 10)
    pauses.pause("a", 2)
    assert pauses.remaining("a") == 10
    clock.now += 9
    assert pauses.remaining("a") == 1
    clock.now += 9
    assert pauses.remaining("a") == 0


def test_a_pause_is_an_hour_at_most() -> None:
    pauses = HostPauses(Clock())
    pauses.pause("a", 1e9)
    assert pauses.remaining("a") == MAX_PAUSE


def test_ended_pauses_are_forgotten_when_there_are_many() -> None:
    clock = Clock()
    pauses = HostPauses(clock)
    for number in range(MAX_HOSTS):
        pauses.pause(str(number), 1)
    clock.now += 2
    pauses.pause("late", 1)
    assert list(pauses._until) == ["late"]
