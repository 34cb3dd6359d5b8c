"""The API client of the commands: responses that refuse a request become the errors that the API raised."""

from __future__ import annotations

import pytest
import requests

from vitrine.client import ApiClient
from vitrine.core.errors import QueueFull, RateLimited, VitrineError


@pytest.mark.parametrize("kind", [QueueFull, RateLimited])
def test_both_refusals_with_429_keep_their_code_and_their_wait(
    kind: type[VitrineError], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> requests.Response:
        answer = requests.Response()
        answer.status_code, answer.headers["Retry-After"] = 429, "7"
        answer._content = b'{"code": "%s", "detail": "No.", "hint": "Wait."}' % kind.code.encode()
        return answer

    monkeypatch.setattr(requests.Session, "post", refuse)
    with (
        ApiClient("http://127.0.0.1:1", timeout=1.0) as client,
        pytest.raises(QueueFull, match=r"No\.") as refused,
    ):
        client.embed({})
    assert (type(refused.value), refused.value.code) == (kind, kind.code)
    assert (refused.value.retry_after, refused.value.hint) == (7.0, "Wait.")
