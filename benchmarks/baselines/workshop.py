"""Building blocks of the baselines: two ways to get a picture's pixels, one device behind a lock, and the same store.

`plain` is what most code does: requests and Pillow. `fast` uses vitrine's fetcher, decoders and scaling, so that only
how the work is packed and overlapped differs. The baselines keep no ledger and no provenance, so they do less.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

import numpy as np
import requests
from PIL import Image
from requests.adapters import HTTPAdapter

from vitrine.core.redis_client import connect_redis
from vitrine.core.settings import Settings
from vitrine.core.types import point_id
from vitrine.store import EmbeddingSpace, PointBatch, Provenance
from vitrine.store.open import open_store
from workers.fetch import Fetcher, FetchPolicy
from workers.image_decoder import decoder_for
from workers.models.base import Inputs
from workers.models.simulated import SimulatedModel
from workers.models.threads import single_threaded
from workers.normalize import l2_normalise

SPACE = EmbeddingSpace("bench", "1", "1", 768)
"""Space of the timed models' vectors, used to create the baselines' collections."""
_PROVENANCE = Provenance("", SPACE.model, SPACE.revision, SPACE.policy, "", None, "")
_CONNECTIONS = 32
DONE_KEY = "bench:done:"
"""Key prefix before a collection's name: how many of its pictures have been stored."""


class Workshop:
    """Resources of one baseline worker. Its methods are called from the threads of its tasks."""

    def __init__(self, settings: Settings) -> None:
        self._model = SimulatedModel(settings.model)
        self._store = open_store(settings)
        self._redis = connect_redis(settings.redis_url.get_secret_value())
        self._fetcher = Fetcher(FetchPolicy.from_settings(settings))
        self._decoders = ThreadPoolExecutor(os.cpu_count() or 1, initializer=single_threaded)
        self._decode = decoder_for(self._model, settings)
        self._device = threading.Lock()
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.mount("http://", HTTPAdapter(pool_maxsize=_CONNECTIONS))
        self._downloads = ThreadPoolExecutor(_CONNECTIONS)

    def say_ready(self, key: str) -> None:
        """Announce that this process has started to consume."""
        self._redis.sadd(key, os.getpid())

    def plain(self, url: str) -> Inputs:
        """Fetch and prepare one picture with requests and Pillow: uint8 [3, side, side]."""
        answer = self._session.get(url, timeout=10)
        answer.raise_for_status()
        with Image.open(io.BytesIO(answer.content)) as image:
            side = (self._model.side, self._model.side)
            scaled = image.convert("RGB").resize(side, Image.Resampling.BILINEAR)
        return {"pixel_values": np.asarray(scaled).transpose(2, 0, 1)}

    def plain_batch(self, urls: Sequence[str]) -> list[Inputs]:
        """Fetch and prepare pictures with requests and Pillow, 32 concurrently."""
        return list(self._downloads.map(self.plain, urls))

    def fast(self, urls: Sequence[str]) -> list[Inputs]:
        """Fetch and prepare pictures with vitrine's fetcher and decoders, concurrently, decoding each as it arrives."""
        fetches = {self._fetcher.fetch(url): place for place, url in enumerate(urls)}
        decoding = {
            fetches[done]: self._decoders.submit(self._decoded, done.result().data)
            for done in as_completed(fetches)
        }
        return [decoding[place].result() for place in range(len(urls))]

    def finish(
        self, collection: str, numbers: Sequence[int], urls: Sequence[str], inputs: Sequence[Inputs]
    ) -> None:
        """Embed as one batch, store as one upsert, and count."""
        with self._device:
            vectors = self._model.embed(inputs)
        units, _ = l2_normalise(vectors)
        items = [f"item-{number}" for number in numbers]
        points = PointBatch(
            ids=[point_id(collection, item, 0) for item in items],
            vectors=units,
            item_ids=items,
            indexes=[0] * len(items),
            urls=urls,
            fields=[{}] * len(items),
            provenance=[_PROVENANCE] * len(items),
        )
        self._store.upsert(collection, points)
        self._redis.incrby(f"{DONE_KEY}{collection}", len(items))

    def _decoded(self, data: bytes) -> Inputs:
        return self._model.preprocess(self._decode(data))
