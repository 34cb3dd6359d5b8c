"""An SFTP server on loopback that serves one folder to `feed` with the password `hunter2`."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from pathlib import Path
from typing import Any

import paramiko
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED
from paramiko.sftp import SFTP_PERMISSION_DENIED

USER, PASSWORD = "feed", "hunter2"


class _Login(paramiko.ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        good = (username, password) == (USER, PASSWORD)
        return AUTH_SUCCESSFUL if good else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED

    def get_allowed_auths(self, username: str) -> str:
        return "password"


class _Handle(paramiko.SFTPHandle):
    def stat(self) -> Any:
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))  # type: ignore[attr-defined]


def _files(folder: Path, server: SftpSite) -> type[paramiko.SFTPServerInterface]:
    class Files(paramiko.SFTPServerInterface):
        def stat(self, path: str) -> Any:
            try:
                return paramiko.SFTPAttributes.from_stat(os.stat(folder / path.lstrip("/")))
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno or 0)

        def open(self, path: str, flags: int, attr: Any) -> Any:
            server.opened.append(path)
            if path == "/denied":
                return SFTP_PERMISSION_DENIED
            try:
                file = (folder / path.lstrip("/")).open("rb")
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno or 0)
            handle = _Handle(flags)
            handle.readfile = file  # type: ignore[attr-defined]
            return handle

    return Files


class SftpSite:
    """Serves until it is stopped; `known_hosts` has its key."""

    def __init__(self, folder: Path, known_hosts: Path) -> None:
        self.opened: list[str] = []
        self.logins = 0
        self._folder = folder
        self._key = paramiko.ECDSAKey.generate()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._transports: list[paramiko.Transport] = []
        self.known_hosts = known_hosts
        known_hosts.write_text(
            f"[127.0.0.1]:{self.port} {self._key.get_name()} {self._key.get_base64()}\n"
        )
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def url(self, path: str) -> str:
        return f"sftp://127.0.0.1:{self.port}{path}"

    def options(self) -> dict[str, str]:
        return {"user": USER, "password": PASSWORD, "known_hosts": str(self.known_hosts)}

    def cut(self) -> None:
        """Break every connection."""
        for transport in self._transports:
            transport.close()

    def stop(self) -> None:
        self._listener.close()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(self._key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _files(self._folder, self))
            self._transports.append(transport)
            self.logins += 1
            with contextlib.suppress(Exception):
                transport.start_server(server=_Login())
