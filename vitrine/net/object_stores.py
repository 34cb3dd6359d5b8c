"""Object stores (s3, gs, az) through obstore: which object a URL names, the stores by bucket, and what their errors mean.

A URL names a bucket, never a host: where requests go is the operator's configuration. Credentials come from the environment, as obstore's
users know it (AWS_*, GOOGLE_*, AZURE_*), from the profile that AWS_PROFILE names, or from the bucket's table in the hosts file. What
obstore says of an error is never repeated: it can contain signed URLs.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from vitrine.core.errors import BadInput
from vitrine.core.types import FailureReason, ItemFailure
from vitrine.net.aws_profile import profile_options
from vitrine.net.host_settings import Hosts
from vitrine.net.store_errors import translated
from vitrine.net.url import MAX_URL, bad_url

if TYPE_CHECKING:
    from typing_extensions import Buffer

PIECE = 8 * 1024 * 1024
"""Bytes of a catalog that one request asks for: a break repeats no more than this."""
RETRY_SECONDS = 10

_URL = re.compile(
    r"(s3|gs|az)://([A-Za-z0-9$][A-Za-z0-9._-]{0,221})/([^\x00-\x1f\x7f]+)", re.IGNORECASE
)
_CLASSES = {"s3": "S3Store", "gs": "GCSStore", "az": "AzureStore"}


@dataclass(frozen=True, slots=True)
class ObjectName:
    """What a URL names."""

    scheme: str
    bucket: str
    key: str


def object_name(url: str) -> ObjectName:
    """Return what a store's URL names; raises `ItemFailure(BAD_URL)`.

    `?` and `#` belong to the key. Percent escapes are decoded, so a percent sign is written as %25.
    """
    found = _URL.fullmatch(url)
    if found is None or len(url) > MAX_URL or ".." in found[2]:
        raise bad_url("expected scheme://bucket/key")
    key = unquote(found[3], errors="strict") if _decodes(found[3]) else found[3]
    if any(part in ("", ".", "..") for part in key.split("/")) or not key.isprintable():
        raise bad_url("a key with an empty part, . or .., or a control character")
    return ObjectName(found[1].lower(), found[2], key)


class ObjectStores:
    """The stores by bucket, made when first used. Thread-safe."""

    def __init__(
        self,
        hosts: Hosts,
        environment: Mapping[str, str],
        *,
        connect_timeout: float,
        timeout: float,
    ) -> None:
        self._hosts = hosts
        self._environment = environment
        self._connect_timeout = timedelta(seconds=connect_timeout)
        self._timeout = timedelta(seconds=timeout)
        self._made: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def get(self, name: ObjectName, options: Mapping[str, object] | None = None) -> Any:
        """Ask for an object and return obstore's `GetResult`; raises `ItemFailure`, and `BadInput` if obstore is missing."""
        store = self._store(name)
        import obstore  # noqa: PLC0415

        try:
            return obstore.get(store, name.key, options=dict(options or {}))  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001 - its own errors and builtin ones
            raise translated(error) from None

    def _store(self, name: ObjectName) -> Any:
        place = (name.scheme, name.bucket)
        with self._lock:
            if place not in self._made:
                self._made[place] = self._make(name)
            return self._made[place]

    def _make(self, name: ObjectName) -> Any:
        try:
            from obstore import store as stores  # noqa: PLC0415
        except ModuleNotFoundError:
            raise BadInput(
                f"{name.scheme}:// URLs need obstore, which is not installed.",
                hint="Install vitrine with its extra `remote`.",
            ) from None
        table = f"{name.scheme}://{name.bucket}"
        config = self._config(name.scheme, self._hosts.stores.get(table, {}))
        client: dict[str, Any] = {
            "connect_timeout": self._connect_timeout,
            "timeout": self._timeout,
            "allow_http": config.pop("allow_http", "false") == "true"
            or self._endpoint(name.scheme, config).startswith("http://"),
        }
        retry: Any = {"max_retries": 3, "retry_timeout": timedelta(seconds=RETRY_SECONDS)}
        try:
            made = getattr(stores, _CLASSES[name.scheme])
            return made(name.bucket, config=config, client_options=client, retry_config=retry)
        except Exception as error:  # noqa: BLE001 - its own errors and builtin ones
            raise _unusable(table, error) from None

    def _config(self, scheme: str, given: Mapping[str, str]) -> dict[str, str]:
        config = dict(given)
        profile = config.pop("profile", None)
        if scheme == "s3":
            config = profile_options(profile, self._environment) | config
        return config

    def _endpoint(self, scheme: str, config: Mapping[str, str]) -> str:
        """Return the endpoint that somebody chose; plain HTTP is for one that they wrote so themselves."""
        if scheme == "s3":
            names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
            chosen = next(filter(None, map(self._environment.get, names)), "")
            return config.get("endpoint", config.get("aws_endpoint", chosen))
        return config.get("endpoint", config.get("base_url", ""))


class ObjectDownload(io.RawIOBase):
    """A catalog in a store, read piece by piece; each piece must be of the version that the first one was of."""

    def __init__(self, stores: ObjectStores, name: ObjectName, *, max_bytes: int) -> None:
        """Ask for its size and the first piece; raises `ItemFailure`."""
        self._stores = stores
        self._name = name
        # Not HEAD, whose answer has no body that names a missing bucket; this body is dropped unread.
        meta = stores.get(name).meta
        self.size = int(meta["size"])
        self.version: str | None = meta["e_tag"]
        if self.size > max_bytes:
            raise ItemFailure(FailureReason.TOO_LARGE, f"more than {max_bytes:,} bytes")
        self._piece = memoryview(b"")
        self._asked = 0
        # A range of an empty object is an error in every store.
        if self.size:
            self._next_piece()

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Read some bytes into a buffer, none at the end; raises `OSError` that says why and where."""
        if not self._piece and self._asked < self.size:
            try:
                self._next_piece()
            except ItemFailure as failure:
                raise OSError(f"{failure.detail}, after {self._asked:,} bytes") from None
        target = memoryview(buffer).cast("B")
        data, self._piece = self._piece[: len(target)], self._piece[len(target) :]
        target[: len(data)] = data
        return len(data)

    def _next_piece(self) -> None:
        options: dict[str, object] = {"range": (self._asked, min(self._asked + PIECE, self.size))}
        if self.version:
            options["if_match"] = self.version
        found = content(self._stores.get(self._name, options))
        if not found:
            raise ItemFailure(FailureReason.CONNECTION_FAILED, "the store sent nothing more")
        self._piece = memoryview(found)
        self._asked += len(found)


def content(result: Any) -> bytes:
    """Return the bytes of a `GetResult`; raises `ItemFailure`."""
    try:
        return bytes(result.bytes())
    except Exception as error:  # noqa: BLE001 - its own errors and builtin ones
        raise translated(error) from None


def _unusable(table: str, error: Exception) -> ItemFailure:
    unknown = re.search(r"key: '([a-z0-9_]{1,60})' is not valid", str(error))
    if unknown:
        detail = f'["{table}"] in the hosts file: unknown option {unknown[1]!r}'
        return ItemFailure(FailureReason.HTTP_ERROR, detail)
    failure = translated(error)
    if not failure.reason.transient:
        return failure
    return ItemFailure(FailureReason.HTTP_ERROR, "the store's options do not fit together")


def _decodes(text: str) -> bool:
    try:
        unquote(text, errors="strict")
    except UnicodeDecodeError:
        return False
    return True
