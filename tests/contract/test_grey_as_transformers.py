"""A base64 picture, embedded in grey by a real DINOv2 through the RunPod dialect, compared with
transformers' own output.

All parts are real except the queue, as in `test_scores_as_transformers`; the model is tiny, with random weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from numpy.typing import NDArray
from redis import Redis

from tests.contract.test_scores_as_transformers import Service, encoded, pictures, running
from tests.tiny_models import BUILDERS
from vitrine.messaging.worker_registry import WORKERS_KEY
from workers.models.silence_logging import silence_libraries


@pytest.fixture(scope="module")
def service(private_redis: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    silence_libraries()
    directory = tmp_path_factory.mktemp("models") / "dinov2"
    directory.mkdir()
    BUILDERS["dinov2"](directory)
    with Redis.from_url(private_redis) as redis, running(redis, directory) as made:
        yield made
        redis.delete(WORKERS_KEY)


def class_tokens(service: Service, *, grey: bool) -> NDArray[np.float32]:
    """Compute transformers' class token of each picture after the last layer norm, scaled to length 1."""
    loading: Any = transformers  # its own annotations are partial
    processor = loading.AutoImageProcessor.from_pretrained(service.directory, backend="pil")
    model = loading.AutoModel.from_pretrained(service.directory).eval()
    shown = [one.convert("L").convert("RGB") if grey else one for one in pictures()]
    with torch.no_grad():
        tokens = model(**processor(shown, return_tensors="pt")).last_hidden_state[:, 0]
    units: NDArray[np.float32] = torch.nn.functional.normalize(tokens, dim=-1).numpy()
    return units


@pytest.mark.parametrize("grey", [True, False], ids=["grey", "coloured"])
def test_a_dinov2_endpoint_gives_the_class_token_of_the_picture_without_its_colours(
    service: Service, *, grey: bool
) -> None:
    expected, other = (class_tokens(service, grey=wanted) for wanted in (grey, not grey))
    for picture, token, wrong in zip(pictures(), expected, other, strict=True):
        given = {"image": encoded(picture)} | ({} if grey else {"grey": False})
        told = service.client.post(f"/v2/{service.model}/runsync", json={"input": given}).json()
        assert told["status"] == "COMPLETED", told
        found = np.array(told["output"]["embedding"])
        assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)
        assert found @ token >= 0.9999
        assert found @ wrong < 0.9999
