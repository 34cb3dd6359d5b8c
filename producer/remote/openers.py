"""What opens a catalog's URL, by scheme. Libraries are imported when a URL of theirs is opened."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from email.message import Message

from producer.remote.catalog import RemoteCatalog, RemoteFile
from vitrine.core.load_settings import load
from vitrine.core.schemes import HTTP, HTTPS, SFTP, STORES
from vitrine.core.settings import Settings
from vitrine.net.allow_list import AllowList
from vitrine.net.host_settings import Hosts, basic_authorization
from vitrine.net.hosts_file import read_hosts
from vitrine.net.rules import AddressRules
from vitrine.net.url import mend_url, shown_url


def remote_catalog(
    url: str, settings: Settings | None = None, *, slowest: int | None = None
) -> RemoteCatalog:
    """Return the catalog at a URL; `settings` None reads them. Raises `BadInput` for a hosts file that cannot be read."""
    settings = settings or load()
    hosts = read_hosts(settings.hosts_file, os.environ)
    opener = _OPENERS[url.strip().partition(":")[0].lower()]
    return RemoteCatalog(shown_url(url), opener(url.strip(), settings, hosts), slowest=slowest)


def _http(url: str, settings: Settings, hosts: Hosts) -> Callable[[], RemoteFile]:
    # Imported here, because urllib3 takes time that commands without a URL do not need.
    from vitrine.net.http_client import HttpClient, HttpLimits  # noqa: PLC0415
    from vitrine.net.http_download import HttpDownload  # noqa: PLC0415

    limits = HttpLimits(
        AddressRules(AllowList.parse(settings.fetch_allow)),
        settings.fetch_connect_timeout,
        settings.feed_timeout,
        settings.fetch_max_redirects,
    )
    client = HttpClient(limits, hosts)

    def opened() -> RemoteFile:
        download = HttpDownload(
            client,
            mend_url(url),
            max_bytes=settings.feed_max_bytes,
            authorization=_authorization(settings),
        )
        answer = download.answer
        version = answer.validators
        landed = shown_url(answer.target.url)
        sent = _file_name(answer.header("Content-Disposition"))
        return RemoteFile(
            download,
            version if version.strong or version.etag else None,
            (landed, sent) if sent else (landed,),
            (answer.header("Content-Type") or "").partition(";")[0].strip().lower(),
        )

    return opened


def _store(url: str, settings: Settings, hosts: Hosts) -> Callable[[], RemoteFile]:
    from vitrine.net.object_stores import ObjectDownload, ObjectStores, object_name  # noqa: PLC0415

    stores = ObjectStores(
        hosts,
        os.environ,
        connect_timeout=settings.fetch_connect_timeout,
        timeout=settings.feed_timeout,
    )

    def opened() -> RemoteFile:
        download = ObjectDownload(stores, object_name(url), max_bytes=settings.feed_max_bytes)
        return RemoteFile(download, download.version)

    return opened


def _sftp(url: str, settings: Settings, hosts: Hosts) -> Callable[[], RemoteFile]:
    from vitrine.net.sftp import SftpConnection, sftp_file, sftp_options  # noqa: PLC0415
    from vitrine.net.sftp_download import SftpDownload  # noqa: PLC0415

    rules = AddressRules(AllowList.parse(settings.fetch_allow))

    def connect() -> SftpConnection:
        name = sftp_file(url)
        return SftpConnection(
            name.host,
            name.port,
            name.user,
            sftp_options(hosts, name),
            rules,
            connect_timeout=settings.fetch_connect_timeout,
            timeout=settings.feed_timeout,
        )

    def opened() -> RemoteFile:
        download = SftpDownload(connect, sftp_file(url).path, max_bytes=settings.feed_max_bytes)
        return RemoteFile(download, download.version)

    return opened


_OPENERS: Mapping[str, Callable[[str, Settings, Hosts], Callable[[], RemoteFile]]] = {
    HTTP.name: _http,
    HTTPS.name: _http,
    **{scheme.name: _store for scheme in STORES},
    SFTP.name: _sftp,
}
"""By scheme: what makes the function that opens a URL's file, which raises `ItemFailure` if it cannot."""


def _authorization(settings: Settings) -> str | None:
    if settings.feed_auth is None:
        return None
    user, _, password = settings.feed_auth.get_secret_value().partition(":")
    return basic_authorization(user, password)


def _file_name(header: str | None) -> str | None:
    """Return the file name in a Content-Disposition; only its suffix is looked at."""
    if not header:
        return None
    message = Message()
    message["Content-Disposition"] = header.replace("\r", " ").replace("\n", " ")
    return message.get_filename()
