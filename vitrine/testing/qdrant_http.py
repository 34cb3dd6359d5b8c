"""A stand-in for a Qdrant server: its REST interface over the client's own local mode.

Requests are parsed by the models of Qdrant's OpenAPI description, and Qdrant's own Python code ranks and filters
the points, so vitrine's requests are checked against code that vitrine did not write. Payload indexes exist by name
only. There is no HNSW and no cluster; the state of the vector index is simulated (`vitrine.testing.optimizer`).
Local mode is not thread-safe, so requests are handled one at a time.
"""

from __future__ import annotations

import json
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, TypeAdapter, ValidationError
from qdrant_client import QdrantClient, models

from vitrine.testing.optimizer import FakeOptimizer

Reply: TypeAlias = tuple[int, dict[str, str], Any]
Route: TypeAlias = Callable[["LocalQdrantServer", str, bytes], Any]


class LocalQdrantServer:
    """A loopback server over a local-mode client. `planned` replies are sent first, one per request."""

    def __init__(self, location: str = ":memory:") -> None:
        where: dict[str, Any] = {"location": location} if location == ":memory:" else {}
        self.client = QdrantClient(
            **(where or {"path": location}), force_disable_check_same_thread=True
        )
        self.indexes: dict[str, dict[str, str]] = {}
        self.optimizers: dict[str, FakeOptimizer] = {}
        self.planned: list[Reply] = []
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,))
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> LocalQdrantServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
        self.client.close()

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Reply:
        """Return the reply to one request."""
        path = urlsplit(target).path
        with self._lock:
            self.requests.append((method, target, headers, body))
            if self.planned:
                return self.planned.pop(0)
            if path == "/":
                return 200, {}, {"title": "qdrant", "version": "1.20.0"}
            try:
                result = _dispatch(self, method, path, body)
            except (ValueError, ValidationError) as error:
                return _refusal(str(error))
        return 200, {}, {"result": result, "status": "ok", "time": 0.0}


def _refusal(reason: str) -> Reply:
    status = 404 if "not found" in reason else 409 if "already exists" in reason else 400
    return status, {}, {"status": {"error": reason}, "time": 0.0}


def _dispatch(server: LocalQdrantServer, method: str, path: str, body: bytes) -> Any:
    for wanted, pattern, route in _ROUTES:
        match = re.fullmatch(pattern, path)
        if wanted == method and match:
            return route(server, unquote(match.groupdict().get("name") or ""), body)
    raise ValueError(f"{method} {path} is not found")


def _describe(server: LocalQdrantServer, name: str, _: bytes) -> Any:
    info = server.client.get_collection(name)
    aliases = {a.alias_name: a.collection_name for a in server.client.get_aliases().aliases}
    collection = aliases.get(name, name)
    server.optimizers.setdefault(collection, FakeOptimizer()).tell(info)
    indexes = server.indexes.get(collection, {})
    info.payload_schema = {
        path: models.PayloadIndexInfo(data_type=models.PayloadSchemaType(kind), points=0)
        for path, kind in indexes.items()
    }
    return info


def _create(server: LocalQdrantServer, name: str, body: bytes) -> Any:
    wanted = models.CreateCollection.model_validate_json(body)
    return server.client.create_collection(name, wanted.vectors, metadata=wanted.metadata)


def _update(server: LocalQdrantServer, name: str, body: bytes) -> Any:
    wanted = models.UpdateCollection.model_validate_json(body)
    server.client.get_collection(name)
    server.optimizers.setdefault(name, FakeOptimizer()).change(wanted.optimizers_config)
    return server.client.update_collection(name, metadata=wanted.metadata)


def _index(server: LocalQdrantServer, name: str, body: bytes) -> Any:
    wanted = models.CreateFieldIndex.model_validate_json(body)
    server.client.get_collection(name)
    kind = models.PayloadSchemaType(wanted.field_schema)
    server.indexes.setdefault(name, {})[wanted.field_name] = kind.value
    return {"operation_id": 0, "status": "completed"}


def _delete(server: LocalQdrantServer, name: str, _: bytes) -> Any:
    server.indexes.pop(name, None)
    server.optimizers.pop(name, None)
    return server.client.delete_collection(name)


def _exists(server: LocalQdrantServer, name: str, _: bytes) -> Any:
    return {"exists": server.client.collection_exists(name)}


def _aliases(server: LocalQdrantServer, _: str, body: bytes) -> Any:
    wanted = models.ChangeAliasesOperation.model_validate_json(body)
    return server.client.update_collection_aliases(wanted.actions)


def _list_aliases(server: LocalQdrantServer, _: str, __: bytes) -> Any:
    return server.client.get_aliases()


def _upsert(server: LocalQdrantServer, name: str, body: bytes) -> Any:
    wanted = models.PointsList.model_validate_json(body)
    return server.client.upsert(name, wanted.points)


def _query(server: LocalQdrantServer, name: str, body: bytes) -> Any:
    wanted = models.QueryRequestBatch.model_validate_json(body)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # local mode warns that `exact` has no effect
        return server.client.query_batch_points(name, wanted.searches)


def _query_one(server: LocalQdrantServer, name: str, body: bytes) -> Any:
    wanted = models.QueryRequest.model_validate_json(body)
    return server.client.query_points(
        name,
        wanted.query,
        limit=wanted.limit or 10,
        with_payload=bool(wanted.with_payload),
        with_vectors=bool(wanted.with_vector),
    )


def _retrieve(server: LocalQdrantServer, name: str, body: bytes) -> Any:
    wanted = models.PointRequest.model_validate_json(body)
    return server.client.retrieve(name, wanted.ids, with_vectors=bool(wanted.with_vector))


def _scroll(server: LocalQdrantServer, name: str, body: bytes) -> Any:
    wanted = models.ScrollRequest.model_validate_json(body)
    points, following = server.client.scroll(
        name,
        wanted.filter,
        limit=wanted.limit or 10,
        offset=wanted.offset,
        order_by=wanted.order_by,
        with_payload=bool(wanted.with_payload),
        with_vectors=bool(wanted.with_vector),
    )
    return {"points": points, "next_page_offset": following}


def _count(server: LocalQdrantServer, name: str, body: bytes) -> Any:
    wanted = models.CountRequest.model_validate_json(body)
    return server.client.count(name, wanted.filter)


def _facet(server: LocalQdrantServer, name: str, body: bytes) -> Any:
    wanted = models.FacetRequest.model_validate_json(body)
    return server.client.facet(name, wanted.key, wanted.filter, limit=wanted.limit or 10)


_COLLECTION = "/collections/(?P<name>[^/]+)"
_ROUTES: list[tuple[str, str, Route]] = [
    ("GET", _COLLECTION, _describe),
    ("PUT", _COLLECTION, _create),
    ("PATCH", _COLLECTION, _update),
    ("DELETE", _COLLECTION, _delete),
    ("GET", _COLLECTION + "/exists", _exists),
    ("PUT", _COLLECTION + "/index", _index),
    ("POST", "/collections/aliases", _aliases),
    ("GET", "/aliases", _list_aliases),
    ("PUT", _COLLECTION + "/points", _upsert),
    ("POST", _COLLECTION + "/points/query/batch", _query),
    ("POST", _COLLECTION + "/points/query", _query_one),
    ("POST", _COLLECTION + "/points", _retrieve),
    ("POST", _COLLECTION + "/points/scroll", _scroll),
    ("POST", _COLLECTION + "/points/count", _count),
    ("POST", _COLLECTION + "/facet", _facet),
]


def _handler(server: LocalQdrantServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen = {key.lower(): text for key, text in self.headers.items()}
            status, headers, value = server.answer(self.command, self.path, seen, body)
            content = TypeAdapter(Any).dump_json(_plain(value))
            self.send_response(status)
            for key, text in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(key, text)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_PATCH = do_POST = do_DELETE = _serve  # noqa: N815  the base class looks up these names

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base's name
            """Log nothing."""

    return Handler


def _plain(value: Any) -> Any:
    """Convert a value of the client's models to JSON values."""
    if isinstance(value, BaseModel):
        return json.loads(value.model_dump_json())
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return value


@contextmanager
def qdrant_http(location: str = ":memory:") -> Iterator[LocalQdrantServer]:
    """Run a stand-in server."""
    with LocalQdrantServer(location) as server:
        yield server
