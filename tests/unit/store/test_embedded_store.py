"""The embedded store after accidents: sudden death, two owners, interrupted builds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.patience import PATIENCE
from vitrine.core.errors import BadInput, NotFound, StoreUnavailable
from vitrine.core.filters import parse_filter
from vitrine.core.store_options import StoreOptions
from vitrine.core.types import Payload, point_id
from vitrine.store import EmbeddingSpace, PointBatch, Provenance
from vitrine.store.embedded.generation import EmbeddedGeneration
from vitrine.store.embedded.store import CATALOG_FILE, GENERATIONS, EmbeddedStore
from vitrine.store.embedded.upkeep import IndexMaintenance

DIMENSION = 16
SPACE = EmbeddingSpace("m", "r", "p", DIMENSION)
PROVENANCE = Provenance("job", "m", "r", "p", "00", None, "2026-01-01T00:00:00Z")


def unit(rows: int, seed: int = 0) -> NDArray[np.float32]:
    raw = np.random.default_rng(seed).standard_normal((rows, DIMENSION)).astype(np.float32)
    normal: NDArray[np.float32] = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    return normal


def points(items: list[str], seed: int = 0, fields: Payload | None = None) -> PointBatch:
    return PointBatch(
        ids=[point_id("c", item, 0) for item in items],
        vectors=unit(len(items), seed),
        item_ids=items,
        indexes=[0] * len(items),
        urls=["https://shop.example/1.jpg"] * len(items),
        fields=[fields or {}] * len(items),
        provenance=[PROVENANCE] * len(items),
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    opened = EmbeddedStore(tmp_path / "store")
    opened.ensure("c", SPACE)
    yield opened
    opened.close()


@pytest.fixture
def reopened(tmp_path: Path, store: EmbeddedStore) -> Iterator[EmbeddedStore]:
    """The same directory, opened again after its owner closed it."""
    store.close()
    again = EmbeddedStore(tmp_path / "store")
    yield again
    again.close()


WRITER = """
import sys, time
from pathlib import Path
from tests.unit.store.test_embedded_store import SPACE, points
from vitrine.store.embedded.store import EmbeddedStore
store = EmbeddedStore(Path(sys.argv[1]))
store.ensure("c", SPACE)
for chunk in range(1000):
    store.upsert("c", points([f"i{chunk}-{row}" for row in range(20)], seed=chunk, fields={"n": chunk, "b": True}))
    print(chunk, flush=True)
"""


def test_every_upsert_that_returned_survives_kill_9(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[3]
    for turn in range(3):
        path = tmp_path / str(turn)
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)],
            stdout=subprocess.PIPE,
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
        ) as writer:
            assert writer.stdout is not None
            returned = [int(writer.stdout.readline()) for _ in range(5 + 7 * turn)]
            writer.send_signal(signal.SIGKILL)
            returned += [int(line) for line in writer.stdout]
        store = EmbeddedStore(path)
        try:
            for chunk in returned:
                expected = points([f"i{chunk}-{row}" for row in range(20)], seed=chunk)
                stored = {p.id: p for item in expected.item_ids for p in store.item("c", item)}
                assert stored.keys() == set(expected.ids)
                for key, vector in zip(expected.ids, expected.vectors, strict=True):
                    np.testing.assert_allclose(stored[key].vector, vector, atol=1e-6)
            assert store.count("c", parse_filter({"b": True})) == store.count("c")
            assert store.describe("c").indexed_fields == {"n": "float", "b": "bool"}
        finally:
            store.close()


def test_a_directory_has_one_owner(tmp_path: Path, store: EmbeddedStore) -> None:
    with pytest.raises(StoreUnavailable, match="already in use by another process"):
        EmbeddedStore(tmp_path / "store")
    store.upsert("c", points(["a"]))
    assert store.count("c") == 1


def test_a_closed_store_says_so(store: EmbeddedStore) -> None:
    store.close()
    for ask in (store.ping, lambda: store.count("c"), lambda: store.ensure("d", SPACE)):
        with pytest.raises(StoreUnavailable, match="closed"):
            ask()


def test_a_catalog_file_of_another_kind_is_named(tmp_path: Path) -> None:
    (tmp_path / CATALOG_FILE).write_text('{"catalogs-99": {}}')
    with pytest.raises(BadInput, match=CATALOG_FILE):
        EmbeddedStore(tmp_path)
    (tmp_path / CATALOG_FILE).unlink()
    EmbeddedStore(tmp_path).close()  # the refusal released the directory


def test_what_a_crash_left_is_removed_and_the_rest_kept(
    tmp_path: Path, store: EmbeddedStore
) -> None:
    store.upsert("c", points(["a", "b"]))
    store.close()
    leftover = tmp_path / "store" / GENERATIONS / "c.18ea0e9a5861a2d2"
    leftover.mkdir()
    (leftover / "segment").write_text("half")
    again = EmbeddedStore(tmp_path / "store")
    assert not leftover.exists()
    assert again.count("c") == 2
    again.close()


def test_a_built_index_takes_over_with_what_changed_meanwhile(
    tmp_path: Path, store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.upsert("c", points([f"i{row}" for row in range(300)]))
    changed = points([f"i{row}" for row in range(290, 310)], seed=7, fields={"late": True})
    build = IndexMaintenance._build_in_a_process

    def build_while_writing(upkeep: IndexMaintenance, target: Path) -> bool:
        store.upsert("c", changed)
        assert store.count("c") == 310
        return build(upkeep, target)

    monkeypatch.setattr(IndexMaintenance, "_build_in_a_process", build_while_writing)
    before = store.generations()["c"].directory
    assert store._upkeep.build("c", store.generations()["c"])
    after = store.generations()["c"].directory
    assert after != before
    assert not before.exists()
    assert store.count("c") == 310
    assert store.count("c", parse_filter({"late": True})) == 20
    assert store.describe("c").indexed_fields == {"late": "bool"}
    store.close()
    again = EmbeddedStore(tmp_path / "store")
    assert again.count("c") == 310
    stored = {point.id: point.vector for point in again.scroll("c")}
    for key, vector in zip(changed.ids, changed.vectors, strict=True):
        np.testing.assert_allclose(stored[key], vector, atol=1e-6)
    again.close()


def test_a_build_that_fails_changes_nothing(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(IndexMaintenance, "_build_in_a_process", lambda upkeep, target: False)
    store.upsert("c", points(["a"]))
    shard = store.generations()["c"]
    assert not store._upkeep.build("c", shard)
    assert list(shard.directory.parent.iterdir()) == [shard.directory]
    store.upsert("c", points(["b"]))
    assert store.count("c") == 2


def test_a_collection_deleted_during_its_build_stays_deleted(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def delete_meanwhile(upkeep: IndexMaintenance, target: Path) -> bool:
        store.delete("c")
        return True

    monkeypatch.setattr(IndexMaintenance, "_build_in_a_process", delete_meanwhile)
    shard = store.generations()["c"]
    with pytest.raises(NotFound, match="deleted meanwhile"):
        store._upkeep.build("c", shard)
    assert store.collections() == []
    assert list(shard.directory.parent.iterdir()) == []


def test_closing_gives_up_a_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vitrine.store.embedded.upkeep.FLUSH_SECONDS", 0.01)
    monkeypatch.setattr("vitrine.store.embedded.schedule.QUIET_SECONDS", 0.0)
    started = threading.Event()
    run = subprocess.Popen

    def slow(command: list[str], **options: object) -> subprocess.Popen[bytes]:
        started.set()
        return run([sys.executable, "-c", "import time; time.sleep(600)"], **options)  # type: ignore[call-overload, no-any-return]  # as it was called

    monkeypatch.setattr("vitrine.store.embedded.upkeep.subprocess.Popen", slow)
    store = EmbeddedStore(tmp_path / "store", options=StoreOptions(index_points=1))
    store.ensure("c", SPACE)
    store.upsert("c", points(["a", "b"]))
    assert started.wait(PATIENCE)
    store.close()
    again = EmbeddedStore(tmp_path / "store")
    assert again.count("c") == 2
    again.close()


ENDLESS_BUILD = """
import os, sys, time
from vitrine.store.embedded import build as edge_build
def endless(directory):
    print(os.getpid(), flush=True)
    time.sleep(600)
edge_build.build = endless
sys.exit(edge_build.main("nowhere", int(sys.argv[1])))
"""


@pytest.mark.parametrize("how", ["parent gone", "told to end"])
def test_a_builder_leaves_no_process_behind(how: str) -> None:
    parent = os.getpid() if how == "told to end" else 2**22 - 1  # never this test's process
    command = [sys.executable, "-c", ENDLESS_BUILD, str(parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as watcher:
        assert watcher.stdout is not None
        line = watcher.stdout.readline()  # nothing, if the builder ended before it printed
        if how == "told to end":
            watcher.terminate()
        assert watcher.wait(PATIENCE) == signal.SIGKILL  # the end of the building half
    if line:
        with pytest.raises(ProcessLookupError):
            os.kill(int(line), 0)


def test_the_upkeep_flushes_what_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vitrine.store.embedded.upkeep.FLUSH_SECONDS", 0.01)
    store = EmbeddedStore(tmp_path / "store")
    store.ensure("c", SPACE)
    store.upsert("c", points(["a"]))
    deadline = time.monotonic() + PATIENCE
    while store.generations()["c"].dirty:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    store.close()


def test_the_engine_s_own_refusals_are_translated(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="embedded store failed"):
        EmbeddedGeneration.load(tmp_path / "absent")


def test_spaces_and_names_outlive_the_process(reopened: EmbeddedStore) -> None:
    assert [(info.name, info.space) for info in reopened.collections()] == [("c", SPACE)]
