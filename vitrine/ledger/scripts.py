"""A job's keys, and the Lua scripts that change them: each step of a chunk is one atomic script."""

from __future__ import annotations

from importlib import resources
from typing import Any

from redis import Redis
from redis.commands.core import Script

from vitrine.core.redis_client import redis_errors

KEY_NAMES = (
    "job", "embedded", "failed", "cancelled", "failures", "problems", "queued", "leased", "due",
    "tokens", "attempts", "suspect", "strikes", "marks",
)  # fmt: skip
"""In the order in which `lua/prelude.lua` names them."""


def job_key(job: str, name: str) -> str:
    """Return one key of a job; the braces are its hash tag, which keeps the job in one cluster slot."""
    return f"vitrine:{{{job}}}:{name}"


def job_keys(job: str, *numbers: int) -> list[str]:
    """Return every key of a job, and the blob keys of the given chunks."""
    names = (*KEY_NAMES, *(f"chunk:{number}" for number in numbers))
    return [job_key(job, name) for name in names]


class Scripts:
    """The Lua scripts, each loaded once and called by hash."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._loaded: dict[str, Script] = {}

    def run(self, name: str, keys: list[str], *args: bytes | str | float) -> Any:
        """Run `lua/{name}.lua`; raises `LedgerUnavailable`."""
        script = self._loaded.get(name)
        if script is None:
            script = self._loaded[name] = self._redis.register_script(_read(name))
        with redis_errors():
            return script(keys=keys, args=list(args))


def _read(name: str) -> str:
    folder = resources.files("vitrine.ledger") / "lua"
    return "\n".join((folder / f"{part}.lua").read_text("utf-8") for part in ("prelude", name))
