"""OpenAI's own client against the API, over a real socket."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from tests.http_server import served
from tests.patience import PATIENCE
from tests.unit.api.api_fixture import SPACE, Stage, make_stage
from vitrine.core.api_keys import Keyring, Scope, new_key
from vitrine.core.errors import ModelUnavailable
from vitrine.core.settings import Settings
from vitrine.core.types import FailureReason
from vitrine.query.client import Query, UnusablePicture
from vitrine.testing.fake_query_client import fake_vector, fake_worker

openai = pytest.importorskip("openai", reason="OpenAI's client is not installed")

KEY, KEPT = new_key("reader", [Scope.READ])
GONE = "https://shop.example/gone.jpg"


@dataclass
class Asked:
    """The service and a client for it."""

    stage: Stage
    url: str
    client: Any

    def refused(self, kind: type[Exception], **body: Any) -> dict[str, Any]:
        """Return the body of the error that the client raises."""
        with pytest.raises(kind) as caught:
            self.client.embeddings.create(**{"model": "builtin", "input": "rot", **body})
        told: dict[str, Any] = caught.value.body  # type: ignore[attr-defined]
        return told


def client_of(url: str, key: str) -> Any:
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=PATIENCE)


@pytest.fixture(scope="module")
def asked() -> Iterator[Asked]:
    settings = Settings(model_aliases={"siglip": "builtin"})
    stage = make_stage(settings, Keyring([KEPT]))
    stage.query_client.known[GONE.encode()] = UnusablePicture(
        FailureReason.NOT_FOUND, "answered 404"
    )
    stage.query_client.known[b"slow"] = ModelUnavailable("No worker answered within 20 s.")
    with served(stage.app, stage.parts.settings) as url, client_of(url, KEY) as client:
        yield Asked(stage, url, client)


@pytest.fixture(autouse=True)
def _the_crew(asked: Asked) -> None:
    asked.stage.query_client.crew = [fake_worker(SPACE, supports_text=True)]
    asked.stage.query_client.asked.clear()


def test_texts_come_back_as_unit_vectors_in_their_order(asked: Asked) -> None:
    answer = asked.client.embeddings.create(model="siglip", input=["rot", "blau"])
    assert [one.index for one in answer.data] == [0, 1]
    for one, text in zip(answer.data, (b"rot", b"blau"), strict=True):
        np.testing.assert_allclose(one.embedding, fake_vector(text, 16), atol=1e-7)
    assert answer.model == "siglip"
    assert answer.usage.total_tokens == 0


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_both_encodings_say_the_same(asked: Asked, encoding: str) -> None:
    answer = asked.client.embeddings.create(model="builtin", input="rot", encoding_format=encoding)
    found = answer.data[0].embedding
    if isinstance(found, str):
        found = np.frombuffer(base64.b64decode(found), "<f4")
    np.testing.assert_allclose(found, fake_vector(b"rot", 16), atol=1e-7)


def test_pictures_come_by_url_or_as_data_urls(asked: Asked) -> None:
    url, data = "https://shop.example/1.jpg", base64.b64encode(b"bag").decode()
    answer = asked.client.embeddings.create(
        model="builtin",
        input=[url, f"data:image/png;base64,{data}", data],
        extra_body={"modality": "image"},
    )
    assert len(answer.data) == 3
    kinds = [query for _, query in asked.stage.query_client.asked]
    assert kinds == [Query("url", url.encode()), Query("image", b"bag")]


def test_two_thousand_texts_fit_in_one_request(asked: Asked) -> None:
    texts = [f"word {n}" for n in range(2048)]
    answer = asked.client.embeddings.create(model="builtin", input=texts)
    assert len(answer.data) == 2048
    np.testing.assert_allclose(
        answer.data[2047].embedding, fake_vector(b"word 2047", 16), atol=1e-7
    )


def test_the_models_that_run_are_listed_by_all_their_names(asked: Asked) -> None:
    assert [model.id for model in asked.client.models.list()] == ["builtin", "siglip"]
    assert asked.client.models.retrieve("siglip").owned_by == "vitrine"
    with pytest.raises(openai.NotFoundError):
        asked.client.models.retrieve("some/thing-else")


def test_a_model_that_there_is_not_is_404_and_one_without_worker_503(asked: Asked) -> None:
    told = asked.refused(openai.NotFoundError, model="gpt")
    assert told["code"] == "model_not_found"
    assert "builtin, siglip" in told["message"]
    asked.stage.query_client.crew.clear()
    assert asked.refused(openai.InternalServerError, model="siglip")["code"] == "model_unavailable"


def test_the_first_input_that_fails_fails_the_request_by_name(asked: Asked) -> None:
    told = asked.refused(
        openai.BadRequestError, input=["https://h/1.jpg", GONE], extra_body={"modality": "image"}
    )
    assert told["message"] == "input[1]: not_found, answered 404."
    told = asked.refused(openai.InternalServerError, input=["rot", "slow"])
    assert told["message"].startswith("input[1]: No worker answered")


def test_what_the_dialect_cannot_have_is_refused_in_words(asked: Asked) -> None:
    tokens = asked.refused(openai.BadRequestError, input=[1, 2, 3])
    assert (tokens["param"], tokens["type"]) == ("input", "invalid_request_error")
    assert "send texts" in tokens["message"]
    assert "send texts" in asked.refused(openai.BadRequestError, input=[[1, 2], [3]])["message"]
    cut = asked.refused(openai.BadRequestError, dimensions=8)
    assert "16 dimensions" in cut["message"]
    answer = asked.client.embeddings.create(model="builtin", input="rot", dimensions=16)
    assert len(answer.data[0].embedding) == 16
    unknown = asked.refused(openai.BadRequestError, extra_body={"colour": "red"})
    assert unknown["param"] == "colour"


def test_an_unknown_key_is_refused_in_the_dialect_s_own_words(asked: Asked) -> None:
    with (
        client_of(asked.url, "vitrine_wrong") as stranger,
        pytest.raises(openai.AuthenticationError) as caught,
    ):
        stranger.embeddings.create(model="builtin", input="rot")
    assert caught.value.body["code"] == "unauthorised"
