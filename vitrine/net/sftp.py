"""Files on SFTP hosts through paramiko: the address is judged, the host's key is known, or nothing is sent to it.

The host's key must be in known_hosts (`~/.ssh/known_hosts`, `/etc/ssh/ssh_known_hosts` or the one that the hosts file names); a
key is never accepted on first use. User, password and key file come from the host's table in the hosts file; without a password or key
file, the SSH agent and the user's own keys are tried.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from vitrine.core.errors import BadInput
from vitrine.core.types import FailureReason, ItemFailure
from vitrine.net.address import parse_address
from vitrine.net.connecting import connect
from vitrine.net.host_settings import Hosts
from vitrine.net.rules import AddressRules, check_sftp
from vitrine.net.url import MAX_URL, Target, bad_url, parse_host

SFTP_PORT = 22
_REQUEST = 32 * 1024
"""Bytes that every SFTP server sends in one answer."""
_NETLOC = re.compile(
    r"(?:([^:@/\x00-\x20]{1,64})@)?(\[[0-9A-Fa-f:.]+\]|[^\[\]:@%/?#]+)(?::([0-9]{1,5}))?"
)


@dataclass(frozen=True, slots=True)
class SftpFile:
    """What a URL names."""

    host: str
    port: int
    path: str
    user: str | None


def sftp_file(url: str) -> SftpFile:
    """Return what an `sftp:` URL names; raises `ItemFailure(BAD_URL)`. It can hold a user name, never a password."""
    if len(url) > MAX_URL:
        raise bad_url(f"longer than {MAX_URL} characters")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise bad_url("the host cannot be read") from None
    if ":" in parts.netloc.rpartition("@")[0]:
        raise bad_url("a password before the host; put it into the hosts file")
    found = _NETLOC.fullmatch(parts.netloc)
    rest = url.partition("://")[2].partition("/")[2]
    path = "/" + unquote(rest)
    if found is None or not rest or not path.isprintable():
        raise bad_url("expected sftp://host/path")
    port = int(found[3]) if found[3] else SFTP_PORT
    return SftpFile(parse_host(found[2]), port, path, found[1])


class SftpConnection:
    """A logged-in connection to one host. Not thread-safe; close it."""

    def __init__(
        self,
        host: str,
        port: int,
        user: str | None,
        options: Mapping[str, str],
        rules: AddressRules,
        *,
        connect_timeout: float,
        timeout: float,
    ) -> None:
        """Connect and log in; raises `ItemFailure`, and `BadInput` if paramiko is missing."""
        self._client = _client(options)
        target = Target(f"sftp://{host}", "sftp", host, port, parse_address(host))
        check_sftp(target, rules)
        given = connect(target, rules, connect_timeout)
        try:
            self._log_in(given, target, user, options, timeout)
            self._sftp: Any = self._client.open_sftp()
            self._sftp.get_channel().settimeout(timeout)
        except BaseException as error:
            self._client.close()
            given.close()
            if isinstance(error, Exception):
                raise translated(error) from None
            raise

    def open(self, path: str) -> tuple[Any, int, float]:
        """Open a file and return it, its size and its time of change; raises `ItemFailure`."""
        try:
            file = self._sftp.open(path, "rb")
            status = file.stat()
        except Exception as error:  # noqa: BLE001 - paramiko's errors share no base
            raise translated(error) from None
        if status.st_mode is not None and not stat.S_ISREG(status.st_mode):
            file.close()
            raise ItemFailure(FailureReason.NOT_FOUND, "not a regular file")
        _silence(file)
        return file, int(status.st_size or 0), float(status.st_mtime or 0)

    def close(self) -> None:
        """Close the connection."""
        with suppress(Exception):
            self._client.close()

    def _log_in(
        self,
        given: socket.socket,
        target: Target,
        user: str | None,
        options: Mapping[str, str],
        timeout: float,
    ) -> None:
        own = "password" not in options and "key_file" not in options
        self._client.connect(
            target.host,
            target.port,
            sock=given,
            username=user or options.get("user") or getpass.getuser(),
            password=options.get("password"),
            key_filename=options.get("key_file"),
            passphrase=options.get("passphrase"),
            allow_agent=own,
            look_for_keys=own,
            timeout=timeout,
            banner_timeout=timeout,
            auth_timeout=timeout,
        )


def read_part(file: Any, start: int, size: int) -> bytes:
    """Return a part of an open file, asked for in pieces that are under way together; raises `ItemFailure`."""
    spans = [(at, min(_REQUEST, start + size - at)) for at in range(start, start + size, _REQUEST)]
    try:
        found = b"".join(file.readv(spans))
    except Exception as error:  # noqa: BLE001 - paramiko's errors share no base
        raise translated(error) from None
    if len(found) != size:
        raise ItemFailure(FailureReason.CONNECTION_FAILED, "the file ended too early")
    return found


def _silence(file: Any) -> None:
    """Have paramiko's thread that sends requests end quietly when the connection breaks: the reader raises it anyway."""
    send = file._prefetch_thread  # noqa: SLF001 - there is no other way to reach it

    def send_quietly(*arguments: object) -> None:
        with suppress(Exception):
            send(*arguments)

    file._prefetch_thread = send_quietly  # noqa: SLF001


def sftp_options(hosts: Hosts, file: SftpFile) -> Mapping[str, str]:
    """Return what the hosts file says about a file's host."""
    return hosts.sftp_of(file.host, file.port)


def _client(options: Mapping[str, str]) -> Any:
    try:
        import paramiko  # noqa: PLC0415
    except ModuleNotFoundError:
        raise BadInput(
            "sftp:// URLs need paramiko, which is not installed.",
            hint="Install vitrine with its extra `remote`.",
        ) from None
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    try:
        if "known_hosts" in options:
            client.load_host_keys(options["known_hosts"])
        else:
            client.load_system_host_keys()
            if os.path.isfile("/etc/ssh/ssh_known_hosts"):
                client.load_system_host_keys("/etc/ssh/ssh_known_hosts")
    except (OSError, paramiko.SSHException):
        raise ItemFailure(FailureReason.HTTP_ERROR, "its known_hosts cannot be read") from None
    return client


def translated(error: Exception) -> ItemFailure:
    """Return the failure that an error of paramiko means; the host's own text is not repeated."""
    if isinstance(error, ItemFailure):
        return error
    name, text = type(error).__name__, str(error)
    if "not found in known_hosts" in text:
        return _final(
            "its key is not in known_hosts; compare its fingerprint, then add it (ssh-keyscan)"
        )
    if name == "BadHostKeyException":
        return _final("its key is not the one in known_hosts")
    if name in ("AuthenticationException", "BadAuthenticationType", "PasswordRequiredException"):
        return _final("it refused the login; give user, password or key_file in the hosts file")
    return _of_a_file(error)


def _of_a_file(error: Exception) -> ItemFailure:
    if isinstance(error, FileNotFoundError):
        return ItemFailure(FailureReason.NOT_FOUND, "the host has no such file")
    if isinstance(error, PermissionError):
        return _final("the host does not let this user read the file")
    if isinstance(error, TimeoutError):
        return ItemFailure(FailureReason.TIMEOUT, "the host stopped sending")
    return ItemFailure(FailureReason.CONNECTION_FAILED, "the connection broke")


def _final(detail: str) -> ItemFailure:
    return ItemFailure(FailureReason.HTTP_ERROR, detail)
