"""`Fetcher`, the fetch interface for the rest of the worker. URLs go in from any thread, futures come out.

One thread per process drives all transfers (0.14 ms of CPU per picture, against 0.58 ms with requests:
docs/decisions/0002-fetching.md); it sleeps until there is work. Nothing is retried here: the caller decides
whether and when to retry (`FailureReason.transient`, `ItemFailure.retry_after`).
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from types import TracebackType
from typing import Self

import certifi

from vitrine.core.schemes import scheme_of
from vitrine.core.types import ItemFailure
from vitrine.net.url import parse_url
from workers.byte_budget import ByteBudget
from workers.fetch.curl_loop import CurlLoop
from workers.fetch.policy import FetchPolicy
from workers.fetch.readers import READERS, ReaderContext
from workers.fetch.result import FetchedPicture
from workers.fetch.transfer import Transfer
from workers.fetch.transfers import Transfers, closed

_log = logging.getLogger(__name__)


class Fetcher:
    """Fetches pictures under a policy until it is closed. Thread-safe; does not survive a fork.

    `ca_bundle` is a file of CA certificates. The default is certifi's, because the curl in pycurl's wheels
    does not find the system's certificates.
    """

    def __init__(self, policy: FetchPolicy | None = None, *, ca_bundle: str | None = None) -> None:
        self.policy = policy or FetchPolicy()
        # Twice the number of transfers, to keep connections open for a catalog that alternates between hosts.
        self._loop = CurlLoop(2 * self.policy.concurrency)
        self.held = ByteBudget(self.policy.budget_bytes, self._loop.wake)
        self._transfers = Transfers(
            self.policy, ca_bundle or certifi.where(), self._loop, self.held
        )
        context = ReaderContext(self.policy, self.held, self._fetch_http)
        self._readers = {name: make(context) for name, make in READERS.items()}
        self._inbox: list[Transfer] = []
        self._closing = False
        self._lock = threading.Lock()  # keeps `fetch` from adding to the inbox after `close`
        self._thread = threading.Thread(target=self._run, name="fetch", daemon=True)
        self._thread.start()

    def fetch(
        self, url: str, *, file_root: str | None = None, patience: float | None = None
    ) -> Future[FetchedPicture]:
        """Fetch one picture. The future returns a `FetchedPicture` or raises `ItemFailure`, nothing else.

        `file_root` is the folder that `file:` URLs must be in. `patience` overrides the policy's. The future
        can be cancelled until the transfer starts. Callbacks of the future run in the fetch thread and delay
        every other transfer: keep them short.
        """
        scheme = scheme_of(url)
        if scheme is not None and scheme.name in self._readers:
            return self._readers[scheme.name].read(url, file_root)
        return self._fetch_http(url, patience)

    def close(self, timeout: float = 10.0) -> None:
        """Stop; unfinished fetches fail with CONNECTION_FAILED. Safe to call twice.

        Waits at most `timeout` seconds: curl cannot abort a DNS lookup that the system is running.
        """
        with self._lock:
            if not self._closing:
                self._closing = True
                self._loop.wake()
        self._thread.join(timeout)
        self.held.close()
        for reader in self._readers.values():
            reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _fetch_http(self, url: str, patience: float | None = None) -> Future[FetchedPicture]:
        try:
            target = parse_url(url)
            self.policy.check(target)
        except ItemFailure as failure:
            return _failed(failure)
        transfer = Transfer(
            target, self.policy, self.policy.patience if patience is None else patience
        )
        with self._lock:
            if self._closing:
                return _failed(closed())
            asleep = not self._inbox
            self._inbox.append(transfer)
            # Where something was waiting already, its wake-up is still under way.
            if asleep:
                self._loop.wake()
        return transfer.future

    def _run(self) -> None:
        try:
            while not self._closing:
                self._transfers.step()
                self._take_in()
        except Exception:  # noqa: BLE001 - logged here; the code below fails every future
            # A bug: nobody waits for this thread, so callers only learn of it through their futures.
            _log.exception("the fetch thread has failed; every fetch from now on fails")
        with self._lock:
            self._closing = True
        self._take_in()
        self._transfers.close()
        self.held.close()
        self._loop.close()

    def _take_in(self) -> None:
        # Swap the whole list under the lock. If it were emptied one by one, `fetch` could find it not yet
        # empty and skip the wake-up just as the last entry leaves.
        with self._lock:
            taken, self._inbox = self._inbox, []
        for transfer in taken:
            self._transfers.submit(transfer)


def _failed(failure: ItemFailure) -> Future[FetchedPicture]:
    future: Future[FetchedPicture] = Future()
    future.set_exception(failure)
    return future
