"""API keys: each is shown once, when it is created, and stored only as a digest with a name and scopes.

::

    VITRINE_API_KEYS=shop:read+submit:9f86d081…,operator:admin:60303ae2…

A digest found in the environment or in a backup of it cannot be used as a key. The digest is a plain
SHA-256: slow hashes protect passwords that people choose and others can guess, but 256 random bits cannot
be guessed at any speed, so a fast hash is just as safe and costs only microseconds per request.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from vitrine.core.errors import BadInput
from vitrine.core.loopback import is_loopback
from vitrine.core.settings import Settings

PREFIX = "vitrine_"
"""Prefix of every key, by which scanners of repositories and logs recognize one."""
KEY_BYTES = 32

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_HINT = "An entry is name:scope+scope:digest; `vitrine keys new NAME --scope read` prints one."


class Scope(StrEnum):
    """A permission that a key can have."""

    READ = "read"  #: View jobs, collections and workers, and search.
    SUBMIT = "submit"  #: Add work: submit catalogs, retry failures.
    ADMIN = "admin"  #: Everything, including cancel and delete.


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as the service stores it."""

    name: str
    scopes: frozenset[Scope]
    digest: str = field(repr=False)  #: SHA-256 of the key, hex.

    def allows(self, scope: Scope) -> bool:
        """Whether the key has the scope; admin includes all of them."""
        return scope in self.scopes or Scope.ADMIN in self.scopes

    @property
    def entry(self) -> str:
        """The key's entry in VITRINE_API_KEYS."""
        scopes = "+".join(scope for scope in Scope if scope in self.scopes)
        return f"{self.name}:{scopes}:{self.digest}"


class Keyring:
    """All keys of a service; falsy if there are none."""

    def __init__(self, keys: Iterable[ApiKey] = ()) -> None:
        self._keys = tuple(keys)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def find(self, presented: str) -> ApiKey | None:
        """Return the key with this text. Every digest is compared, each in constant time, even after a match."""
        digest = key_digest(presented)
        found = None
        for key in self._keys:
            if hmac.compare_digest(key.digest, digest):
                found = key
        return found


def key_digest(key: str) -> str:
    """Return the SHA-256 of a key, 64 hex digits."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def new_key(name: str, scopes: Iterable[Scope]) -> tuple[str, ApiKey]:
    """Return a key of 256 random bits and the record that the service keeps. Raises `BadInput` for an invalid name."""
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"A key cannot be called {name[:63]!r}.",
            hint="Use lowercase letters, digits, - . and _, at most 63, beginning with a letter or digit.",
        )
    key = PREFIX + secrets.token_hex(KEY_BYTES)
    return key, ApiKey(name, frozenset(scopes), key_digest(key))


def read_keyring(settings: Settings) -> Keyring:
    """Return the keys of VITRINE_API_KEYS and of the file that VITRINE_API_KEYS_FILE names.

    Raises `BadInput` naming the variable or file and the entry's position, never the entry itself.
    """
    keys: dict[str, ApiKey] = {}
    for at, text in _entries(settings):
        key = _parsed(text, at)
        if key.name in keys:
            raise BadInput(f"{at} has a name that an earlier key has.", hint="Name each key once.")
        keys[key.name] = key
    return Keyring(keys.values())


def require_keys_unless_loopback(host: str, keyring: Keyring) -> None:
    """Raise `BadInput` if a service without keys would be reachable from other machines."""
    if keyring or is_loopback(host):
        return
    raise BadInput(
        f"The API would be open to everyone at {host}: it needs keys to listen beyond this machine.",
        hint="Make one with `vitrine keys new NAME --scope read` and put its entry into VITRINE_API_KEYS, "
        "or listen at 127.0.0.1.",
    )


def _entries(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield a description of the position of each non-blank entry, and the entry."""
    given = settings.api_keys.get_secret_value().split(",")
    for number, text in enumerate(given, 1):
        if text.strip():
            yield f"VITRINE_API_KEYS, entry {number}", text.strip()
    if settings.api_keys_file is not None:
        for number, line in enumerate(_lines(settings.api_keys_file), 1):
            if line.strip() and not line.startswith("#"):
                yield f"{settings.api_keys_file}, line {number},", line.strip()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise BadInput(f"VITRINE_API_KEYS_FILE: {path} cannot be read: {reason}.") from None


def _parsed(text: str, at: str) -> ApiKey:
    if PREFIX in text:
        raise BadInput(f"{at} contains a key; put its digest there instead.", hint=_HINT)
    name, _, rest = text.partition(":")
    scopes, _, digest = rest.partition(":")
    if not _NAME.fullmatch(name) or not _DIGEST.fullmatch(digest):
        raise BadInput(f"{at} is not a valid key.", hint=_HINT)
    unknown = set(scopes.split("+")) - set(Scope)
    if unknown:
        raise BadInput(f"{at} has a scope that is not one of {', '.join(Scope)}.", hint=_HINT)
    return ApiKey(name, frozenset(Scope(scope) for scope in scopes.split("+")), digest)
