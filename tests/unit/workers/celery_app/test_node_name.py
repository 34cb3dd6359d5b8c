"""The worker's node name, whoever started it."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import Any

import pytest

from vitrine.core.settings import Settings
from workers.celery_app import node_name as module
from workers.celery_app.node_name import node_name, set_node_name

HERE = f"{os.getpid()}@{socket.gethostname()}"


@dataclass
class Worker:
    """A worker before Celery starts it."""

    hostname: str
    app: str = "app"


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, str]]:
    """The names that were passed to Celery."""
    told: list[tuple[Any, str]] = []
    monkeypatch.setattr(
        module, "setup_worker_optimizations", lambda app, name: told.append((app, name))
    )
    monkeypatch.setattr(module, "worker_settings", lambda **given: Settings.model_validate(given))
    return told


def test_a_name_says_model_device_and_process() -> None:
    assert node_name("google/siglip2-base", "cuda:1") == f"google--siglip2-base.cuda-1.{HERE}"


def test_a_worker_that_nobody_named_gets_its_models_name(kept: list[tuple[Any, str]]) -> None:
    worker = Worker("celery@host")
    assert set_node_name(worker, {"model": "builtin", "device": "cpu"}) == f"builtin.cpu.{HERE}"
    assert worker.hostname == f"builtin.cpu.{HERE}"
    assert kept == [("app", worker.hostname)]


def test_a_name_that_a_person_gave_stays(kept: list[tuple[Any, str]]) -> None:
    assert set_node_name(Worker("mine@host"), {"model": "builtin", "device": "cpu"}) == "mine@host"
    assert kept == []


def test_a_device_that_is_none_is_left_to_who_opens_it() -> None:
    assert set_node_name(Worker("celery@host"), {"model": "x", "device": "abacus"}) == "celery@host"
