"""Reads the hosts file (`VITRINE_HOSTS_FILE`): TOML, a table for each host, bucket or SFTP host.

```toml
["images.shop.example"]                 # this host; "*.shop.example" for its subdomains
headers = { User-Agent = "shop-feed/1.0", Referer = "https://shop.example/" }
basic_auth = { user = "feed", password = "{env:FEED_PASSWORD}" }
cookies = { session = "{env:SHOP_SESSION}" }
proxy = "http://proxy.corp.example:3128"
ca_file = "/etc/ssl/corp.pem"

["s3://pictures"]                       # options of the object store
endpoint = "https://minio.corp.example"
access_key_id = "{env:MINIO_KEY}"
secret_access_key = "{env:MINIO_SECRET}"

["sftp://files.shop.example"]
user = "vitrine"
key_file = "/etc/vitrine/id_ed25519"
```

`{env:NAME}` within a text is the value of an environment variable. Messages name file, table and key, never a value.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from vitrine.core.errors import BadInput
from vitrine.core.schemes import STORES
from vitrine.core.types import ItemFailure
from vitrine.net.host_settings import Hosts, HostSettings, Proxy, basic_authorization
from vitrine.net.url import parse_host

STORE_SCHEMES = tuple(scheme.name for scheme in STORES)
HOST_KEYS = ("headers", "cookies", "basic_auth", "proxy", "ca_file")
SFTP_KEYS = ("user", "password", "key_file", "passphrase", "known_hosts")
SFTP_FILES = ("key_file", "known_hosts")
MAX_VALUE = 8192
"""Characters of a header or cookie; servers refuse longer ones."""

_OURS = frozenset(
    {
        "host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect", "keep-alive",
        "range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "accept-encoding",
        "proxy-authorization", "proxy-connection",
    }
)  # fmt: skip
"""Headers that belong to the request's own mechanics."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_COOKIE_VALUE = re.compile(r"[\x21-\x2b\x2d-\x3a\x3c-\x7e]*")
_VARIABLE = re.compile(r"\{env:([^{}]*)\}")


def read_hosts(path: Path | None, environment: Mapping[str, str]) -> Hosts:
    """Read the hosts file; none is no entries. Raises `BadInput` that names the file, the table and the key."""
    if path is None:
        return Hosts()
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path} is not valid TOML: {error}.") from None
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise BadInput(f"The hosts file {path} cannot be read: {why}.") from None
    return _Parser(path, environment).hosts(tables)


class _Parser:
    """Turns one file's tables into `Hosts`."""

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self._path = path
        self._environment = environment

    def hosts(self, tables: Mapping[str, Any]) -> Hosts:
        by_name: dict[str, HostSettings] = {}
        stores: dict[str, Mapping[str, str]] = {}
        sftp: dict[str, Mapping[str, str]] = {}
        for key, table in tables.items():
            if not isinstance(table, dict):
                raise self._bad(key, None, "expected a table", f'Begin it with ["{key}"].')
            scheme, colons, rest = key.partition("://")
            if not colons:
                self._put(by_name, self._name(key, key), self._host(key, table), key)
            elif scheme == "sftp":
                self._put(sftp, self._name(key, rest), self._sftp(key, table), key)
            else:
                self._put(stores, self._store_name(key, scheme, rest), self._store(key, table), key)
        return Hosts(by_name, stores, sftp)

    def _put(self, into: dict[str, Any], name: str, value: object, table: str) -> None:
        if name in into:
            raise self._bad(table, None, "the same host has two tables", "Keep one of them.")
        into[name] = value

    def _name(self, table: str, text: str) -> str:
        """Return a host, `host:port` or `*.host` as requests have it."""
        star = "*." if text.startswith("*.") else ""
        bare = text.count(":") > 1 and not text.startswith("[")
        head, bracket, rest = (f"[{text}]" if bare else text.removeprefix("*.")).rpartition("]")
        host, colon, port = rest.partition(":")
        try:
            name = parse_host(head + bracket + host)
        except ItemFailure as failure:
            hint = 'Name a host, such as ["images.shop.example"], ["*.shop.example"] or ["shop.example:8443"].'
            raise self._bad(table, None, failure.detail, hint) from None
        if colon and (
            star or not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536)
        ):
            raise self._bad(table, None, "the port is not between 1 and 65535, of one host")
        return star + name + (f":{int(port)}" if colon else "")

    def _store_name(self, table: str, scheme: str, bucket: str) -> str:
        if scheme not in STORE_SCHEMES or not bucket or "/" in bucket:
            hint = 'Hosts have no scheme: ["shop.example"]; stores are ["s3://bucket"], ["gs://bucket"], ["az://container"].'
            raise self._bad(table, None, "not a host, a bucket or an SFTP host", hint)
        return table

    def _host(self, table: str, values: Mapping[str, Any]) -> HostSettings:
        self._refuse_unknown(table, values, HOST_KEYS)
        headers = self._headers(table, self._texts(table, "headers", values.get("headers", {})))
        self._add(headers, table, "cookies", "Cookie", self._cookies(table, values))
        self._add(headers, table, "basic_auth", "Authorization", self._basic(table, values))
        proxy = self._proxy(table, values) if "proxy" in values else None
        ca_file = self._file(table, "ca_file", values["ca_file"]) if "ca_file" in values else None
        return HostSettings(headers, proxy, ca_file)

    def _add(
        self, headers: dict[str, str], table: str, key: str, header: str, value: str | None
    ) -> None:
        if value is None:
            return
        if any(name.lower() == header.lower() for name in headers):
            raise self._bad(table, key, f"headers has {header} too", "Keep one of them.")
        headers[header] = value

    def _headers(self, table: str, found: Mapping[str, str]) -> dict[str, str]:
        for name, value in found.items():
            place = f"headers.{name}"
            if not _TOKEN.fullmatch(name):
                raise self._bad(table, place, "not a header's name")
            if name.lower() in _OURS:
                raise self._bad(table, place, "this header is vitrine's own to send")
            if not _VALUE.fullmatch(value) or len(value) > MAX_VALUE:
                raise self._bad(
                    table, place, f"expected at most {MAX_VALUE} characters of Latin-1 in one line"
                )
        return dict(found)

    def _cookies(self, table: str, values: Mapping[str, Any]) -> str | None:
        if "cookies" not in values:
            return None
        found = self._texts(table, "cookies", values["cookies"])
        for name, value in found.items():
            if not _TOKEN.fullmatch(name) or not _COOKIE_VALUE.fullmatch(value):
                raise self._bad(
                    table, f"cookies.{name}", "not a cookie: no blanks, commas, semicolons"
                )
        return "; ".join(f"{name}={value}" for name, value in found.items()) or None

    def _basic(self, table: str, values: Mapping[str, Any]) -> str | None:
        if "basic_auth" not in values:
            return None
        found = self._texts(table, "basic_auth", values["basic_auth"])
        self._refuse_unknown(table, found, ("user", "password"), within="basic_auth.")
        if "user" not in found or ":" in found["user"]:
            raise self._bad(table, "basic_auth.user", "expected a user without a colon")
        return basic_authorization(found["user"], found.get("password", ""))

    def _proxy(self, table: str, values: Mapping[str, Any]) -> Proxy:
        text = self._text(table, "proxy", values["proxy"])
        try:
            parts = urlsplit(text)
            port = parts.port or 80
            host = parse_host(parts.netloc.rpartition("@")[2].removesuffix(f":{parts.port}"))
        except (ValueError, ItemFailure):
            parts, host, port = urlsplit(""), "", 0
        if parts.scheme != "http" or not host or parts.path not in ("", "/") or parts.query:
            raise self._bad(table, "proxy", "expected http://host:port")
        user = None if parts.username is None else unquote(parts.username)
        return Proxy(host, port, user, None if parts.password is None else unquote(parts.password))

    def _store(self, table: str, values: Mapping[str, Any]) -> dict[str, str]:
        return {key: self._option(table, key, value) for key, value in values.items()}

    def _option(self, table: str, key: str, value: object) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        return self._text(table, key, value)

    def _sftp(self, table: str, values: Mapping[str, Any]) -> dict[str, str]:
        self._refuse_unknown(table, values, SFTP_KEYS)
        return {
            key: self._file(table, key, value)
            if key in SFTP_FILES
            else self._text(table, key, value)
            for key, value in values.items()
        }

    def _file(self, table: str, key: str, value: object) -> str:
        """Return the absolute path of an existing file; a relative one starts at the hosts file's folder."""
        file = self._path.parent / Path(self._text(table, key, value)).expanduser()
        if not file.is_file():
            raise self._bad(table, key, f"there is no file {str(file)!r}")
        return str(file.absolute())

    def _texts(self, table: str, key: str, value: object) -> dict[str, str]:
        if not isinstance(value, dict):
            raise self._bad(table, key, 'expected a table, such as { name = "value" }')
        return {name: self._text(table, f"{key}.{name}", one) for name, one in value.items()}

    def _text(self, table: str, key: str, value: object) -> str:
        if not isinstance(value, str):
            raise self._bad(table, key, "expected a text in quotation marks")

        def variable(match: re.Match[str]) -> str:
            if match[1] not in self._environment:
                raise self._bad(table, key, f"the environment variable {match[1]} is not set")
            return self._environment[match[1]]

        return _VARIABLE.sub(variable, value)

    def _refuse_unknown(
        self, table: str, found: Mapping[str, Any], known: tuple[str, ...], *, within: str = ""
    ) -> None:
        for key in found:
            if key not in known:
                raise self._bad(
                    table, within + key, "not a key of this table", f"Known: {', '.join(known)}."
                )

    def _bad(self, table: str, key: str | None, why: str, hint: str | None = None) -> BadInput:
        place = f'["{table}"]' + (f" {key}" if key else "")
        return BadInput(f"{self._path}, {place}: {why}.", hint=hint)
