"""celery-batches: one message per picture, gathered by the worker into tasks of 64, with plain or fast stages.

Plain stages use requests and Pillow. Runs in a separate environment, because celery-batches 0.11 requires Celery
below 5.7.
"""

from __future__ import annotations

from functools import partial

from celery_batches import Batches, SimpleRequest

from benchmarks.baselines.queueing import WAITING_BATCHES, baseline_app, workshop

TASK = "bench.batches_of_64"
FAST_TASK = f"{TASK}_fast"
BATCH = 64
PATIENCE_SECONDS = 0.5
"""How long an incomplete batch waits; at full load this affects only the last one."""
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
    """Process the gathered pictures. Here, those of one call all belong to one collection."""
    collections, numbers, urls = zip(*(request.args for request in requests), strict=True)
    tools = workshop()
    tools.finish(collections[0], numbers, urls, tools.plain_batch(urls))


@gathered(name=FAST_TASK)
def fast_batch(requests: list[SimpleRequest]) -> None:
    """Process the gathered pictures with vitrine's fetcher and decoders."""
    collections, numbers, urls = zip(*(request.args for request in requests), strict=True)
    tools = workshop()
    tools.finish(collections[0], numbers, urls, tools.fast(urls))
