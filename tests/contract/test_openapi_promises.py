"""The OpenAPI document's promises hold for valid and invalid requests generated from it.

Schemathesis reads the document and sends requests to a real server over a real ledger and a real embedded store; only
the model is a fake. No response may be a server error, and every status, header, media type and body must be one that
the document names. Checks that a schema cannot express are left out: that every body which fits the schema is accepted
(a search has exactly one question), and how one call depends on another.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck
from hypothesis import settings as examples
from pydantic import SecretStr
from schemathesis.specs.openapi import checks

from api.app import create_app
from api.dependencies import Services
from tests.http_server import served
from tests.unit.api.api_fixture import SPACE, make_stage, put
from vitrine.core.api_keys import Keyring, Scope, new_key
from vitrine.core.settings import Settings
from vitrine.ledger.redis_ledger import RedisLedger
from vitrine.store.open import open_store
from vitrine.testing.fake_query_client import FakeQueryClient, fake_worker
from vitrine.testing.memory_services import MemoryPublisher
from vitrine.testing.memory_tickets import MemoryTicketStore

EXAMPLES = 60
"""Random examples per operation, in addition to the edge cases of every field."""
UNDECIDED = [
    checks.positive_data_acceptance,
    checks.ensure_resource_availability,
    checks.use_after_free,
]
KEY, KEPT = new_key("schemathesis", [Scope.ADMIN])
BEARER = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture(scope="module")
def url(private_redis: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API as it is served, with one key, real services and a small collection."""
    settings = Settings(
        redis_url=SecretStr(private_redis),
        qdrant_url=SecretStr(f"edge://{tmp_path_factory.mktemp('vectors')}"),
        api_rate=1e6,
        api_burst=1_000_000,
    )
    with (
        open_parts(settings) as parts,
        served(create_app(parts, Keyring([KEPT])), settings) as address,
    ):
        yield address


@contextmanager
def open_parts(settings: Settings) -> Iterator[Services]:
    ledger = RedisLedger.connect(settings.redis_url.get_secret_value())
    with closing(ledger), closing(open_store(settings)) as store:
        put(store, "summer", ("sku-1042", 0, b"front", {"colour": "red", "price": 20}))
        lane = FakeQueryClient(fake_worker(SPACE, supports_text=True))
        yield Services(settings, ledger, store, lane, MemoryPublisher(), MemoryTicketStore())


api = schemathesis.openapi.from_dict(make_stage(Settings()).app.openapi())


@api.parametrize()
@examples(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_the_document_names(
    case: schemathesis.Case[Any], url: str
) -> None:
    case.call_and_validate(base_url=url, headers=BEARER, excluded_checks=UNDECIDED)
