"""A profile's samples, summed by stage and by function."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.parts.samples import OTHER, by_function, by_stage, read_samples, stage_of

FOLDED = """\
p 1;decode_0;run (threading.py:1);_prepare (workers/stages.py:9);load (PIL/ImageFile.py:3) 6
p 1;device;run (threading.py:1);_next (workers/batching/batcher.py:4);wait (threading.py:2) 3
p 1;main;spin (lib/nobody.py:7) 1
"""


def test_samples_are_read_and_shared_out(tmp_path: Path) -> None:
    file = tmp_path / "samples.txt"
    file.write_text(FOLDED)
    samples = read_samples(file)
    assert by_stage(samples) == [("decode and scale", 0.6), ("device", 0.3), (OTHER, 0.1)]
    assert by_function(samples)[0] == ("load (PIL/ImageFile.py)", 0.6)


@pytest.mark.parametrize(
    ("innermost", "stage"),
    [
        ("perform (workers/fetch/curl_loop.py:1)", "fetch"),
        ("upsert (vitrine/store/remote/store.py:1)", "store"),
        ("finish (vitrine/ledger/redis_ledger.py:1)", "ledger"),
        ("run (workers/ingest/concurrent.py:1)", "chunk handling"),
        ("drain (kombu/transport/redis.py:1)", "queue"),
    ],
)
def test_the_innermost_frame_with_a_stage_decides(innermost: str, stage: str) -> None:
    outer = "ingest (workers/app.py:1)"
    assert stage_of([outer, innermost, "recv (socket.py:1)"]) == stage


def test_no_samples_have_no_shares() -> None:
    assert by_stage([]) == []
