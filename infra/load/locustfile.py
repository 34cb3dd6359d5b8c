r"""A Locust load test of the API: users and programs that search, embed and submit.

    locust -f infra/load/locustfile.py --host http://127.0.0.1:8080 --collection shop --items items.txt \
        --picture dress.jpg --users 20 --spawn-rate 20 --run-time 60s --headless

`--tags` selects tasks: `item` (only the store is used), `picture` (a worker embeds it first), `words` (with `--words`), `embed`,
`submit`. `--pace` is how long a user looks at a response, in seconds; 0 sends the next request immediately, which finds the limit.
An error response counts as a failure. The API key comes from VITRINE_API_KEY. Submits use pictures at `--pictures-at` (a URL that
contains `{}`) and go to the collection `load-submits`; without this option nothing is submitted.
"""

from __future__ import annotations

import base64
import itertools
import os
import random
from pathlib import Path
from typing import Any

from locust import FastHttpUser, events, tag, task
from locust.env import Environment

SUBMITTED = 8
"""Items per submit: a small shop's new arrivals."""
WORDS = ("red striped dress", "blue dotted shirt", "leather bag", "white shoes")


def _options(parser: Any) -> None:
    parser.add_argument("--collection", default="shop", help="the collection to search")
    parser.add_argument("--items", default="", help="file of item ids, one per line")
    parser.add_argument("--picture", default="", help="file of the query picture")
    parser.add_argument("--pictures-at", default="", help="URL of pictures to submit, {} in it")
    parser.add_argument("--words", action="store_true", help="the model has a text tower")
    parser.add_argument(
        "--pace", type=float, default=1.0, help="seconds between two requests of one user"
    )


def _read(environment: Environment, **_: object) -> None:
    """Read the files once; tasks without their file send no requests."""
    given: Any = environment.parsed_options  # contains the options added by `_options`
    Visitor.collection, Visitor.pace = given.collection, given.pace
    Visitor.items = Path(given.items).read_text(encoding="utf-8").split() if given.items else []
    Visitor.picture = Path(given.picture).read_bytes() if given.picture else b""
    Visitor.pictures_at, Visitor.words = given.pictures_at, given.words


class Visitor(FastHttpUser):
    """A user who searches, embeds and submits."""

    collection = "shop"
    pace = 1.0
    items: list[str] = []  # noqa: RUF012 - set once, before the first user
    picture = b""
    pictures_at = ""
    words = False
    numbers = itertools.count(1)

    def wait_time(self) -> float:
        """Return the seconds until the next request."""
        return random.uniform(0.5, 1.5) * self.pace  # noqa: S311 - spreads load, guards nothing

    def on_start(self) -> None:
        """Set the API key header, if there is a key."""
        key = os.environ.get("VITRINE_API_KEY")
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}

    def _unseen(self) -> str:
        """Return the picture in base64 with random bytes after its end, which decoders ignore, so that it is embedded each time."""
        return base64.b64encode(self.picture + random.randbytes(8)).decode()  # noqa: S311 - as above

    def _ask(self, path: str, name: str, body: dict[str, Any]) -> None:
        self.client.post(path, json=body, name=name, headers=self.headers)

    @tag("item")
    @task(4)
    def more_like_this(self) -> None:
        """Search by an item of the collection."""
        if self.items:
            item = random.choice(self.items)  # noqa: S311 - as above
            self._ask("/v1/search", "search by item", {"collection": self.collection, "item": item})

    @tag("picture")
    @task(4)
    def by_picture(self) -> None:
        """Search by an uploaded picture."""
        if self.picture:
            body = {"collection": self.collection, "image_base64": self._unseen()}
            self._ask("/v1/search", "search by picture", body)

    @tag("words")
    @task(2)
    def by_words(self) -> None:
        """Search by words, which requires a model with a text tower."""
        if self.words:
            body = {"collection": self.collection, "text": random.choice(WORDS)}  # noqa: S311 - as above
            self._ask("/v1/search", "search by words", body)

    @tag("embed")
    @task(2)
    def embed(self) -> None:
        """Request a vector, like an external program."""
        if self.picture:
            body = {"image_base64": self._unseen(), "encoding": "base64"}
            self._ask("/v1/embed", "embed", body)

    @tag("submit")
    @task(1)
    def submit(self) -> None:
        """Submit new arrivals."""
        if self.pictures_at:
            first = SUBMITTED * next(self.numbers)
            items = [
                {"id": f"new-{n}", "images": [self.pictures_at.format(n)]}
                for n in range(first, first + SUBMITTED)
            ]
            self._ask("/v1/jobs", "submit", {"collection": "load-submits", "items": items})


_HOOKS: Any = events  # Locust does not annotate its events
_HOOKS.init_command_line_parser.add_listener(_options)
_HOOKS.test_start.add_listener(_read)
