from __future__ import annotations

from workers.maintenance.watchdog import EXIT_HUNG, Watchdog


def test_a_batch_without_progress_ends_the_process_and_others_do_not() -> None:
    began: list[float | None] = [None]
    ended: list[int] = []
    watchdog = Watchdog(lambda: began[0], hung_after=60.0, end=ended.append)
    watchdog.look(1000.0)
    began[0] = 950.0
    watchdog.look(1000.0)
    assert ended == []
    watchdog.look(1010.5)
    assert ended == [EXIT_HUNG]


def test_a_process_without_its_device_thread_is_ended() -> None:
    ended: list[int] = []
    Watchdog(lambda: None, hung_after=60.0, device_alive=lambda: False, end=ended.append).look(0.0)
    assert ended == [EXIT_HUNG]
