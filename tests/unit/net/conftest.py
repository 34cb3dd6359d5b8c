"""Sites on loopback, and clients that may talk to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from tests.patience import PATIENCE
from tests.unit.workers.fetch.conftest import site, sites
from vitrine.net.allow_list import AllowList
from vitrine.net.host_settings import Hosts
from vitrine.net.http_client import HttpClient, HttpLimits
from vitrine.net.rules import AddressRules

__all__ = ["site", "sites"]

MakeClient: TypeAlias = Callable[..., HttpClient]


@pytest.fixture
def make_client() -> MakeClient:
    """Make a client for an allow list, a hosts file and other limits."""

    def make(
        *allow: str, hosts: Hosts | None = None, ca_file: str | None = None, **limits: Any
    ) -> HttpClient:
        rules = AddressRules(AllowList.parse(allow))
        settings = {"connect_timeout": PATIENCE, "read_timeout": PATIENCE, **limits}
        return HttpClient(HttpLimits(rules, **settings), hosts, ca_file=ca_file)

    return make
