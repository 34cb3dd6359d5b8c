"""An S3 server on loopback (moto), which demands no credentials of its own."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import obstore
import requests
from moto.server import ThreadedMotoServer
from obstore.store import S3Store

KEYS: Any = {"access_key_id": "AKIAEXAMPLE", "secret_access_key": "hunter2", "region": "us-east-1"}


@contextmanager
def s3_server() -> Iterator[str]:
    """Serve until the end; yields the endpoint."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def put(endpoint: str, bucket: str, objects: dict[str, bytes]) -> None:
    """Write objects into a bucket, which is made."""
    requests.put(f"{endpoint}/{bucket}", timeout=60).raise_for_status()
    replace(endpoint, bucket, objects)


def replace(endpoint: str, bucket: str, objects: dict[str, bytes]) -> None:
    """Write objects into a bucket that is there."""
    config: Any = {"endpoint": endpoint, **KEYS}
    store = S3Store(bucket, config=config, client_options={"allow_http": True})
    for key, body in objects.items():
        obstore.put(store, key, body)
