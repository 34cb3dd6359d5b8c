"""Every setting, its default and its consequence; read once, by a composition root.

Precedence, highest first: a command's option, the environment (`VITRINE_…`), the standalone service
running on the data directory, the default here. Secrets are `SecretStr`, so that no `repr` shows one.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from vitrine.core.errors import BadInput
from vitrine.core.store_options import DEFAULTS

log = logging.getLogger(__name__)

MEBIBYTE = 1024 * 1024
MIN_LONGEST_SIDE = 1024
"""Pixels: a cap below it would change what a model of 512 x 512 sees."""
EMBEDDING_CACHE_BYTES = 4_000_000_000
"""A catalog of a million pictures: one of fewer than this holds is found whole the next time, one of more not at all."""
LOCAL_REDIS = "redis://127.0.0.1:6379/0"


def default_data_dir() -> Path:
    """The user's data directory, as the platform has it; it is not made here."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "vitrine"
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "vitrine"


def is_http_url_without_credentials(text: str) -> bool:
    """Whether it is an http(s) URL with a host and without credentials."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return (
        parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and parts.username is None
        and parts.password is None
    )


class Settings(BaseSettings):
    """The settings of every process; each process uses its part."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_", extra="ignore", frozen=True)

    # Where things are.
    data_dir: Path = Field(default_factory=default_data_dir)
    redis_url: SecretStr = SecretStr(LOCAL_REDIS)
    qdrant_url: SecretStr = SecretStr("http://127.0.0.1:6333")
    """`http(s)://host` for a Qdrant server, `edge+http://host` for vitrine's own store process."""
    qdrant_api_key: SecretStr | None = None
    store_token: SecretStr | None = None
    """What vitrine's own store process asks of its clients (`edge+http://`)."""
    api_url: str = "http://127.0.0.1:8080"
    """Where commands that search find the API."""

    # The model.
    model: str = "builtin"
    device: str = "auto"
    batch_size: int = Field(default=0, ge=0, le=4096)
    """Pictures that the device takes at once. 0: found when the worker starts, and remembered in the data directory."""
    compile: Literal["auto", "off", "on"] = "auto"
    """Whether the model is compiled when the worker starts, which takes minutes: `auto` where there is a GPU and it pays,
    `on` also for a CPU, which needs a C++ compiler."""
    batch_wait_ms: float = Field(default=10.0, ge=0)
    """How long an incomplete batch waits for company; longer means fuller batches and slower queries."""

    # The queue and the ledger.
    lease_seconds: float = Field(default=30.0, gt=0)
    """A dead worker's chunks move on after this; shorter means more renewals."""
    sweep_seconds: float = Field(default=5.0, gt=0)
    max_pending_images: int = Field(default=1_000_000, ge=1)
    """Submitting waits (or is refused with 429 over HTTP) while this many pictures have no outcome."""
    job_ttl_days: float = Field(default=14.0, gt=0)
    """A finished job and its failures are forgotten after this; the points stay."""
    index_points: int = Field(default=DEFAULTS.index_points, ge=1)
    """Vectors that make an index worth building. While so many pictures wait for a collection, its index is deferred; a job
    that embedded so many is finished once the index is built. Smaller jobs neither defer it nor wait."""
    index_deferred: bool = DEFAULTS.index_deferred
    """Whether a bulk load defers the index. The same work is done either way: off, it goes on during the load, which pays
    where the store has cores of its own that would be idle then."""
    index_timeout: float = Field(default=DEFAULTS.index_timeout, gt=0)
    """Seconds for which a job waits for an index that makes no progress; then it is finished without, and says so in the log."""
    store_timeout: int = Field(default=DEFAULTS.store_timeout, ge=1)
    """Seconds for one request to a Qdrant server. Longer rides out a busy server; shorter notices one that hangs earlier."""
    device_timeout: float = Field(default=60.0, gt=0)
    """A worker whose batch takes longer ends itself, to be started again. A full batch of the largest model on a CPU takes
    about half of that."""
    ingest_threads: int = Field(default=12, ge=1, le=64)
    """Chunks in work at once in one worker. A chunk keeps its place until its slowest picture is through: there have to be
    enough of them, small ones too, to fill a batch while the device has another. More repeat more work after a crash."""
    query_threads: int = Field(default=64, ge=1, le=256)
    """Query pictures and texts in work at once in one worker."""

    # Fetching.
    fetch_timeout: float = Field(default=10.0, gt=0)
    """Seconds for one picture, from the name look-up to the last byte, redirects included."""
    fetch_connect_timeout: float = Field(default=5.0, gt=0)
    fetch_max_bytes: int = Field(default=20 * MEBIBYTE, ge=1)
    fetch_max_redirects: int = Field(default=3, ge=0)
    fetch_concurrency: int = Field(default=128, ge=1)
    """Pictures fetched at once by one worker, half of them from one host: at 30 ms each that is 2,000 a second from one."""
    fetch_memory_bytes: int = Field(default=256 * MEBIBYTE, ge=1)
    """What pictures may take from their first byte received to the end of their decoding; past it no fetch begins."""
    fetch_attempts: int = Field(default=3, ge=1)
    """Tries of one picture within one chunk before it is put off."""
    fetch_deferrals: int = Field(default=3, ge=0)
    """How often a picture with a transient error is put off until later before it counts as failed."""
    fetch_allow: Annotated[tuple[str, ...], NoDecode] = ()
    """Hosts (`host` or `host:port`) and networks (CIDR) that may be fetched although not public; comma-separated."""
    fetch_files: bool = False
    """Whether jobs from the command line may name files beneath their own folder. Standalone: yes."""

    # Decoding.
    max_pixels: int = Field(default=50_000_000, ge=1)
    decode_threads: int = Field(default=0, ge=0)
    """Pictures decoded at once; 0: one for each core."""
    preprocess: Literal["fast", "reference"] = "fast"
    """`reference`: every picture by Pillow and the model's own processor; slower, the same vectors to 0.9999."""
    grey: bool = False
    """Embed pictures without their colours, as one luma in all three channels; a collection has grey ones or coloured ones."""
    longest_side: int = Field(default=0, ge=0)
    """Pixels, at least 1024, to which a picture's longest side is scaled down before the model's own scaling; 0: it is left as
    it is. For vectors equal to those of a service that does so; it saves no memory here."""
    jpeg_scaling: bool = False
    """Decode large JPEGs at a half, a quarter or an eighth of their size, at least three times what the model takes:
    faster, vectors to about 0.999 the same, and of an image policy of their own, so that a collection has the ones or
    the others."""
    decode_memory_bytes: int = Field(default=2048 * MEBIBYTE, ge=1)
    """What pictures may take at full size while they are decoded, half each for those above and below 16 megapixels; too little
    lets fewer cores decode. One of 50 megapixels takes 200 MB as a JPEG, 1 GB as a WebP."""

    # What was embedded before.
    embedding_cache_bytes: int = Field(default=EMBEDDING_CACHE_BYTES, ge=0)
    """Disk in the data directory for the vectors of pictures embedded before: equal bytes under the same model, revision and
    image policy are then neither decoded nor embedded again. 0: none. 768 numbers take about 3.5 KB; past it the oldest go."""

    # The API.
    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8080, ge=0, le=65535)
    query_timeout: float = Field(default=20.0, gt=0)
    max_upload_bytes: int = Field(default=256 * MEBIBYTE, ge=1)
    api_keys: SecretStr = SecretStr("")
    """Who may ask: entries of `vitrine keys new`, comma-separated. Without any, the API serves loopback only."""
    api_keys_file: Path | None = None
    """More of them, an entry a line; read when the API starts."""
    api_key: SecretStr | None = None
    """The key that commands send to the API."""
    api_rate: float = Field(default=100.0, gt=0)
    """Requests a second for each key in each API process; more is refused with 429 once the burst is spent."""
    api_burst: int = Field(default=200, ge=1)
    """Requests that a key may save up while it asks less."""
    api_client_timeout: float = Field(default=20.0, gt=0)
    """Seconds a client has for a request's head, and for its body beside a second for each 64 KiB; then it is cut."""
    api_max_connections: int = Field(default=512, ge=1)
    """Open connections; one more is answered 503 at once."""
    api_trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    """Addresses of proxies whose X-Forwarded-For is believed, comma-separated; the audit log has the client then."""
    model_aliases: Annotated[dict[str, str], NoDecode] = Field(default_factory=dict)
    """Names under which clients of other systems know a model: `siglip=google/siglip-so400m-patch14-384,…`."""
    flower_url: str | None = None
    """Where people find Flower; the page links to it."""
    grafana_url: str | None = None
    """Where people find Grafana; the page links to it."""
    audit_log: Path | None = None
    """File to which the API appends who changed what; left out: standard error."""

    # What is told of the service.
    metrics_host: str = "127.0.0.1"
    """Address at which a worker tells Prometheus its metrics. They ask for no key: not on a network that visitors reach."""
    metrics_port: Annotated[int, Field(ge=0, le=65535)] | None = 0
    """Its port; 0: a free one, which the API names at /v1/metrics/targets; blank: none. Several workers under one command
    take this one and those after it."""
    traces_url: str | None = None
    """Collector that takes OpenTelemetry's traces (OTLP over HTTP), such as http://127.0.0.1:4318/v1/traces; left out: none."""
    traces_sample_ratio: float = Field(default=1.0, ge=0, le=1)
    """The share of chunks that are traced; the same ones in every process."""
    log_level: str = "INFO"
    log_format: Literal["auto", "json", "human"] = "auto"
    """`auto`: words on a terminal, a JSON object a line where standard error is none."""

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        # Every part of the service looks from a folder of its own.
        return value.expanduser().absolute()

    @field_validator(
        "api_keys_file",
        "audit_log",
        "api_key",
        "flower_url",
        "grafana_url",
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
        # Links that everybody who opens the page is shown, and an address that errors name.
        if value is not None and not is_http_url_without_credentials(value):
            raise ValueError("expected http(s)://host, without a user name or password")
        return value

    @field_validator("jpeg_scaling")
    @classmethod
    def _scaled_the_fast_way(cls, value: bool, others: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic calls it
        if value and others.data.get("preprocess") == "reference":
            raise ValueError(
                "the reference way decodes pictures in full; use VITRINE_PREPROCESS=fast"
            )
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
            raise ValueError(f"0, or at least {MIN_LONGEST_SIDE}: models see up to half of that")
        return value

    @field_validator("fetch_allow", "api_trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value


RENAMED_VARIABLES = {
    "VITRINE_API_CONNECTIONS": "VITRINE_API_MAX_CONNECTIONS",
    "VITRINE_API_PROXIES": "VITRINE_API_TRUSTED_PROXIES",
    "VITRINE_FETCH_ROUNDS": "VITRINE_FETCH_DEFERRALS",
    "VITRINE_HUNG_SECONDS": "VITRINE_DEVICE_TIMEOUT",
    "VITRINE_INDEX_PATIENCE": "VITRINE_INDEX_TIMEOUT",
    "VITRINE_TRACES_SHARE": "VITRINE_TRACES_SAMPLE_RATIO",
}
"""Variables by the names that they had before 0.2, which are read, with a warning, for one release more."""


def _renamed() -> dict[str, str]:
    """The values that stand in the environment under old names alone, by field."""
    found = {}
    for old, new in RENAMED_VARIABLES.items():
        if old in os.environ and new not in os.environ:
            log.warning(
                "%s is now called %s; the old name stops working in the next release", old, new
            )
            found[new.removeprefix("VITRINE_").lower()] = os.environ[old]
    return found


def load(**overrides: object) -> Settings:
    """Read the environment once; `overrides` that are None are as if not given.

    Raises `BadInput` naming the variable and what is wrong with it, never its value.
    """
    given = {key: value for key, value in overrides.items() if value is not None}
    try:
        return Settings(**(_renamed() | given))  # type: ignore[arg-type]
    except ValidationError as error:
        parts = [
            f"VITRINE_{str(item['loc'][0]).upper() if item['loc'] else '?'}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)
        ]
        raise BadInput("Setting not understood: " + "; ".join(parts) + ".") from None
