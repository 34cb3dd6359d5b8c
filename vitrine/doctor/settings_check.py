"""Checks of the settings: whether they are valid, and whether any variable is unused."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from vitrine.core.api_keys import read_keyring, require_keys_unless_loopback
from vitrine.core.load_settings import RENAMED_VARIABLES
from vitrine.core.loopback import is_loopback
from vitrine.core.settings import Settings
from vitrine.doctor.finding import Finding, FindingFactory

_PREFIX = "VITRINE_"
_READ_ELSEWHERE = frozenset(
    {"CONFIG", "DEBUG", "PARENT", "REDIS_SERVER", "TEST_DATA", "TEST_REDIS_URL"}
)
"""Variables that are read although they are not fields of `Settings`."""


def check_settings(
    given: Settings, found: Settings, environment: Mapping[str, str]
) -> Iterator[Finding]:
    """Check the settings; `given` are those of options and environment, `found` also has a running service's addresses."""
    book = FindingFactory("settings")
    unread = list(_unread(environment))
    yield from unread
    if not unread:
        told = sum(name.startswith(_PREFIX) for name in environment)
        yield book.good(f"Valid; {told} from the environment, all others by default.")
    if found is not given:
        yield book.note(
            f"The standalone service on {given.data_dir} is used, since nothing names a Redis or a Qdrant."
        )


def _unread(environment: Mapping[str, str]) -> Iterator[Finding]:
    book = FindingFactory("settings")
    known = {name.upper() for name in Settings.model_fields} | _READ_ELSEWHERE
    for name in sorted(environment):
        rest = name.removeprefix(_PREFIX)
        if not name.startswith(_PREFIX) or rest in known:
            continue
        if name in RENAMED_VARIABLES:
            yield book.warning(
                f"{name} is an old name, which stops working in the next release.",
                f"Call it {RENAMED_VARIABLES[name]}.",
            )
            continue
        near = difflib.get_close_matches(rest, sorted(known), n=1, cutoff=0.7)
        if near:
            yield book.warning(
                f"{name} is not a vitrine setting and has no effect.",
                f"Did you mean {_PREFIX}{near[0]}?",
            )
        else:
            yield book.note(f"{name} is not a vitrine setting and has no effect.", "Remove it.")


def check_keys(given: Settings) -> Iterator[Finding]:
    """Check who may use the API; raises `BadInput` for invalid entries and for an API that would be open to the network."""
    book = FindingFactory("keys")
    keyring = read_keyring(given)
    require_keys_unless_loopback(given.api_host, keyring)
    if keyring:
        yield book.good("The API requires keys.")
    elif is_loopback(given.api_host):
        yield book.note("The API requires no key and serves this machine only.")
