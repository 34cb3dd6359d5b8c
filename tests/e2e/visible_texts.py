"""All texts that a running service reports or stores where others can read them, to be searched for secrets."""

from __future__ import annotations

import base64
import contextlib
import zlib
from collections.abc import Iterator
from typing import Any

import orjson
import requests
from redis import Redis

from tests.e2e.flower_process import AUTH, Flower
from tests.e2e.standalone_process import House, family
from tests.patience import PATIENCE

API = ("/v1/workers", "/v1/system", "/v1/jobs", "/v1/collections", "/v1/metrics/targets", "/metrics", "/readyz")  # fmt: skip
FLOWER = ("/api/workers?refresh=1", "/api/tasks", "/api/queues/length", "/workers", "/tasks", "/broker", "/metrics")  # fmt: skip


def everything_told(house: House, flower: Flower) -> Iterator[tuple[str, str]]:
    """Yield the place and the content of each text."""
    yield from _answers(house, flower)
    with Redis.from_url(house.running["redis_url"]) as redis:
        yield from kept(redis)
    for process in family(house.process.pid):
        yield f"the command of process {process.pid}", process.command
    for log in house.data_dir.glob("*.log"):
        yield f"the log {log.name}", log.read_text(errors="replace")


def _answers(house: House, flower: Flower) -> Iterator[tuple[str, str]]:
    for path in API:
        yield f"the API's {path}", _text(house.api + path)
    for target in house.get("/v1/metrics/targets"):
        for address in target["targets"]:
            yield f"the worker's metrics at {address}", _text(f"http://{address}/metrics")
    pages = [f"/worker/{name}" for name in flower.workers()]
    for path in (*FLOWER, *pages):
        yield f"Flower's {path}", _text(flower.url + path, auth=AUTH)


def _text(url: str, auth: tuple[str, str] | None = None) -> str:
    answer = requests.get(url, auth=auth, timeout=PATIENCE)
    assert answer.ok, f"{url}: {answer.text}"
    return answer.text + str(answer.headers)


def kept(redis: Redis) -> Iterator[tuple[str, str]]:
    """Yield every value in Redis: messages, the ledger, live workers, answers."""
    for key in sorted(redis.scan_iter(count=1000)):
        for value in _values(redis, key):
            yield f"Redis' {key!r}", "\n".join([repr(key), *_readings(value)])


def _values(redis: Redis, key: bytes) -> list[bytes]:
    client: Any = redis
    kind = client.type(key)
    if kind == b"string":
        found = [client.get(key)]
    elif kind == b"hash":
        found = [part for pair in client.hgetall(key).items() for part in pair]
    elif kind == b"list":
        found = client.lrange(key, 0, -1)
    elif kind == b"set":
        found = list(client.smembers(key))
    elif kind == b"zset":
        found = client.zrange(key, 0, -1)
    else:
        assert kind in {b"stream", b"none"}, kind  # it may be gone by now
        found = [
            part for _, fields in client.xrange(key) for pair in fields.items() for part in pair
        ] if kind == b"stream" else []  # fmt: skip
    return [value for value in found if value is not None]


def _readings(value: bytes) -> Iterator[str]:
    """Yield the bytes as they are, decompressed, and with a message's body decoded."""
    yield value.decode(errors="replace")
    with contextlib.suppress(zlib.error):
        yield zlib.decompress(value).decode(errors="replace")
    with contextlib.suppress(ValueError, TypeError, KeyError):
        body = base64.b64decode(orjson.loads(value)["body"])
        yield body.decode(errors="replace")
