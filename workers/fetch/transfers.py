"""The fetching itself, all of it in one thread: walks wait in the lineup, get a handle, become an
exchange, and come back as a picture, a redirect (which waits its turn at its new host) or a failure.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from typing import Any

import pycurl

from vitrine.core.types import FailureReason, ItemFailure
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
from workers.fetch.url import Target

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _ActiveTransfer:
    """A walk under way."""

    walk: Transfer
    handle: CurlHandle
    exchange: Exchange
    authority: str  #: The walk's, before a redirect may change it.


class Transfers:
    """Drives every transfer of one fetcher. For one thread."""

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
        self._lineup: HostScheduler[Transfer] = HostScheduler(policy.per_host, self._pause)
        self._budget: MemoryBudget[Exchange] = MemoryBudget(held)
        self._idle: list[CurlHandle] = []
        self._active: dict[Any, _ActiveTransfer] = {}

    def submit(self, walk: Transfer) -> None:
        """Let a walk wait for its turn, or fail it at once where its host is left alone for longer than its patience."""
        refusal = self._refusal(walk)
        if refusal is not None:
            walk.fail(refusal)
        else:
            self._lineup.add(walk.target.authority, walk)

    def step(self) -> None:
        """Start what may start, sleep until something happens, and end what has ended."""
        for authority in self._breakers.late():
            self._look_again(authority)
        self._start_waiting()
        all_ended = self._loop.step(self._longest_sleep())
        for ended in all_ended:
            self._end(ended)
        # After all of them: one that waits for memory may itself be among those that have ended. And
        # only then, or when something was decoded: waking one that still finds no room would wake this loop again
        # at once, for ever.
        given_back = self._held.given_back
        if all_ended or given_back != self._given_back:
            self._given_back = given_back
            self._resume()

    def close(self) -> None:
        """Fail every walk, then close the connections."""
        for walk in self._lineup.drain():
            walk.fail(closed())
        transfers = list(self._active.values())
        self._active.clear()
        for transfer in transfers:
            transfer.walk.fail(closed())
        for transfer in transfers:
            self._loop.remove(transfer.handle.curl)
            transfer.handle.close()
        for handle in self._idle:
            handle.close()

    def _longest_sleep(self) -> float | None:
        due = self._lineup.next_due()
        if due is None:
            return None
        left = due - time.monotonic()
        # A host whose time has come without a place for it: the end of a transfer, or memory given back, wakes
        # this loop. Asked by the clock it would go round without sleeping until then.
        return None if left <= 0 and not self._has_place() else max(0.0, left)

    def _has_place(self) -> bool:
        return len(self._active) < self._policy.concurrency and self._budget.may_enter()

    def _start_waiting(self) -> None:
        while self._has_place():
            walk = self._lineup.next(time.monotonic())
            if walk is None:
                return
            try:
                self._start(walk)
            except ItemFailure as failure:
                self._lineup.done(walk.target.authority)
                walk.fail(failure)

    def _start(self, walk: Transfer) -> None:
        if not walk.claim():
            self._lineup.done(walk.target.authority)
            return
        seconds = walk.begin(time.monotonic())
        handle = self._idle.pop() if self._idle else CurlHandle(self._policy, self._ca_bundle)
        exchange = Exchange(walk.target, self._policy, self._budget)
        self._budget.enter(exchange)
        handle.begin(exchange, walk.target, seconds)
        self._breakers.begin(walk.target.authority)
        self._active[handle.curl] = _ActiveTransfer(walk, handle, exchange, walk.target.authority)
        self._loop.add(handle.curl)

    def _end(self, ended: EndedTransfer) -> None:
        transfer = self._active.pop(ended.curl)
        self._loop.remove(ended.curl)
        transfer.handle.end()
        self._idle.append(transfer.handle)
        self._lineup.done(transfer.authority)
        transfer.walk.pause(time.monotonic())
        try:
            self._settle(transfer, ended)
            self._heed(transfer.authority, None)
        except ItemFailure as failure:
            self._heed(transfer.authority, failure)
            transfer.walk.fail(failure)
        except Exception as error:  # noqa: BLE001 - a fault of ours ends this picture, not the thread
            _log.exception("settling a transfer has failed")
            transfer.walk.fail(error)
        finally:
            self._budget.leave(transfer.exchange)

    def _settle(self, transfer: _ActiveTransfer, ended: EndedTransfer) -> None:
        outcome = transfer.exchange.result(ended.code, ended.message)
        if isinstance(outcome, Target):
            transfer.walk.redirect(outcome)
            self.submit(transfer.walk)
        else:
            transfer.walk.succeed(replace(outcome, hold=self._budget.hand_over(transfer.exchange)))

    def _heed(self, authority: str, failure: ItemFailure | None) -> None:
        """Learn from an end: leave a host alone that asked for it or does not answer, go back to one that does."""
        changed = self._breakers.ended(authority, failure)
        if failure is not None and failure.retry_after:
            self._pauses.pause(authority, failure.retry_after)
            changed = True
        if changed:
            self._look_again(authority)

    def _look_again(self, authority: str) -> None:
        """Give back those who would not wait for the host as it stands now, and let the others go."""
        refused = self._lineup.take_out(authority, self._refusal)
        self._lineup.wake(authority)
        for walk, refusal in refused:
            walk.fail(refusal)

    def _refusal(self, walk: Transfer) -> ItemFailure | None:
        authority = walk.target.authority
        left = self._pauses.remaining(authority)
        return _left_alone(left) if left > walk.patience else self._breakers.refusal(authority)

    def _pause(self, authority: str) -> float:
        return max(self._pauses.remaining(authority), self._breakers.remaining(authority))

    def _resume(self) -> None:
        """Let those go on that waited for memory, now that some may have been given back."""
        woken = set(self._budget.woken())
        if not woken:
            return
        for curl, transfer in list(self._active.items()):
            if transfer.exchange in woken and curl in self._active:
                self._unpause(transfer)

    def _unpause(self, transfer: _ActiveTransfer) -> None:
        try:
            transfer.handle.curl.pause(pycurl.PAUSE_CONT)
        except pycurl.error as error:
            # The piece that had waited was one too many, and curl will not report it a second time.
            self._end(EndedTransfer(transfer.handle.curl, *error.args[:2]))
            self._resume()


def closed() -> ItemFailure:
    """The failure of what had not ended when the fetcher was closed: transient, so it is done elsewhere or later."""
    return ItemFailure(FailureReason.CONNECTION_FAILED, "the fetcher was closed")


def _left_alone(seconds: float) -> ItemFailure:
    return ItemFailure(
        FailureReason.RATE_LIMITED,
        f"the host asked to be left alone for another {seconds:.0f} s",
        retry_after=seconds,
    )
