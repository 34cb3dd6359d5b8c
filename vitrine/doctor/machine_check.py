"""Checks of the machine: free disk space, the limit on open files, cores, and what listens on the API's port."""

from __future__ import annotations

import os
import resource
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import requests

from vitrine.core.settings import Settings
from vitrine.doctor.finding import Finding, FindingFactory
from vitrine.telemetry import redact_url

GIBIBYTE = 2**30
LOW_DISK_BYTES, FULL_DISK_BYTES = 5 * GIBIBYTE, GIBIBYTE // 4
"""A million vectors of 768 numbers take 4.6 GB with their index; below the second figure Redis and the store stop."""
OPEN_FILES = 1024
"""A worker fetches 128 pictures in parallel, the API serves 512 connections, the store opens tens of files per collection."""
API_SECONDS = 5.0


def check_disk(settings: Settings) -> Iterator[Finding]:
    """Check that the data directory is writable and has free space."""
    book = FindingFactory("disk")
    folder = _existing(settings.data_dir)
    if not os.access(folder, os.W_OK | os.X_OK):
        yield book.wrong(
            f"Cannot write to {folder}.",
            "Give this user write permission, or set VITRINE_DATA_DIR to another folder.",
        )
        return
    usage = shutil.disk_usage(folder)
    message = f"{usage.free / GIBIBYTE:,.1f} of {usage.total / GIBIBYTE:,.1f} GiB are free at {settings.data_dir}."
    fix = "Free space there, or move VITRINE_DATA_DIR."
    if usage.free < FULL_DISK_BYTES:
        yield book.wrong(message, fix)
    elif usage.free < LOW_DISK_BYTES:
        yield book.warning(message, fix)
    else:
        yield book.good(message)


def _existing(path: Path) -> Path:
    """Return the path, or the nearest existing folder above it."""
    return next(folder for folder in (path, *path.parents) if folder.exists())


def check_limits() -> Iterator[Finding]:
    """Check what the system allows this user's processes."""
    book = FindingFactory("machine")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < OPEN_FILES:
        can = hard == resource.RLIM_INFINITY or hard >= OPEN_FILES
        yield book.warning(
            f"A process may have {soft:,} files and connections open; under load it needs {OPEN_FILES:,}.",
            f"ulimit -n {OPEN_FILES * 4}" if can else "Raise nofile in /etc/security/limits.conf.",
        )
    else:
        yield book.good(f"{_cores():,} cores; a process may have {soft:,} files open.")


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_port(settings: Settings, *, running: bool) -> Iterator[Finding]:
    """Check whether vitrine, another program or nothing responds at the API's address. `running`: vitrine should."""
    book = FindingFactory("API")
    url = settings.api_url.rstrip("/")
    shown = redact_url(url)
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(f"{url}/readyz", timeout=API_SECONDS, allow_redirects=False)
    except requests.RequestException:
        yield from _silent(settings, running=running)
        return
    told = _object(answer)
    if answer.status_code == 200 and told.get("status") == "ready":
        yield book.good(f"The API responds at {shown}, and a picture passes through every step.")
    elif told.get("code") == "not_ready":
        yield book.wrong(
            f"The API responds at {shown}, but a search would fail: {told.get('detail')}"
        )
    else:
        yield book.wrong(
            f"The server at {shown} is not vitrine's API.",
            "Check VITRINE_API_URL, or give the API another port (--port, VITRINE_API_PORT).",
        )


def _object(answer: requests.Response) -> dict[str, object]:
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _silent(settings: Settings, *, running: bool) -> Iterator[Finding]:
    book = FindingFactory("API")
    shown = redact_url(settings.api_url)
    if running:
        yield book.wrong(
            f"The standalone service on {settings.data_dir} should respond at {shown} but does not.",
            f"It may have been killed. Start it again with `vitrine standalone`. Its log is {settings.data_dir / 'logs' / 'api.log'}.",
        )
        return
    if settings.api_port and not is_port_free(settings.api_host, settings.api_port):
        yield book.wrong(
            f"Port {settings.api_port} of {settings.api_host} is used by something that is not vitrine's API.",
            "Stop it, or give the API another port (--port, VITRINE_API_PORT).",
        )
    else:
        yield book.note(
            f"No API is running at {shown}; its port is free.",
            "Start one: vitrine standalone, or vitrine api.",
        )


def is_port_free(host: str, port: int) -> bool:
    """Whether a server could listen there."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as server:
            # As servers do it: a port that was closed a moment ago counts as free.
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(address)
    except OSError:
        return False
    return True
