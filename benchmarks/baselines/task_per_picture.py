"""One task per picture: requests, Pillow, a batch of one, an upsert of one. This is what a first version looks like."""

from __future__ import annotations

from benchmarks.baselines.queueing import baseline_app, workshop

TASK = "bench.task_per_picture"
app = baseline_app()


@app.task(name=TASK, acks_late=True, ignore_result=True)
def picture(collection: str, number: int, url: str) -> None:
    """Process one picture."""
    tools = workshop()
    tools.finish(collection, [number], [url], [tools.plain(url)])
