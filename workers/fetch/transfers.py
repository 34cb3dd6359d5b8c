"""Runs all transfers in one thread: each waits in its host's queue (`HostScheduler`), gets a curl handle and an
`Exchange`, and ends in a picture, a redirect (which is queued again at its new host) or a failure.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from typing import Any

import pycurl

from vitrine.core.types import FailureReason, ItemFailure
from vitrine.net.url import Target
from workers.byte_budget import ByteBudget
from workers.fetch.curl_handle import CurlHandle
from workers.fetch.curl_loop import CurlLoop, EndedTransfer
from workers.fetch.exchange import Exchange
from workers.fetch.host_breakers import HostBreakers
from workers.fetch.host_scheduler import HostScheduler
from workers.fetch.memory_budget import MemoryBudget
from workers.fetch.policy import FetchPolicy
from workers.fetch.retry_after import HostPauses
from workers.fetch.transfer import Transfer

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _ActiveTransfer:
    """A transfer with a running request."""

    transfer: Transfer
    handle: CurlHandle
    exchange: Exchange
    authority: str  #: The transfer's at the start of the request; a redirect may change it.


class Transfers:
    """Drives every transfer of one fetcher. Not thread-safe."""

    def __init__(
        self, policy: FetchPolicy, ca_bundle: str, loop: CurlLoop, held: ByteBudget
    ) -> None:
        self._policy = policy
        self._ca_bundle = ca_bundle
        self._loop = loop
        self._held = held
        self._given_back = 0
        self._pauses = HostPauses(time.monotonic)
        self._breakers = HostBreakers(time.monotonic)
        self._hosts: HostScheduler[Transfer] = HostScheduler(policy.per_host, self._pause)
        self._budget: MemoryBudget[Exchange] = MemoryBudget(held)
        self._idle: list[CurlHandle] = []
        self._active: dict[Any, _ActiveTransfer] = {}

    def submit(self, transfer: Transfer) -> None:
        """Queue a transfer, or fail it immediately if its host is paused for too long or does not respond."""
        refusal = self._refusal(transfer)
        if refusal is not None:
            transfer.fail(refusal)
        else:
            self._hosts.add(transfer.target.authority, transfer)

    def step(self) -> None:
        """Start the transfers that may start, sleep until something happens, and finish those that ended."""
        for authority in self._breakers.late():
            self._look_again(authority)
        self._start_waiting()
        all_ended = self._loop.step(self._longest_sleep())
        for ended in all_ended:
            self._end(ended)
        # Only after all of them, because a transfer that waits for memory may be among those that ended. And only
        # if one ended or memory was released: resuming a transfer that still finds no space would wake this loop
        # again immediately, in an endless loop.
        given_back = self._held.given_back
        if all_ended or given_back != self._given_back:
            self._given_back = given_back
            self._resume()

    def close(self) -> None:
        """Fail every transfer, then close the connections."""
        for transfer in self._hosts.drain():
            transfer.fail(closed())
        transfers = list(self._active.values())
        self._active.clear()
        for active in transfers:
            active.transfer.fail(closed())
        for active in transfers:
            self._loop.remove(active.handle.curl)
            active.handle.close()
        for handle in self._idle:
            handle.close()

    def _longest_sleep(self) -> float | None:
        due = self._hosts.next_due()
        if due is None:
            return None
        left = due - time.monotonic()
        # If a host is due but no slot is free, sleep without a limit: the end of a transfer or released memory
        # wakes this loop. With a limit of 0 it would spin until then.
        return None if left <= 0 and not self._has_place() else max(0.0, left)

    def _has_place(self) -> bool:
        return len(self._active) < self._policy.concurrency and self._budget.may_enter()

    def _start_waiting(self) -> None:
        while self._has_place():
            transfer = self._hosts.next(time.monotonic())
            if transfer is None:
                return
            try:
                self._start(transfer)
            except ItemFailure as failure:
                self._hosts.done(transfer.target.authority)
                transfer.fail(failure)

    def _start(self, transfer: Transfer) -> None:
        if not transfer.claim():
            self._hosts.done(transfer.target.authority)
            return
        seconds = transfer.begin(time.monotonic())
        handle = self._idle.pop() if self._idle else CurlHandle(self._policy, self._ca_bundle)
        exchange = Exchange(transfer.target, self._policy, self._budget)
        self._budget.enter(exchange)
        handle.begin(exchange, transfer.target, seconds)
        self._breakers.begin(transfer.target.authority)
        self._active[handle.curl] = _ActiveTransfer(
            transfer, handle, exchange, transfer.target.authority
        )
        self._loop.add(handle.curl)

    def _end(self, ended: EndedTransfer) -> None:
        active = self._active.pop(ended.curl)
        self._loop.remove(ended.curl)
        active.handle.end()
        self._idle.append(active.handle)
        self._hosts.done(active.authority)
        active.transfer.pause(time.monotonic())
        try:
            self._settle(active, ended)
            self._heed(active.authority, None)
        except ItemFailure as failure:
            self._heed(active.authority, failure)
            active.transfer.fail(failure)
        except Exception as error:  # noqa: BLE001 - a bug fails this picture, not the thread
            _log.exception("settling a transfer has failed")
            active.transfer.fail(error)
        finally:
            self._budget.leave(active.exchange)

    def _settle(self, active: _ActiveTransfer, ended: EndedTransfer) -> None:
        outcome = active.exchange.result(ended.code, ended.message)
        if isinstance(outcome, Target):
            active.transfer.redirect(outcome)
            self.submit(active.transfer)
        else:
            active.transfer.succeed(replace(outcome, hold=self._budget.hand_over(active.exchange)))

    def _heed(self, authority: str, failure: ItemFailure | None) -> None:
        """Update the host's pause and breaker after a request: pause it, open the breaker or close it."""
        changed = self._breakers.ended(authority, failure)
        if failure is not None and failure.retry_after:
            self._pauses.pause(authority, failure.retry_after)
            changed = True
        if changed:
            self._look_again(authority)

    def _look_again(self, authority: str) -> None:
        """Fail the waiting transfers that the host's new state refuses, and let the others start if they may."""
        refused = self._hosts.take_out(authority, self._refusal)
        self._hosts.wake(authority)
        for transfer, refusal in refused:
            transfer.fail(refusal)

    def _refusal(self, transfer: Transfer) -> ItemFailure | None:
        authority = transfer.target.authority
        left = self._pauses.remaining(authority)
        return _left_alone(left) if left > transfer.patience else self._breakers.refusal(authority)

    def _pause(self, authority: str) -> float:
        return max(self._pauses.remaining(authority), self._breakers.remaining(authority))

    def _resume(self) -> None:
        """Resume transfers that wait for memory, now that some may have been released."""
        woken = set(self._budget.woken())
        if not woken:
            return
        for curl, active in list(self._active.items()):
            if active.exchange in woken and curl in self._active:
                self._unpause(active)

    def _unpause(self, active: _ActiveTransfer) -> None:
        try:
            active.handle.curl.pause(pycurl.PAUSE_CONT)
        except pycurl.error as error:
            # The deferred piece ended the transfer, and curl does not report that end through `info_read`.
            self._end(EndedTransfer(active.handle.curl, *error.args[:2]))
            self._resume()


def closed() -> ItemFailure:
    """Return the failure of a transfer that was cut off because the fetcher closed; it is transient, so it is retried."""
    return ItemFailure(FailureReason.CONNECTION_FAILED, "the fetcher was closed")


def _left_alone(seconds: float) -> ItemFailure:
    return ItemFailure(
        FailureReason.RATE_LIMITED,
        f"the host asked to be left alone for another {seconds:.0f} s",
        retry_after=seconds,
    )
