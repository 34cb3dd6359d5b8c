"""Open the store that the settings name. Each engine is imported only if it is used."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from vitrine.core.errors import BadInput
from vitrine.core.settings import Settings
from vitrine.core.store_options import StoreOptions
from vitrine.store.base import VectorStore

StoreKind: TypeAlias = Literal["qdrant", "remote", "embedded"]

_HINT = (
    "VITRINE_QDRANT_URL is http(s)://host[:port] for a Qdrant server, edge+http://host:port for "
    "vitrine's own store process, or edge:///absolute/path for a store inside this process."
)


def open_store(settings: Settings) -> VectorStore:
    """Open the store that `settings.qdrant_url` names.

    Raises `BadInput` for an unknown form of URL. The message omits the URL, which may contain a password.
    """
    url = settings.qdrant_url.get_secret_value()
    match check_url(settings):
        case "qdrant":
            return _qdrant(url, settings)
        case "remote":
            return _remote(url.removeprefix("edge+"), settings)
        case "embedded":
            return _embedded(Path(urlsplit(url).path), settings)


def check_url(settings: Settings) -> StoreKind:
    """Return the kind of store that `settings.qdrant_url` names. Raises `BadInput` for an unknown form."""
    try:
        parts = urlsplit(settings.qdrant_url.get_secret_value())
        host, _ = parts.hostname, parts.port
    except ValueError:  # its message repeats part of the URL, possibly part of a password
        raise BadInput("The store's URL cannot be read.", hint=_HINT) from None
    if parts.scheme in ("http", "https") and host:
        return "qdrant"
    if parts.scheme in ("edge+http", "edge+https") and host:
        return "remote"
    if parts.scheme == "edge" and not host and parts.path.startswith("/"):
        return "embedded"
    raise BadInput("The store's URL has an unknown form.", hint=_HINT)


def _qdrant(url: str, settings: Settings) -> VectorStore:
    from vitrine.store.qdrant.store import QdrantServerStore  # noqa: PLC0415  only where used

    key = settings.qdrant_api_key
    return QdrantServerStore(
        url,
        api_key=key.get_secret_value() if key else None,
        options=StoreOptions.from_settings(settings),
    )


def _remote(url: str, settings: Settings) -> VectorStore:
    from vitrine.store.remote.store import RemoteStore  # noqa: PLC0415  only where used

    if settings.store_token is None:
        raise BadInput("The store process requires a token.", hint="Set VITRINE_STORE_TOKEN.")
    return RemoteStore(url, settings.store_token.get_secret_value())


def _embedded(path: Path, settings: Settings) -> VectorStore:
    try:
        from vitrine.store.embedded.store import EmbeddedStore  # noqa: PLC0415  only where used
    except ImportError as error:
        raise BadInput(
            "The embedded store is not installed.", hint="Install vitrine[standalone]."
        ) from error
    return EmbeddedStore(path, options=StoreOptions.from_settings(settings))
