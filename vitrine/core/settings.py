"""Every setting, its default and its effect; read once, by a composition root (`vitrine.core.load_settings`).

Precedence, highest first: a command's option, the environment (`VITRINE_…`), the configuration file (`vitrine.core.config_file`),
the standalone service running on the data directory, the default here. Secrets are `SecretStr`, so that `repr` hides them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from vitrine.core.schemes import is_http_url_without_credentials, is_web_address, place_of
from vitrine.core.store_options import DEFAULTS

MEBIBYTE = 1024 * 1024
MIN_LONGEST_SIDE = 1024
"""Pixels; a lower cap would change the input of a 512 x 512 model."""
EMBEDDING_CACHE_BYTES = 4_000_000_000
"""Enough for a catalog of a million pictures. A catalog that fits is found completely on the next run, a larger one not at
all."""
LOCAL_REDIS = "redis://127.0.0.1:6379/0"


def default_data_dir() -> Path:
    """Return the platform's data directory for this user; it is not created."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "vitrine"
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "vitrine"


class Settings(BaseSettings):
    """The settings of every process; each process uses its part."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_", extra="ignore", frozen=True)

    # Locations.
    data_dir: Path = Field(default_factory=default_data_dir)
    """Folder for everything that vitrine keeps on this machine: the standalone service, caches, the journal of submitted
    jobs."""
    redis_url: SecretStr = SecretStr(LOCAL_REDIS)
    """The Redis server that holds the ledger and the queue; `rediss://` for TLS. May contain a password."""
    qdrant_url: SecretStr = SecretStr("http://127.0.0.1:6333")
    """The vector store: `http(s)://host` for a Qdrant server, `edge+http://host` for vitrine's own store process,
    `edge:///path` for a store inside the process."""
    qdrant_api_key: SecretStr | None = None
    """The Qdrant server's API key."""
    store_token: SecretStr | None = None
    """Token that vitrine's own store process requires from its clients (`edge+http://`)."""
    api_url: str = "http://127.0.0.1:8080"
    """Address of the API, for commands that search."""

    # The model.
    model: str = "builtin"
    """The model that a worker runs and that new collections use: `builtin`, a name from `vitrine models`, a hub id, or a
    directory."""
    device: str = "auto"
    """The device that runs the model: `auto`, `cpu`, `cuda` or `cuda:N`. `auto` takes the first GPU, else the CPU."""
    batch_size: int = Field(default=0, ge=0, le=4096)
    """Pictures per batch on the device. 0: the worker measures the best size when it starts, and remembers it."""
    compile: Literal["auto", "off", "on"] = "auto"
    """Whether the model is compiled when the worker starts, which takes minutes. `auto`: only on a GPU, where it pays
    off; `on`: on a CPU too, which needs a C++ compiler."""
    batch_wait_ms: float = Field(default=10.0, ge=0)
    """Milliseconds that an incomplete batch waits for more pictures. Longer means fuller batches and slower queries."""

    # The queue and the ledger.
    lease_seconds: float = Field(default=30.0, gt=0)
    """A dead worker's chunks are given to another worker after this many seconds. Shorter recovers sooner but renews more
    often."""
    sweep_seconds: float = Field(default=5.0, gt=0)
    """Seconds between two scans for lost chunks. Shorter recovers sooner but queries Redis more often."""
    max_pending_images: int = Field(default=1_000_000, ge=1)
    """Above this many unprocessed pictures, submits wait (over HTTP: 429). Each takes about 72 bytes of Redis."""
    job_ttl_days: float = Field(default=14.0, gt=0)
    """Finished jobs and their failures are deleted after this many days. The vectors stay."""
    index_points: int = Field(default=DEFAULTS.index_points, ge=1)
    """A collection with this many pending pictures is a bulk load: its index is built after the load, and its job waits
    for that. Smaller jobs neither defer the index nor wait."""
    index_deferred: bool = DEFAULTS.index_deferred
    """Whether a bulk load defers the index. Turn it off if the store has dedicated cores that would be idle during the
    load."""
    index_timeout: float = Field(default=DEFAULTS.index_timeout, gt=0)
    """Seconds that a job waits for an index that makes no progress; then it finishes without it and logs a warning."""
    store_timeout: int = Field(default=DEFAULTS.store_timeout, ge=1)
    """Seconds for one request to a Qdrant server. Longer tolerates a busy server; shorter notices a hung one earlier."""
    device_timeout: float = Field(default=60.0, gt=0)
    """A worker whose batch takes longer than this many seconds exits and is restarted. Must exceed the longest batch:
    about 30 s for the largest model on a CPU."""
    ingest_threads: int = Field(default=12, ge=1, le=64)
    """Chunks that one worker processes in parallel. A chunk occupies its thread until its slowest picture is done, so
    several are needed to fill batches; with more, more work is repeated after a crash."""
    query_threads: int = Field(default=64, ge=1, le=256)
    """Query pictures and texts that one worker processes in parallel."""

    # Fetching.
    fetch_timeout: float = Field(default=10.0, gt=0)
    """Seconds for one picture, from the name look-up to the last byte, redirects included."""
    fetch_connect_timeout: float = Field(default=5.0, gt=0)
    """Seconds to connect to a host."""
    fetch_max_bytes: int = Field(default=20 * MEBIBYTE, ge=1)
    """Larger pictures fail as `too_large`."""
    fetch_max_redirects: int = Field(default=3, ge=0)
    """More redirects fail as `too_many_redirects`. Each target is checked like the first URL."""
    fetch_concurrency: int = Field(default=128, ge=1)
    """Pictures that one worker fetches in parallel, at most half of them from one host."""
    fetch_memory_bytes: int = Field(default=256 * MEBIBYTE, ge=1)
    """Memory for pictures from the first byte received until they are decoded; above it, no new fetch starts."""
    fetch_attempts: int = Field(default=3, ge=1)
    """Attempts per picture within a chunk before it is deferred."""
    fetch_deferrals: int = Field(default=3, ge=0)
    """How often a picture with a temporary error is deferred before it counts as failed."""
    fetch_allow: Annotated[tuple[str, ...], NoDecode] = ()
    """Hosts (`host` or `host:port`) and networks (CIDR) that workers may fetch from although their addresses are not
    public."""
    fetch_files: bool = False
    """Whether workers may read picture files: those below the folder of a catalog that the command line submits, and those of uploaded zips,
    which the API then accepts. On in standalone."""
    hosts_file: Path | None = None
    """TOML file with headers, cookies, credentials, proxy and CA file for each host, and options for object stores and SFTP
    hosts. Read when a worker or a submit starts."""
    feed_auth: SecretStr | None = None
    """`user:password` for the server of a catalog that `vitrine submit` reads over HTTP; sent to no host that it redirects
    to."""
    feed_timeout: float = Field(default=60.0, gt=0)
    """Seconds that the server of a catalog may be silent before its connection counts as broken and is opened again."""
    feed_max_bytes: int = Field(default=65536 * MEBIBYTE, ge=1)
    """A catalog read from a URL ends with an error above this size (as sent, so packed if it is)."""

    # Decoding.
    max_pixels: int = Field(default=50_000_000, ge=1)
    """Pictures with more pixels fail as `too_many_pixels` before they are decoded."""
    decode_threads: int = Field(default=0, ge=0)
    """Pictures decoded in parallel; 0: one per core."""
    preprocess: Literal["fast", "reference"] = "fast"
    """`fast`: libjpeg-turbo and torch. `reference`: Pillow and the model's own processor, with two to three times the CPU
    time for large JPEGs. Their vectors agree to a cosine of 0.9999."""
    grey: bool = False
    """Embed pictures in greyscale. A collection holds either grey or coloured pictures."""
    longest_side: int = Field(default=0, ge=0)
    """Pixels, at least 1024, to which a picture's longest side is first scaled down; 0: off. Use it to match the vectors
    of a service that does this; it saves no memory here."""
    jpeg_scaling: bool = False
    """Decode large JPEGs at a half, quarter or eighth of their size. Faster; vectors agree to a cosine of about 0.999 and
    are kept in a separate space."""
    decode_memory_bytes: int = Field(default=2048 * MEBIBYTE, ge=1)
    """Memory for full-size pictures during decoding, half for those above 16 megapixels and half for those below. Too
    little leaves cores idle: 50 megapixels take 200 MB as JPEG, 1 GB as WebP."""

    # The cache of vectors.
    embedding_cache_bytes: int = Field(default=EMBEDDING_CACHE_BYTES, ge=0)
    """Bytes of disk for the vectors of pictures already seen, which are then not decoded or embedded again; 0: off. A
    vector of 768 numbers takes about 3.5 KB; the oldest are dropped first."""

    # The API.
    api_host: str = "127.0.0.1"
    """Address that the API listens on. Any address other than loopback needs API keys."""
    api_port: int = Field(default=8080, ge=0, le=65535)
    """Port that the API listens on; 0 takes a free one."""
    query_timeout: float = Field(default=20.0, gt=0)
    """Seconds that a search waits for a worker; then it fails with 503."""
    max_upload_bytes: int = Field(default=256 * MEBIBYTE, ge=1)
    """Larger uploads are refused with 413."""
    api_keys: SecretStr = SecretStr("")
    """Entries from `vitrine keys new`, comma-separated. Without any, the API serves only loopback."""
    api_keys_file: Path | None = None
    """File with more entries, one per line, read when the API starts."""
    api_key: SecretStr | None = None
    """The key that commands send to the API."""
    api_rate: float = Field(default=100.0, gt=0)
    """Requests per second per key and API process; more are refused with 429 once the burst is used up."""
    api_burst: int = Field(default=200, ge=1)
    """Requests that a key can save up while it stays below the rate."""
    request_places: Annotated[tuple[str, ...], NoDecode] = ()
    """Buckets and SFTP hosts (`s3://bucket`, `sftp://host`) that requests over HTTP may read a catalog from and name pictures at. The
    service reads them with its own credentials. The command line may name any."""
    api_client_timeout: float = Field(default=20.0, gt=0)
    """Seconds a client has for the request head, plus one second per 64 KiB for the body. Slower clients are
    disconnected."""
    api_max_connections: int = Field(default=512, ge=1)
    """Maximum number of open connections; further ones get 503 immediately."""
    api_trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    """Addresses of proxies whose X-Forwarded-For is trusted for the audit log."""
    model_aliases: Annotated[dict[str, str], NoDecode] = Field(default_factory=dict)
    """Names that clients of other systems use for a model: `siglip=google/siglip-so400m-patch14-384`."""
    flower_url: str | None = None
    """Link to Flower, shown on the System page."""
    grafana_url: str | None = None
    """Link to Grafana, shown on the System page."""
    audit_log: Path | None = None
    """File for the API's audit log of who changed what; default: standard error."""

    # Metrics, traces and logs.
    metrics_host: str = "127.0.0.1"
    """Address on which a worker serves Prometheus metrics. They need no key, so keep it off public networks."""
    metrics_port: Annotated[int, Field(ge=0, le=65535)] | None = 0
    """Port for these metrics; 0: a free one, listed at /v1/metrics/targets; blank: off. Several workers under one command
    use this port and those after it."""
    traces_url: str | None = None
    """OpenTelemetry collector (OTLP over HTTP), such as http://127.0.0.1:4318/v1/traces; default: no traces."""
    traces_sample_ratio: float = Field(default=1.0, ge=0, le=1)
    """Share of chunks that are traced; every process traces the same chunks."""
    log_level: str = "INFO"
    """`DEBUG`, `INFO`, `WARNING` or `ERROR`."""
    log_format: Literal["auto", "json", "human"] = "auto"
    """`auto`: text on a terminal, else one JSON object per line."""

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        # Each process of the service may have a different working directory.
        return value.expanduser().absolute()

    @field_validator(
        "api_keys_file",
        "audit_log",
        "api_key",
        "feed_auth",
        "flower_url",
        "grafana_url",
        "hosts_file",
        "metrics_port",
        "traces_url",
        mode="before",
    )
    @classmethod
    def _blank_is_none(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("flower_url", "grafana_url", "traces_url")
    @classmethod
    def _link(cls, value: str | None) -> str | None:
        # The page shows the links to every visitor, and errors contain the traces address.
        if value is not None and not is_http_url_without_credentials(value):
            raise ValueError("expected http(s)://host, without a user name or password")
        return value

    @field_validator("request_places")
    @classmethod
    def _named_places(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for place in value:
            if place_of(place) != place or is_web_address(place):
                raise ValueError("expected s3://bucket, gs://bucket, az://container or sftp://host")
        return value

    @field_validator("feed_auth")
    @classmethod
    def _user_and_password(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().partition(":")[0]:
            raise ValueError("expected user:password")
        return value

    @field_validator("jpeg_scaling")
    @classmethod
    def _scaled_the_fast_way(cls, value: bool, others: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic calls it
        if value and others.data.get("preprocess") == "reference":
            raise ValueError("VITRINE_PREPROCESS=reference always decodes in full; set it to fast")
        return value

    @field_validator("model_aliases", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        if any(not alias.strip() or not model.strip() for alias, _, model in pairs):
            raise ValueError("give name=model pairs with commas between them")
        return {alias.strip(): model.strip() for alias, _, model in pairs}

    @field_validator("longest_side")
    @classmethod
    def _larger_than_models_see(cls, value: int) -> int:
        if 0 < value < MIN_LONGEST_SIDE:
            raise ValueError(f"0, or at least {MIN_LONGEST_SIDE}: a model may use up to half of it")
        return value

    @field_validator("fetch_allow", "api_trusted_proxies", "request_places", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value
