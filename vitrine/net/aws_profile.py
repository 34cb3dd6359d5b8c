"""A named AWS profile (`AWS_PROFILE`, `~/.aws/credentials`, `~/.aws/config`) as options of an S3 store, which obstore does not read."""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from pathlib import Path

from vitrine.core.errors import BadInput

_OPTIONS = {
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "session_token",
    "region": "region",
    "endpoint_url": "endpoint",
}


def profile_options(named: str | None, environment: Mapping[str, str]) -> dict[str, str]:
    """Return a profile's options; raises `BadInput` if the one that was named does not exist.

    `named` counts more than AWS_PROFILE. Without either, `default` is used if it exists and the environment has no key.
    """
    chosen = named or environment.get("AWS_PROFILE")
    if chosen is None and "AWS_ACCESS_KEY_ID" in environment:
        return _endpoint(environment)
    home = Path(environment.get("HOME") or "~").expanduser() / ".aws"
    credentials = environment.get("AWS_SHARED_CREDENTIALS_FILE") or home / "credentials"
    config = environment.get("AWS_CONFIG_FILE") or home / "config"
    name = chosen or "default"
    section = name if name == "default" else f"profile {name}"
    found = _section(Path(config), section) | _section(Path(credentials), name)
    if chosen is not None and not found:
        raise BadInput(f"There is no AWS profile {chosen!r} in {credentials} or {config}.")
    return {_OPTIONS[key]: value for key, value in found.items() if key in _OPTIONS} | _endpoint(
        environment
    )


def _endpoint(environment: Mapping[str, str]) -> dict[str, str]:
    """The endpoint for S3 alone, which obstore does not know by this name."""
    url = environment.get("AWS_ENDPOINT_URL_S3")
    return {"endpoint": url} if url else {}


def _section(path: Path, name: str) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.expanduser().read_text(encoding="utf-8"))
    except OSError:
        return {}
    except (configparser.Error, UnicodeDecodeError):
        raise BadInput(f"The AWS file {path} cannot be read: it is not in its format.") from None
    return dict(parser[name]) if parser.has_section(name) else {}
