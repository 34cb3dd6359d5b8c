"""A question does not wait behind bulk work: it is answered while chunks hold every ingest thread."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.blocking_host import held_shop
from tests.e2e.standalone_process import until
from tests.e2e.worker_environment import workshop_floor
from tests.patience import PATIENCE
from vitrine.query.client import Query, QueryClient

pytestmark = [pytest.mark.e2e]
THREADS = 2
QUESTIONS = 3


def test_a_query_is_answered_while_chunks_hold_every_ingest_thread(tmp_path: Path) -> None:
    with (
        held_shop() as shop,
        workshop_floor(
            tmp_path,
            VITRINE_FETCH_ALLOW=shop.address,
            VITRINE_INGEST_THREADS=str(THREADS),
            VITRINE_EMBEDDING_CACHE_BYTES="0",  # every question must reach the device
        ) as floor,
        (tmp_path / "worker.log").open("wb") as log,
    ):
        worker = floor.popen("worker", "--device", "cpu", log=log)
        try:
            # Far more chunks than threads and prefetched messages: the bulk lane stays full.
            floor.submit(shop.urls(64 * 4 * THREADS))
            until(lambda: list(floor.in_work().values()) == [THREADS], "a full bulk lane")
            lane = QueryClient.open(floor.settings)
            try:
                for _ in range(QUESTIONS):
                    answer = lane.embed("builtin", Query("image", shop.picture))
                    assert answer.vector.shape == (answer.space.dimension,)
            finally:
                lane.close()
            until(lambda: list(floor.in_work().values()) == [THREADS], "none of it to have moved")
        finally:
            shop.doors.set()
            worker.terminate()
            assert worker.wait(PATIENCE) == 0
