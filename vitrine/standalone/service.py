"""The whole service on one machine: a private Redis, the embedded store, a worker and the API.

The parts are started in order of dependency and stopped so that the worker can still write its outcomes.
Crashed parts are restarted. If the settings name a Redis or a Qdrant, it is used and no private one is
started.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import SecretStr

from vitrine.core import service_discovery
from vitrine.core.errors import EXIT_USAGE, BadInput, Unavailable, VitrineError
from vitrine.core.model_registry import check_model_name
from vitrine.core.redis_client import connect_redis, redis_errors
from vitrine.core.settings import Settings
from vitrine.core.types import model_name
from vitrine.messaging.worker_registry import live_workers
from vitrine.process.child import ChildProcess
from vitrine.process.output import LogFile
from vitrine.standalone.lock import DataLock
from vitrine.standalone.private_redis import PrivateRedis
from vitrine.store.open import check_url

log = logging.getLogger(__name__)

START_SECONDS = 600.0
"""Loading a model of one gigabyte from a slow disk takes most of a minute, and ten times that on a busy machine. A part
that exits instead of starting is noticed immediately."""
WORKER_GRACE = 90.0
_POLL = 0.05
_POLL_SECONDS = 0.5


class Standalone:
    """The service, as a context manager: running inside the `with` block, stopped after it."""

    def __init__(
        self,
        settings: Settings,
        *,
        environment: Mapping[str, str] | None = None,
        say: Callable[[str], None] = log.info,
    ) -> None:
        self.settings = settings
        """The given settings; after the start, with the service's actual addresses."""
        self._environment = dict(environment or {})
        self._say = say
        self._lock = DataLock(settings.data_dir)
        self._redis: PrivateRedis | None = None
        self._children: list[ChildProcess] = []
        self._closing = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    @property
    def api_url(self) -> str:
        """The address of the API."""
        return self.settings.api_url

    @property
    def worker_pid(self) -> int | None:
        """The worker's process id, if there is a worker process."""
        return next((child.pid for child in self._children if child.name == "worker"), None)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start every part and return when all are ready; raises `VitrineError` if one is not."""
        data = self.settings.data_dir
        self._check_addresses()
        self._make_folder(data)
        self._lock.take()
        self._make_folder(data / "logs")
        self._start_redis()
        self._start_store()
        self._start_worker()
        self._start_api()
        service_discovery.announce(self.settings)
        self._watcher.start()

    def _check_addresses(self) -> None:
        """Raise an error for invalid settings before anything is started."""
        check_model_name(self.settings.model)
        _check_port(self.settings.api_host, self.settings.api_port)
        if "redis_url" in self.settings.model_fields_set:
            connect_redis(self.settings.redis_url.get_secret_value()).close()
        if "qdrant_url" in self.settings.model_fields_set:
            check_url(self.settings)

    def stop(self) -> None:
        """Stop every part in a safe order; safe to call twice."""
        self._closing.set()
        if self._watcher.is_alive():
            self._watcher.join()
        if self._lock.held:  # Otherwise the file belongs to another service, which keeps running.
            service_discovery.withdraw(self.settings.data_dir)
        # The worker first, and the store before Redis: outcomes are written until the end.
        for name in ("worker", "api", "store"):
            for child in self._children:
                if child.name == name:
                    child.stop()
        if self._redis is not None:
            self._redis.stop()
        self._lock.release()

    @staticmethod
    def _make_folder(folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise VitrineError(
                f"The data directory {folder} cannot be made ({error.strerror}).",
                hint="Give another with --data-dir.",
            ) from error

    def _use(self, **addresses: object) -> None:
        self.settings = self.settings.model_copy(update=addresses)

    def _start_redis(self) -> None:
        if "redis_url" in self.settings.model_fields_set:
            return
        self._say("starting Redis")
        self._redis = PrivateRedis(self.settings.data_dir / "redis")
        self._redis.start()
        self._use(redis_url=SecretStr(self._redis.url))

    def _start_store(self) -> None:
        if "qdrant_url" in self.settings.model_fields_set:
            return
        self._say("starting the vector store")
        token = secrets.token_urlsafe(24)
        self._use(store_token=SecretStr(token))
        path = self.settings.data_dir / "vectors"
        port_file = self.settings.data_dir / "store.url"
        port_file.unlink(missing_ok=True)
        arguments = ["store", "--path", str(path), "--port-file", str(port_file)]
        child = self._child("store", [*arguments, "--exit-with-parent"], grace=30.0)
        url = self._wait_for_file(child, port_file)
        self._use(qdrant_url=SecretStr(f"edge+{url}"))
        # A restarted store must keep its address, or its clients would not find it.
        child.set_option("--port", url.rsplit(":", 1)[1])

    def _start_worker(self) -> None:
        self._say(f"starting the worker with the model {self.settings.model}")
        arguments = ["worker", "--model", self.settings.model, "--device", self.settings.device]
        child = self._child("worker", [*arguments, "--exit-with-parent"], grace=WORKER_GRACE)
        name = model_name(self.settings.model)
        redis = connect_redis(self.settings.redis_url.get_secret_value())

        def alive() -> bool:
            with redis_errors():
                return any(worker.pid == child.pid for worker in live_workers(redis, name))

        with contextlib.closing(redis):
            self._wait(child, alive)

    def _start_api(self) -> None:
        self._say("starting the API")
        port_file = self.settings.data_dir / "api.url"
        port_file.unlink(missing_ok=True)
        host, port = self.settings.api_host, str(self.settings.api_port)
        arguments = ["api", "--host", host, "--port", port, "--port-file", str(port_file)]
        child = self._child("api", [*arguments, "--exit-with-parent"], grace=15.0)
        url = self._wait_for_file(child, port_file)
        self._use(api_url=url)
        child.set_option("--port", url.rsplit(":", 1)[1])

    def _child(self, name: str, arguments: list[str], *, grace: float) -> ChildProcess:
        child = ChildProcess(
            name,
            arguments,
            environment=self._child_environment(),
            output=self._log_file(name),
            grace=grace,
        )
        self._children.append(child)
        child.start()
        return child

    def _log_file(self, name: str) -> LogFile:
        return LogFile(self.settings.data_dir / "logs" / f"{name}.log")

    def _child_environment(self) -> dict[str, str]:
        token = self.settings.store_token
        own = {
            "VITRINE_DATA_DIR": str(self.settings.data_dir),
            "VITRINE_MODEL": self.settings.model,
            "VITRINE_REDIS_URL": self.settings.redis_url.get_secret_value(),
            "VITRINE_QDRANT_URL": self.settings.qdrant_url.get_secret_value(),
            "VITRINE_STORE_TOKEN": token.get_secret_value() if token else "",
            "VITRINE_FETCH_FILES": "true",
        }
        return {**own, **self._environment}

    def _wait_for_file(self, child: ChildProcess, path: Path) -> str:
        self._wait(child, path.exists)
        return path.read_text().strip()

    def _wait(self, child: ChildProcess, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if not child.alive() or time.monotonic() > deadline:
                raise _not_ready(child, self._log_file(child.name))
            time.sleep(_POLL)

    def _watch(self) -> None:
        while not self._closing.wait(_POLL_SECONDS):
            try:
                self._look()
            except Exception:
                log.exception("the supervisor could not restart a process")

    def _look(self) -> None:
        if self._redis is not None and not self._redis.alive():
            log.warning("Redis stopped; restarting it")
            self._redis.restart()
        for child in self._children:
            child.restart_if_dead()


def _check_port(host: str, port: int) -> None:
    """Raise `Unavailable` if the port is taken; the API binds it again once all other parts run."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        # Bind as a server does: a port whose last connections are still closing counts as free.
        socket.create_server((host, port), family=family).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Unavailable(
            f"The API cannot listen at {host} port {port}: {reason}.",
            hint="Choose another with --host or --port; port 0 uses a free one.",
        ) from error


def _not_ready(child: ChildProcess, said: LogFile) -> VitrineError:
    """Return an error with the end of the log of a part that did not start; bad input stays `BadInput`."""
    why = "is not ready" if child.alive() else "ended"
    kind = BadInput if child.exit_code == EXIT_USAGE else VitrineError
    return kind(f"The {child.name} {why}. The end of its log:\n{said.tail()}")
