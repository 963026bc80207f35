"""The floor for durable queues in Redis: a Celery task that does nothing."""

import os

from celery import Celery

app = Celery("floor", broker=os.environ["REDIS_URL"])
app.conf.update(task_ignore_result=True, task_acks_late=True, worker_prefetch_multiplier=10)


@app.task(name="nothing")
def nothing() -> None:
    """Done already."""
