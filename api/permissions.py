"""Permissions of each request: one table of scopes, and of the action names in the audit log.

A request that is not in the table needs `read` if it is a GET or HEAD and `admin` otherwise, so a route that is
missing here is closed rather than open.

| scope | allows |
|---|---|
| read | view jobs, collections, workers and the documentation; search, embed, score |
| submit | submit and preview catalogs; retry failures; retry and cancel a request of RunPod's protocol |
| admin | everything; cancel jobs, empty RunPod's queue, delete |

`submit` can cancel a RunPod request, because that is a single query whose unguessable id only its client knows, so
nobody else loses anything. Cancelling a job needs `admin`, because a job is a catalog that others search.
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
"""Paths without any check: probes by supervisors and load balancers, which show only whether the service works."""


@dataclass(frozen=True, slots=True)
class Need:
    """A request's required scope, and its action name in the audit log; None if it changes nothing."""

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
    """Return what a request with this method and path needs."""
    if method in {"GET", "HEAD"}:
        return Need(Scope.READ)
    for pattern, need in _POSTS if method == "POST" else ():
        match = pattern.fullmatch(path)
        if match:
            return Need(need.scope, need.action, match.groupdict().get("job"))
    return Need(Scope.ADMIN, method.lower())
