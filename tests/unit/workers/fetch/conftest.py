"""Loopback sites, and fetchers that may connect to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

from tests.patience import PATIENCE
from tests.unit.workers.fetch.site import Site
from vitrine.net.allow_list import AllowList
from workers.fetch import Fetcher, FetchPolicy

MakeFetcher: TypeAlias = Callable[..., Fetcher]


@pytest.fixture
def sites() -> Iterator[Callable[..., Site]]:
    """Create sites that are stopped at the end."""
    made: list[Site] = []

    def make(*args: Any, **kwargs: Any) -> Site:
        made.append(Site(*args, **kwargs))
        return made[-1]

    yield make
    for site in made:
        site.stop()


@pytest.fixture
def site(sites: Callable[..., Site]) -> Site:
    """A site whose `pages` a test fills."""
    return sites()


@pytest.fixture
def make_fetcher() -> Iterator[MakeFetcher]:
    """Create fetchers from an allow list and other fields of the policy; they are closed at the end."""
    made: list[Fetcher] = []

    def make(*allow: str, ca_bundle: str | None = None, **fields: Any) -> Fetcher:
        policy = FetchPolicy(
            **{
                "timeout": PATIENCE,
                "connect_timeout": PATIENCE,
                "allow": AllowList.parse(allow),
                **fields,
            }
        )
        made.append(Fetcher(policy, ca_bundle=ca_bundle))
        return made[-1]

    yield make
    for fetcher in made:
        fetcher.close()


@pytest.fixture
def fetcher(site: Site, make_fetcher: MakeFetcher) -> Fetcher:
    """A fetcher that may connect to `site`."""
    return make_fetcher(site.authority)
