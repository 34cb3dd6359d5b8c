"""One task per chunk, which is its own batch on the device, with the fast stages; several tasks run concurrently."""

from __future__ import annotations

from benchmarks.baselines.queueing import baseline_app, workshop

TASK = "bench.own_batch"
app = baseline_app()


@app.task(name=TASK, acks_late=True, ignore_result=True)
def chunk(collection: str, numbers: list[int], urls: list[str]) -> None:
    """Process one chunk."""
    tools = workshop()
    tools.finish(collection, numbers, urls, tools.fast(urls))
