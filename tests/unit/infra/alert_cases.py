"""Series that make each alert fire and series that must not, for `promtool test rules`: an hour, one value per minute."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

Series: TypeAlias = dict[str, str]
"""A series by name and labels, in promtool's notation: `1x60` is constant, `0+64x60` grows by 64 per minute."""

API = '{job="vitrine-api", instance="api:8080"}'
WORKER = '{job="vitrine-worker", instance="w:9100", node="builtin.cpu.7@w"}'
EMBEDDED = 'vitrine_images_total{outcome="embedded", reason=""}'
TIMEOUT = 'vitrine_images_total{outcome="failed", reason="timeout"}'
PARKED = 'vitrine_chunks_total{outcome="parked"}'
DEPTH = 'vitrine_queue_depth{model="builtin", lane="bulk"}'
SEARCH = 'vitrine_http_request_seconds_bucket{route="/v1/search", le='
ANSWERS = "vitrine_http_requests_total{status="


@dataclass(frozen=True)
class Case:
    """An alert, with series on which it fires, and on which it stays quiet."""

    alert: str
    fires: Series
    quiet: Series
    labels: dict[str, str] = field(default_factory=dict)  #: In addition to the severity.
    severity: str = "critical"


CASES = (
    Case(
        "VitrineApiDown", {f"up{API}": "0x60"}, {f"up{API}": "1x60"},
        {"job": "vitrine-api", "instance": "api:8080"},
    ),
    Case(
        "VitrineLedgerDown", {f"vitrine_ledger_up{API}": "0x60"}, {f"vitrine_ledger_up{API}": "1x60"},
        {"job": "vitrine-api", "instance": "api:8080"},
    ),
    Case(
        "VitrineWorkerDown", {f"up{WORKER}": "0x60"}, {f"up{WORKER}": "1x60", f"up{API}": "0x60"},
        {"job": "vitrine-worker", "instance": "w:9100", "node": "builtin.cpu.7@w"}, "warning",
    ),
    # A worker for another model does not help.
    Case(
        "VitrineNoWorker", {DEPTH: "5x60", 'vitrine_workers{model="other"}': "1x60"},
        {DEPTH: "5x60", 'vitrine_workers{model="builtin"}': "1x60"}, {"model": "builtin"},
    ),
    Case(
        "VitrineStandstill", {"vitrine_pending_images": "9x60", EMBEDDED: "50x60"},
        {"vitrine_pending_images": "9x60", EMBEDDED: "0+1x60"},
    ),
    Case(
        "VitrineStoreAway", {f"vitrine_store_away{WORKER}": "1x60"},
        {f"vitrine_store_away{WORKER}": "0x60"},
    ),
    Case(
        "VitrineManyFailures", {EMBEDDED: "0+70x60", TIMEOUT: "0+30x60"},
        {EMBEDDED: "0+90x60", TIMEOUT: "0+10x60"}, {}, "warning",
    ),
    Case(
        "VitrineMessagesParked", {PARKED: "0x50 1x9"}, {PARKED: "7x60"}, {}, "warning",
    ),
    Case(
        "VitrineChunkTooOld", {f"vitrine_lease_age_seconds{WORKER}": "900x60"},
        {f"vitrine_lease_age_seconds{WORKER}": "500x60"}, {"node": "builtin.cpu.7@w"}, "warning",
    ),
    Case(
        "VitrineQueueNearlyFull",
        {"vitrine_pending_images": "95x60", "vitrine_pending_images_limit": "100x60"},
        {"vitrine_pending_images": "85x60", "vitrine_pending_images_limit": "100x60"}, {}, "warning",
    ),
    Case(
        "VitrineSearchSlow",
        {f'{SEARCH}"0.5"}}': "0x60", f'{SEARCH}"1.0"}}': "0+9x60", f'{SEARCH}"+Inf"}}': "0+9x60"},
        {f'{SEARCH}"0.1"}}': "0+9x60", f'{SEARCH}"1.0"}}': "0+9x60", f'{SEARCH}"+Inf"}}': "0+9x60"},
        {}, "warning",
    ),
    # Errors caused by clients do not count.
    Case(
        "VitrineApiErrors", {f'{ANSWERS}"200"}}': "0+90x60", f'{ANSWERS}"503"}}': "0+10x60"},
        {f'{ANSWERS}"200"}}': "0+90x60", f'{ANSWERS}"404"}}': "0+90x60"}, {}, "warning",
    ),
)  # fmt: skip


def as_promtool(cases: tuple[Case, ...]) -> list[dict[str, object]]:
    """Return promtool's tests: after an hour, each case has fired on the first series, and not on the second."""
    return [
        {
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "alert_rule_test": [
                {"eval_time": "59m", "alertname": case.alert, "exp_alerts": expected}
            ],
        }
        for case in cases
        for series, expected in (
            (case.fires, [{"exp_labels": {**case.labels, "severity": case.severity}}]),
            (case.quiet, []),
        )
    ]
