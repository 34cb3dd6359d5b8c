"""celery-batches: a message a picture, gathered by its worker into tasks of 64; with requests and Pillow, or with the fast stages.

Runs in an environment of its own, for celery-batches 0.11 holds Celery below 5.7.
"""

from __future__ import annotations

from functools import partial

from celery_batches import Batches, SimpleRequest

from benchmarks.baselines.queueing import WAITING_BATCHES, baseline_app, workshop

TASK = "bench.batches_of_64"
FAST_TASK = f"{TASK}_fast"
BATCH = 64
PATIENCE_SECONDS = 0.5
"""How long an incomplete batch waits; under full load only the last one does."""
app = baseline_app(prefetch=WAITING_BATCHES * BATCH)
gathered = partial(
    app.task,
    base=Batches,
    flush_every=BATCH,
    flush_interval=PATIENCE_SECONDS,
    acks_late=True,
    ignore_result=True,
)


@gathered(name=TASK)
def batch(requests: list[SimpleRequest]) -> None:
    """Do the pictures that were gathered; those of one call are of one collection here."""
    collections, numbers, urls = zip(*(request.args for request in requests), strict=True)
    tools = workshop()
    tools.finish(collections[0], numbers, urls, tools.plain_batch(urls))


@gathered(name=FAST_TASK)
def fast_batch(requests: list[SimpleRequest]) -> None:
    """The same, with vitrine's own fetcher and decoders."""
    collections, numbers, urls = zip(*(request.args for request in requests), strict=True)
    tools = workshop()
    tools.finish(collections[0], numbers, urls, tools.fast(urls))
