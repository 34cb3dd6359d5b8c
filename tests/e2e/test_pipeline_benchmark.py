"""The benchmark of the whole pipeline runs with real processes and reports the promised figures."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.patience import PATIENCE

pytestmark = [pytest.mark.e2e, pytest.mark.long]


def test_a_quick_run_has_a_figure_for_every_goal_but_those_it_skips() -> None:
    command = [sys.executable, "-m", "benchmarks.pipeline", "--quick", "--json", "--device", "fake"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    unmeasured = {goal["name"] for goal in report["goals"] if goal["figure"] is None}
    assert unmeasured == {"vs_celery_batches", "vs_celery_batches_solo"}
    assert list(report["skipped"]) == ["celery_batches"]
    assert report["figures"]["own_batch_ragged_pictures_per_s"] > 0
