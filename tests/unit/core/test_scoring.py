"""From cosines to the scores of CLIP and SigLIP, and how a worker announces them."""

from __future__ import annotations

import numpy as np
import pytest
from redis import Redis

from vitrine.core.scoring import Scoring
from vitrine.messaging import worker_registry
from vitrine.messaging.worker_registry import WORKERS_KEY, WorkerInfo

SIGLIP = Scoring("siglip", 100.0, -10.0)
CLIP = Scoring("clip", 100.0, 0.0)


def test_siglip_judges_each_pair_for_itself() -> None:
    found = SIGLIP.probabilities(np.array([[0.1, 0.12], [0.08, 0.1]]))
    # 1 / (1 + exp(-x)) at x = 0, 2, -2, 0.
    np.testing.assert_allclose(found, [[0.5, 0.880797], [0.119203, 0.5]], atol=1e-6)


def test_siglip_neither_overflows_nor_warns_at_the_ends() -> None:
    far = Scoring("siglip", 1e4, 0.0).probabilities(np.array([-1.0, 1.0]))
    np.testing.assert_array_equal(far, [0.0, 1.0])


def test_clip_compares_the_texts_of_one_picture() -> None:
    found = CLIP.probabilities(np.array([[0.30, 0.29, 0.28], [-1.0, 1.0, -1.0]]))
    np.testing.assert_allclose(found[0], [0.665241, 0.244728, 0.090031], atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


@pytest.mark.parametrize("scoring", [SIGLIP, CLIP, None], ids=["siglip", "clip", "none"])
def test_a_worker_announces_its_scoring(private_redis: str, scoring: Scoring | None) -> None:
    told = WorkerInfo(
        "scoring@test", "scorer", "r1", "rgb-1", 2, "cpu", True, 1, 0.0, scoring=scoring
    )
    with Redis.from_url(private_redis) as redis:
        worker_registry.register_worker(redis, told)
        assert worker_registry.live_workers(redis, "scorer") == [told]
        worker_registry.deregister_worker(redis, told.node)


def test_a_line_of_a_newer_release_is_read_without_what_is_unknown(private_redis: str) -> None:
    told = WorkerInfo("newer@test", "newer", "r1", "rgb-1", 2, "cpu", True, 1, 0.0)
    with Redis.from_url(private_redis) as redis:
        worker_registry.register_worker(redis, told)
        line = redis.hget(WORKERS_KEY, told.node)
        assert isinstance(line, bytes)
        redis.hset(WORKERS_KEY, told.node, line.replace(b'"pid":', b'"mood":"good","pid":'))
        assert worker_registry.live_workers(redis, "newer") == [told]
        worker_registry.deregister_worker(redis, told.node)
