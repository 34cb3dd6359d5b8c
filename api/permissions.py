"""What each request needs: one table of scopes, and of the actions that the audit log tells.

What is not in the table needs `read` to look at and `admin` for anything else, so a route that somebody
forgets to list here stands closed rather than open.

| scope | may |
|---|---|
| read | look at jobs, collections, workers and the documentation; search, embed, score |
| submit | submit catalogs; try failures again; retry and cancel a request of RunPod's protocol |
| admin | all of that; cancel jobs, empty RunPod's queue, delete |

A request of RunPod's protocol is one question, known to who asked it by an id that nobody guesses, so taking it back takes
nothing from others; a job is a catalog that others search.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from vitrine.core.api_keys import Scope

OPEN = frozenset(
    {
        "/healthz", "/readyz", "/v2/health/live", "/v2/health/ready", "/evaluator/health",
        "/system/health",
    }
)  # fmt: skip
"""Paths without any check: probes come from supervisors and balancers, and see only that things answer."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a request needs, and what it is called in the audit log; None where it changes nothing."""

    scope: Scope
    action: str | None = None
    job: str | None = None  #: The job that the path names.


_OIP = r"/v2/(models/[^/]+(/versions/[^/]+)?/(infer|trace/setting)|repository/.*|.*sharedmemory/.*|trace/setting|logging)"
_POSTS = (
    (re.compile(_OIP), Need(Scope.READ)),
    (re.compile(r"/v2/[^/]+/(run|runsync|stream/[^/]+)"), Need(Scope.READ)),
    (re.compile(r"/v2/[^/]+/cancel/(?P<job>[^/]+)"), Need(Scope.SUBMIT, "cancel request")),
    (re.compile(r"/v2/[^/]+/retry/(?P<job>[^/]+)"), Need(Scope.SUBMIT, "retry request")),
    (re.compile(r"/v2/[^/]+/purge-queue"), Need(Scope.ADMIN, "purge requests")),
    (re.compile(r"/v1/(search|embed|score|embeddings)"), Need(Scope.READ)),
    (re.compile(r"/evaluator/v1/evaluation/(single|batch)"), Need(Scope.READ)),
    (re.compile(r"/v1/jobs"), Need(Scope.SUBMIT, "submit")),
    (re.compile(r"/v1/preview"), Need(Scope.SUBMIT)),
    (re.compile(r"/v1/jobs/(?P<job>[^/]+)/retry"), Need(Scope.SUBMIT, "retry")),
    (re.compile(r"/v1/jobs/(?P<job>[^/]+)/cancel"), Need(Scope.ADMIN, "cancel")),
)


def need_of(method: str, path: str) -> Need:
    """What a request of this method at this path needs."""
    if method in {"GET", "HEAD"}:
        return Need(Scope.READ)
    for pattern, need in _POSTS if method == "POST" else ():
        match = pattern.fullmatch(path)
        if match:
            return Need(need.scope, need.action, match.groupdict().get("job"))
    return Need(Scope.ADMIN, method.lower())
