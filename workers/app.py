"""The Celery app of the workers: `vitrine worker --model M`, or `celery -A workers.app worker --model M`.

Both tasks are safe to run twice: the ledger refuses chunks that are done or leased, and a query is taken only once.
"""

from __future__ import annotations

from typing import Any

import click
from celery import Celery, signals
from celery.exceptions import Reject

from vitrine.messaging.broker import INGEST_TASK, QUERY_TASK, make_app
from vitrine.telemetry import bind_process_fields, configure_logging
from workers.celery_app.bootsteps import QueryConsumerStep, RuntimeStep
from workers.celery_app.config import environment_settings
from workers.celery_app.node_name import set_node_name
from workers.celery_app.shutdown_deadline import STOP_SECONDS, exit_after
from workers.celery_app.task_result import MessageDeadLettered, task_result
from workers.dead_letters import NotDeadLettered
from workers.runtime import holder


def _worker_settings() -> dict[str, Any]:
    settings = environment_settings()
    return {
        "worker_pool": "threads",
        "worker_consumer": "workers.celery_app.consumer:WorkerConsumer",
        "worker_concurrency": settings.ingest_threads + settings.query_threads,
    }


def _add_options(worker_app: Celery) -> None:
    worker_app.user_options["worker"].add(
        click.Option(["--model"], help="Model name, hub id or directory; VITRINE_MODEL.")
    )
    worker_app.user_options["worker"].add(
        click.Option(["--device"], help="auto, cpu, cuda or cuda:N; VITRINE_DEVICE.")
    )


app = make_app(environment_settings)
app.add_defaults(_worker_settings)
app.steps["worker"].add(RuntimeStep)
app.steps["consumer"].add(QueryConsumerStep)
_add_options(app)


@signals.setup_logging.connect
def _configure_logging(**_: object) -> None:
    settings = environment_settings()
    configure_logging(settings.log_level, settings.log_format)


@signals.celeryd_init.connect
def _name(instance: Any, options: dict[str, Any], **_: object) -> None:
    bind_process_fields(worker=set_node_name(instance, options))


@signals.worker_shutting_down.connect
def _stop_soon(**_: object) -> None:
    holder.stop_soon()
    exit_after(STOP_SECONDS)


@app.task(name=INGEST_TASK, acks_late=True, ignore_result=True, throws=(MessageDeadLettered,))
def ingest(*message: object, **unknown: object) -> dict[str, int | str]:
    """Process one chunk. The message is acknowledged once its outcomes are in the ledger or it is dead-lettered.

    Accepts arguments of any form, so that a message it does not understand can be dead-lettered.
    """
    try:
        return task_result(holder.get().ingest(*message, *unknown.items()))
    except NotDeadLettered as error:
        raise Reject(str(error), requeue=True) from error


@app.task(name=QUERY_TASK, acks_late=False, ignore_result=True, throws=(MessageDeadLettered,))
def query(*message: object, **unknown: object) -> dict[str, int | str]:
    """Answer one query. Acknowledged beforehand: its client waits only seconds, so redelivery would come too late."""
    return task_result(holder.get().query(*message, *unknown.items()))
