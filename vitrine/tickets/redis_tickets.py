"""The ticket store in Redis: every change is one Lua script, so a crash cannot leave half a change."""

from __future__ import annotations

import math
import time
from collections.abc import Collection
from importlib import resources
from typing import Any

from redis import Redis
from redis.commands.core import Script

from vitrine.core.errors import QueueFull
from vitrine.core.redis_client import as_bytes, connect_redis, redis_errors
from vitrine.core.settings import MEBIBYTE
from vitrine.tickets.base import Claim, NewTicket, Ticket, TicketCounts, TicketState

PREFIX = "vitrine:{tickets}:"
LIMIT_BYTES = 128 * MEBIBYTE
"""Limit for all tickets in Redis, inputs and outputs; 10,000 requests of ten URLs take a tenth of it."""
OVERHEAD_BYTES = 1024
"""Memory per ticket besides its input and output: about 700 bytes, measured with MEMORY USAGE, plus its index entries."""
FULL_SECONDS = 5.0
"""Seconds until a client should retry: some tickets have finished by then."""
_BLOCK_SECONDS = 5.0
"""Limit for one blocking command, below the socket's timeout."""
_SHOWN = ("model", "state", "opened", "begun", "ended", "output", "error")


class RedisTicketStore:
    """The ticket store that all API processes share."""

    def __init__(self, redis: Redis, *, limit: int = LIMIT_BYTES, prefix: str = PREFIX) -> None:
        self._redis = redis
        self._limit = limit
        self._prefix = prefix
        self._scripts: dict[str, Script] = {}

    @classmethod
    def connect(cls, url: str) -> RedisTicketStore:
        """Return the store at this URL without sending anything yet. Raises `BadInput` for an invalid Redis URL."""
        return cls(connect_redis(url))

    def open(self, ticket: NewTicket) -> None:
        made = self._run(
            "open", ticket.id, ticket.model, ticket.input, _ms(ticket.run_seconds),
            _ms(ticket.ttl), _ms(ticket.keep_seconds), int(ticket.low), self._limit,
            OVERHEAD_BYTES,
        )  # fmt: skip
        if not made:
            raise QueueFull(
                f"The waiting requests take {self._limit // MEBIBYTE} MiB already.",
                retry_after=FULL_SECONDS,
                hint="Try again when some have finished, or cancel some.",
            )

    def get(self, model: str, ticket: str) -> Ticket | None:
        with redis_errors():
            values = self._redis.hmget(f"{self._prefix}ticket:{ticket}", list(_SHOWN))
        told = dict(zip(_SHOWN, values, strict=True))
        if _text(told["model"]) != model:
            return None
        return Ticket(
            id=ticket,
            model=model,
            state=TicketState(_text(told["state"])),
            opened=_seconds(told["opened"]) or 0.0,
            begun=_seconds(told["begun"]),
            ended=_seconds(told["ended"]),
            output=None if told["output"] is None else as_bytes(told["output"]),
            error=None if told["error"] is None else _text(told["error"]),
        )

    def wait(self, ticket: str, seconds: float) -> bool:
        return self._pop(f"done:{ticket}", seconds)

    def wait_for_work(self, seconds: float) -> None:
        self._pop("wake", seconds)

    def wake(self) -> None:
        with redis_errors():
            self._redis.lpush(f"{self._prefix}wake", 1)

    def _pop(self, name: str, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        with redis_errors():
            while (left := deadline - time.monotonic()) > 0:
                if self._redis.blpop([self._prefix + name], timeout=min(left, _BLOCK_SECONDS)):
                    return True
        return False

    def claim(self, models: Collection[str], *, seconds: float) -> Claim | None:
        found = self._run("claim", _ms(seconds), *models) if models else None
        if not found:
            return None
        ticket, model, token, given, run, attempts = found
        return Claim(
            _text(ticket), _text(model), int(token), as_bytes(given), int(run) / 1000, int(attempts)
        )

    def renew(self, claim: Claim, *, seconds: float) -> bool:
        return bool(self._run("renew", claim.id, claim.model, claim.token, _ms(seconds)))

    def finish(self, claim: Claim, state: TicketState, result: bytes) -> bool:
        return bool(
            self._run(
                "finish", claim.id, claim.model, claim.token, state.value, result, self._limit,
                OVERHEAD_BYTES,
            )
        )  # fmt: skip

    def give_back(self, claim: Claim) -> None:
        self._run("give_back", claim.id, claim.model, claim.token)

    def cancel(self, model: str, ticket: str) -> TicketState | None:
        return _state(self._run("cancel", ticket, model))

    def retry(self, model: str, ticket: str) -> TicketState | None:
        return _state(self._run("retry", ticket, model))

    def purge(self, model: str) -> int:
        return int(self._run("purge", model))

    def counts(self, model: str) -> TicketCounts:
        with redis_errors(), self._redis.pipeline(transaction=True) as pipe:
            pipe.zcard(f"{self._prefix}waiting:{model}")
            pipe.zcard(f"{self._prefix}running:{model}")
            pipe.hmget(f"{self._prefix}counts:{model}", ["completed", "failed", "retried"])
            waiting, running, ended = pipe.execute()
        completed, failed, retried = (int(value or 0) for value in ended)
        return TicketCounts(int(waiting), int(running), completed, failed, retried)

    def close(self) -> None:
        self._redis.close()

    def _run(self, name: str, *args: bytes | str | float) -> Any:
        script = self._scripts.get(name)
        if script is None:
            script = self._scripts[name] = self._redis.register_script(_read(name))
        with redis_errors():
            return script(keys=[self._prefix], args=list(args))


def _read(name: str) -> str:
    folder = resources.files("vitrine.tickets") / "lua"
    return "\n".join((folder / f"{part}.lua").read_text("utf-8") for part in ("prelude", name))


def _ms(seconds: float) -> int:
    return math.ceil(seconds * 1000)


def _seconds(ms: bytes | str | None) -> float | None:
    return None if ms is None else int(ms) / 1000


def _text(value: bytes | str | None) -> str:
    return "" if value is None else as_bytes(value).decode()


def _state(value: bytes | None) -> TicketState | None:
    return None if value is None else TicketState(_text(value))
