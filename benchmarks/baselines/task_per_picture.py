"""One task a picture: requests, Pillow, a batch of one, an upsert of one. What a first version looks like."""

from __future__ import annotations

from benchmarks.baselines.queueing import baseline_app, workshop

TASK = "bench.task_per_picture"
app = baseline_app()


@app.task(name=TASK, acks_late=True, ignore_result=True)
def picture(collection: str, number: int, url: str) -> None:
    """Do one picture."""
    tools = workshop()
    tools.finish(collection, [number], [url], [tools.plain(url)])
