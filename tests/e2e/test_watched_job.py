"""A job with planted failures, observed in every available way: all of them report what the ledger reports.

The whole module shares one service, one Flower and one job.
"""

from __future__ import annotations

import ast
import contextlib
import os
import pty
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.blocking_host import HeldShop, held_shop
from tests.e2e.flower_process import AUTH, Flower, flower
from tests.e2e.standalone_process import House, environment, standalone, until, vitrine
from tests.e2e.visible_texts import everything_told
from tests.faults.harness.picture_host import Host, _Handler, drawn
from tests.patience import PATIENCE
from vitrine.core.service_discovery import discover
from vitrine.core.settings import Settings
from vitrine.core.types import SCHEMA_VERSION
from vitrine.messaging.broker import INGEST_TASK, QUERY_TASK, ingest_queue, make_app
from vitrine.standalone.private_redis import free_port

pytestmark = [pytest.mark.e2e]

REPOSITORY = Path(__file__).resolve().parents[2]
RULES = "infra/prometheus/rules.yml"
NAMES = re.compile(r"\b((?:vitrine|process)_\w+)\b(?=\s*[\[{)]|\s|$)")
"""Matches the metrics in a Prometheus expression."""
PICTURES = 150
GONE, PAGES = 9, 4
"""Planted failures: missing pictures, and HTML pages in place of pictures."""
REASONS = {"not_found": GONE, "not_an_image": PAGES}


def planted(handler: _Handler, path: str) -> None:
    number = int(path)
    if number < GONE:
        handler.send(404, b"")
    elif number < GONE + PAGES:
        handler.send(200, b"<html>moved</html>")
    else:
        handler.send(200, drawn(number))


@dataclass(frozen=True)
class Watched:
    house: House
    flower: Flower
    host: str
    job: dict[str, Any]  #: The job's final status, from the API.
    held: HeldShop  #: Holds the worker until its doors are opened.

    @property
    def settings(self) -> Settings:
        return discover(Settings(data_dir=self.house.data_dir))


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    with (
        Host(planted) as host,
        held_shop() as held,
        standalone(
            folder, extra={"VITRINE_FETCH_ALLOW": f"{host.address},{held.address}"}
        ) as house,
        flower(house) as beside,
    ):
        items = [{"id": f"item-{n}", "images": [host.url(n)]} for n in range(PICTURES)]
        job = house.post("/v1/jobs", collection="watched", items=items)["job"]["id"]
        done = house.finished(job)
        picture = {"image": ("image", drawn(100_000))}
        answer = requests.post(
            f"{house.api}/v1/search",
            data={"collection": "watched"},
            files=picture,
            timeout=PATIENCE,
        )
        assert answer.ok, answer.text
        made = Watched(house, beside, host.address, done, held)
        send_broken_message(made.settings)
        until(lambda: finished_tasks(beside) >= done_tasks(), "Flower to hear of every end")
        yield made


def send_broken_message(settings: Settings) -> None:
    """Send a chunk's message without the chunk's number, which our own code never does."""
    app = make_app(lambda: settings)
    try:
        app.send_task(
            INGEST_TASK, args=[SCHEMA_VERSION, "broken"], queue=ingest_queue("builtin"),
            argsrepr="job=broken",
        )  # fmt: skip
    finally:
        app.close()


def finished_tasks(beside: Flower) -> int:
    return sum(task["state"] in {"SUCCESS", "FAILURE"} for task in beside.tasks(INGEST_TASK))


def done_tasks() -> int:
    return -(-PICTURES // 64) + 1


# --- Flower ---------------------------------------------------------------------------------------


def chunks(watched: Watched) -> list[dict[str, Any]]:
    """Return the job's tasks in Flower."""
    job = watched.job["id"]
    return [task for task in watched.flower.tasks(INGEST_TASK) if f"job={job}" in task["args"]]


def test_the_job_itself_came_to_what_was_planted(watched: Watched) -> None:
    assert watched.job["failed_by_reason"] == REASONS
    assert watched.job["embedded"] == PICTURES - GONE - PAGES


def test_flowers_counts_add_up_to_the_ledgers(watched: Watched) -> None:
    total: Counter[str] = Counter()
    for task in chunks(watched):
        assert task["state"] == "SUCCESS"
        total.update(ast.literal_eval(task["result"]))
    assert total.pop("put_off") == 0
    reasons = {name: count for name, count in total.items() if name.startswith("failed.")}
    assert reasons == {f"failed.{reason}": count for reason, count in REASONS.items()}
    assert (total["embedded"], total["failed"]) == (watched.job["embedded"], watched.job["failed"])


def test_flower_shows_which_chunk_of_which_job_it_was_and_how_long(watched: Watched) -> None:
    job = watched.job["id"]
    shown = {task["args"].strip("'\"") for task in chunks(watched)}
    assert shown == {f"job={job} chunk={number}" for number in range(-(-PICTURES // 64))}
    assert all(task["runtime"] > 0 for task in chunks(watched))


def test_flower_shows_a_message_that_could_not_be_done_as_a_failure(watched: Watched) -> None:
    [broken] = [t for t in watched.flower.tasks(INGEST_TASK) if "job=broken" in t["args"]]
    assert broken["state"] == "FAILURE"
    assert "MessageDeadLettered" in broken["exception"]
    failed = [t for t in watched.flower.tasks(INGEST_TASK) if t["state"] == "FAILURE"]
    assert failed == [broken]


def test_flower_names_the_worker_by_its_model_and_device(watched: Watched) -> None:
    workers = {task["worker"] for task in chunks(watched)}
    assert workers == watched.flower.workers()
    assert all(name.startswith("builtin.cpu.") for name in workers)


def test_a_question_is_a_task_that_tells_that_it_was_answered(watched: Watched) -> None:
    tasks = until(lambda: watched.flower.tasks(QUERY_TASK), "Flower to hear of the question")
    assert any("'answered': 1" in str(task["result"]) for task in tasks)
    assert {task["state"] for task in tasks} == {"SUCCESS"}


# --- Prometheus -----------------------------------------------------------------------------------

Scrape = dict[tuple[str, frozenset[tuple[str, str]]], float]


@dataclass(frozen=True)
class Scraped:
    """The metrics of an endpoint: the declared names, and the samples."""

    names: set[str]
    samples: Scrape

    def value(self, name: str, **labels: str) -> float:
        return self.samples[name, frozenset(labels.items())]


def scrape(url: str) -> Scraped:
    answer = requests.get(url, timeout=PATIENCE)
    assert answer.ok, answer.text
    families = list(text_string_to_metric_families(answer.text))
    return Scraped(
        # Metrics without samples so far are declared too.
        {line.split()[2] for line in answer.text.splitlines() if line.startswith("# TYPE ")},
        {(s.name, frozenset(s.labels.items())): s.value for f in families for s in f.samples},
    )


@pytest.fixture(scope="module")
def api(watched: Watched) -> Scraped:
    return scrape(f"{watched.house.api}/metrics")


@pytest.fixture(scope="module")
def worker(watched: Watched) -> Scraped:
    """The worker's metrics, read as Prometheus does: at the address that the API names."""
    [target] = watched.house.get("/v1/metrics/targets")
    assert target["labels"]["node"] in watched.flower.workers()
    [address] = target["targets"]
    return scrape(f"http://{address}/metrics")


def test_the_workers_count_of_pictures_is_the_ledgers(watched: Watched, worker: Scraped) -> None:
    name = "vitrine_images_total"
    assert worker.value(name, outcome="embedded", reason="") == watched.job["embedded"]
    for reason, count in REASONS.items():
        assert worker.value(name, outcome="failed", reason=reason) == count
    failed = {
        dict(labels)["reason"]
        for sample, labels in worker.samples
        if sample == name and ("outcome", "failed") in labels
    }
    assert failed == set(REASONS)


def test_every_stage_was_timed_and_every_byte_counted(watched: Watched, worker: Scraped) -> None:
    good = watched.job["embedded"]
    count = "vitrine_stage_seconds_count"
    assert worker.value(count, stage="fetch") == PICTURES
    assert worker.value(count, stage="decode") >= good
    assert worker.value("vitrine_batch_size_sum", lane="bulk") == good
    assert worker.value("vitrine_batch_size_sum", lane="query") == 1
    assert worker.value(count, stage="device") > 0
    assert worker.value("vitrine_device_busy_seconds_total") > 0
    upserts = worker.value("vitrine_store_seconds_count", operation="upsert", outcome="ok")
    assert upserts == worker.value("vitrine_chunks_total", outcome="done") == done_tasks() - 1
    assert worker.value("vitrine_leases") == 0
    least = sum(len(drawn(n)) for n in range(GONE + PAGES, PICTURES))
    assert worker.value("vitrine_fetched_bytes_total") >= least


def test_the_api_counts_its_requests_and_the_service(watched: Watched, api: Scraped) -> None:
    requests_total = "vitrine_http_requests_total"
    assert api.value(requests_total, method="POST", route="/v1/search", status="200") == 1
    assert api.value(requests_total, method="POST", route="/v1/jobs", status="202") == 1
    assert api.value("vitrine_workers", model="builtin") == 1
    assert api.value("vitrine_pending_images") == 0
    assert api.value("vitrine_ledger_up") == 1


@pytest.mark.parametrize("path", sorted((REPOSITORY / "infra").glob("grafana/dashboards/*.json")),
                         ids=lambda path: path.stem)  # fmt: skip
def test_what_a_dashboard_draws_is_exported(path: Path, api: Scraped, worker: Scraped) -> None:
    board = orjson.loads(path.read_bytes())
    drawn_ = [t["expr"] for panel in board["panels"] for t in panel.get("targets", ())]
    assert_exported(drawn_, api, worker)


def test_what_an_alert_looks_at_is_exported(api: Scraped, worker: Scraped) -> None:
    rules = yaml.safe_load((REPOSITORY / "infra/prometheus/rules.yml").read_text())
    assert_exported([r["expr"] for g in rules["groups"] for r in g["rules"]], api, worker)


def assert_exported(expressions: list[str], api: Scraped, worker: Scraped) -> None:
    """Assert that every metric used by the expressions is exported or recorded by a rule."""
    recorded = set(re.findall(r"- record: (\S+)", (REPOSITORY / RULES).read_text()))
    named = {name for expr in expressions for name in NAMES.findall(expr)}
    sums = {name for expr in expressions for name in re.findall(r"vitrine:[\w:]+", expr)}
    assert named
    assert sums <= recorded
    exported = api.names | worker.names
    assert {family(name, exported) for name in named} <= exported


def family(name: str, exported: set[str]) -> str:
    """Return the metric that a sample belongs to: a histogram has buckets, a sum and a count."""
    stem = re.sub(r"_(bucket|sum|count)$", "", name)
    return stem if stem in exported else name


def test_every_metric_is_in_the_list_that_people_read(api: Scraped, worker: Scraped) -> None:
    page = (REPOSITORY / "docs/metrics.md").read_text()
    ours = {name for name in api.names | worker.names if name.startswith("vitrine_")}
    assert ours == set(re.findall(r"^\| `(vitrine_\w+)`", page, flags=re.MULTILINE))


def test_prometheus_itself_finds_and_reads_the_api_and_the_worker(
    watched: Watched, tmp_path: Path
) -> None:
    """Runs our own configuration, with this service's addresses and shorter intervals."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is not on the PATH (Debian's package prometheus brings it)")
    (tmp_path / "key").write_text("unused-on-loopback")
    shutil.copy(REPOSITORY / RULES, tmp_path)
    config = (REPOSITORY / "infra/prometheus/prometheus.yml").read_text()
    for ours, here in (
        ("api:8080", watched.house.api.removeprefix("http://")),
        ("/tmp/vitrine.key", str(tmp_path / "key")),
        ("scrape_interval: 15s", "scrape_interval: 5s"),
        ("scrape_timeout: 10s", "scrape_timeout: 5s"),
        ("refresh_interval: 15s", "refresh_interval: 1s"),
    ):
        assert ours in config
        config = config.replace(ours, here)
    (tmp_path / "prometheus.yml").write_text(config)
    port = free_port()
    command = [
        program, "--config.file=prometheus.yml", "--storage.tsdb.path=data",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)

    def asked(query: str) -> list[dict[str, Any]]:
        with contextlib.suppress(requests.ConnectionError):
            answer = requests.get(
                f"http://127.0.0.1:{port}/api/v1/query", params={"query": query}, timeout=PATIENCE
            )
            if answer.ok:
                found: list[dict[str, Any]] = answer.json()["data"]["result"]
                return found
        return []

    try:
        until(lambda: len(asked("up == 1")) == 2, "both to be read")
        [total] = until(lambda: asked("sum(vitrine_images_total)"), "the pictures")
        assert float(total["value"][1]) == PICTURES
        [worker] = until(lambda: asked("vitrine_leases"), "the worker's leases")
        assert worker["metric"]["node"] in watched.flower.workers()
        assert worker["metric"]["model"] == "builtin"
    finally:
        process.kill()
        process.wait()


# --- the terminal and the logs --------------------------------------------------------------------


def test_top_tells_of_the_job_and_the_worker(watched: Watched) -> None:
    told = orjson.loads(run_top(watched, "--json"))
    [shown] = [job for job in told["jobs"] if job["job"] == watched.job["id"]]
    assert shown["failed_by_reason"] == REASONS
    [worker] = told["workers"]
    assert worker["node"] in watched.flower.workers()
    assert worker["vitals"]["embedded"] == watched.job["embedded"]
    assert worker["vitals"]["failed"] == watched.job["failed"]
    assert told["active_jobs"] == told["pending_images"] == 0


def run_top(watched: Watched, *options: str) -> str:
    done = vitrine(watched.house.data_dir, "top", *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_top_on_a_terminal_goes_on_until_somebody_presses_q(watched: Watched) -> None:
    terminal, inside = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "vitrine", "top", "--interval", "0.2"],
        env={**environment(watched.house.data_dir), "TERM": "xterm", "COLUMNS": "160"},
        stdin=inside, stdout=inside, stderr=inside, close_fds=True,
    )  # fmt: skip
    os.close(inside)
    shown = b""
    try:
        while shown.count(watched.job["id"].encode()) < 2:  # It redraws by itself.
            shown += os.read(terminal, 65536)
        os.write(terminal, b"q")
        with contextlib.suppress(OSError):  # The other end closes when it ends.
            while os.read(terminal, 65536):
                pass
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()
        os.close(terminal)


@pytest.fixture(scope="module")
def lines(watched: Watched) -> list[dict[str, Any]]:
    """The worker's log: one JSON object per event."""
    text = (watched.house.data_dir / "logs" / "worker.log").read_text()
    return [orjson.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_every_failed_picture_is_a_line_with_what_it_is_about(
    watched: Watched, lines: list[dict[str, Any]]
) -> None:
    failed = [line for line in lines if line["event"].startswith("a picture failed")]
    assert Counter(line["reason"] for line in failed) == REASONS
    assert {line["job"] for line in failed} == {watched.job["id"]}
    assert {line["item"] for line in failed} == {f"item-{n}" for n in range(GONE + PAGES)}
    assert {line["host"] for line in failed} == {watched.host.partition(":")[0]}
    assert {line["worker"] for line in failed} == watched.flower.workers()


def test_every_chunk_is_a_line_with_its_counts(
    watched: Watched, lines: list[dict[str, Any]]
) -> None:
    done = [line for line in lines if line["event"] == "the chunk is done"]
    assert {line["chunk"] for line in done} == set(range(-(-PICTURES // 64)))
    assert sum(line["embedded"] for line in done) == watched.job["embedded"]


# --- a chunk that comes back -----------------------------------------------------------------------


def test_flower_shows_a_chunk_that_was_given_back_as_a_retry_with_its_reason(
    watched: Watched,
) -> None:
    """Its collection is deleted while its picture is being fetched. Runs second to last because it adds to
    counts that other tests check."""
    items = [{"id": "held", "images": watched.held.urls(1)}]
    job = watched.house.post("/v1/jobs", collection="deleted", items=items)["job"]["id"]
    with watched.house.store() as store:
        until(lambda: "deleted" in [each.name for each in store.collections()], "the collection")
        store.delete("deleted")
    watched.held.open()

    def retried() -> list[dict[str, Any]]:
        tasks = watched.flower.tasks(INGEST_TASK)
        return [
            task for task in tasks if f"job={job} " in task["args"] and task["state"] == "RETRY"
        ]

    [task] = until(retried, "Flower to hear of the retry")
    assert "store_unavailable" in task["exception"]
    assert watched.house.get(f"/v1/jobs/{job}")["pending"] == 1
    [target] = watched.house.get("/v1/metrics/targets")
    worker = scrape(f"http://{target['targets'][0]}/metrics")
    assert worker.value("vitrine_chunks_total", outcome="given_back") == 1
    watched.house.post(f"/v1/jobs/{job}/cancel")


# --- load -----------------------------------------------------------------------------------------


def test_users_of_every_kind_ask_at_once_and_none_meets_an_error(
    watched: Watched, tmp_path: Path
) -> None:
    """Runs last in this module because it adds to counts that other tests check."""
    (tmp_path / "items.txt").write_text("\n".join(f"item-{n}" for n in range(50, 90)))
    (tmp_path / "picture.png").write_bytes(drawn(200_000))
    kinds = {"search by item", "search by picture", "embed", "submit"}
    rows: dict[str, dict[str, Any]] = {}
    # Requests are random: on a loaded machine, three seconds may not include every kind.
    for seconds in (3, 30, 300):
        rows = _visited(watched, tmp_path, seconds)
        if set(rows) == kinds:
            break
    assert set(rows) == kinds
    assert {name: row["num_failures"] for name, row in rows.items()} == dict.fromkeys(rows, 0)


def _visited(watched: Watched, tmp_path: Path, seconds: int) -> dict[str, dict[str, Any]]:
    """Run the load test for this many seconds; return the results by kind of request."""
    command = [
        sys.executable, "-m", "locust", "-f", str(REPOSITORY / "infra/load/locustfile.py"),
        "--headless", "--json", "--host", watched.house.api, "--users", "6", "--spawn-rate", "6",
        "--run-time", f"{seconds}s", "--pace", "0.02", "--collection", "watched",
        "--items", str(tmp_path / "items.txt"), "--picture", str(tmp_path / "picture.png"),
        "--pictures-at", f"http://{watched.host}/{{}}",
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=PATIENCE, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    return {row["name"]: row for row in orjson.loads(done.stdout)}


# --- Secrets --------------------------------------------------------------------------------------


def test_no_password_stands_in_anything_that_is_told_or_kept(watched: Watched) -> None:
    """Redis also holds messages: those of a job whose model has no worker."""
    items = [{"id": "waiting", "images": ["https://shop.example/waiting.jpg"]}]
    waiting = watched.house.post(
        "/v1/jobs", collection="other", model="nobody/s-model", items=items
    )
    running = watched.house.running
    secrets = {
        "Redis": urlsplit(running["redis_url"]).password or "",
        "the store": running["store_token"],
        "Flower": AUTH[1],
    }
    assert all(len(secret) >= 16 for secret in secrets.values())
    try:
        told = list(everything_told(watched.house, watched.flower))
    finally:
        watched.house.post(f"/v1/jobs/{waiting['job']['id']}/cancel")
    for where, text in told:
        for whose, secret in secrets.items():
            assert secret not in text, f"{where} tells the password of {whose}"
    # Make sure that the texts included a waiting job, the live worker, and Flower's data about it.
    redis = [text for where, text in told if where.startswith("Redis'")]
    [node] = watched.flower.workers()
    assert any(waiting["job"]["id"] in text for text in redis)
    assert any(node in text for text in redis)
    assert any(node in text and "broker_url" in text for where, text in told if "Flower" in where)
