"""Waiting for pictures with a progress bar for each, and saving them."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from heliograph.cli.spoken import tell
from heliograph_client import Client, NoAnswer, TaskStatus

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


def make(client: Client, task_id: str, model: str, out: Path, *, quiet: bool) -> list[Path]:
    """Wait for the end of `task_id` and save its pictures in `out`; gives their paths, in order.

    Raises TaskFailed when it ended without a picture.
    """
    try:
        if not quiet and sys.stderr.isatty():
            _watch(client, task_id, model)
        result = client.wait(task_id, model=model, timeout_seconds=None)
    except (KeyboardInterrupt, NoAnswer):
        typer.echo("", err=True)
        tell(f"Task {task_id} goes on. Fetch it with: heliograph wait {task_id}", err=True)
        raise
    out.mkdir(parents=True, exist_ok=True)
    return [
        image.save(out / f"{task_id}-{number}").absolute()
        for number, image in enumerate(result.images, start=1)
    ]


def _watch(client: Client, task_id: str, model: str) -> None:
    """Show how far the task is, until it has ended."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bars = [progress.add_task("waiting for a free slot", total=None)]
        for status in client.events(task_id, model=model):
            _draw(progress, bars, status)


def _draw(progress: "Progress", bars: "list[TaskID]", status: TaskStatus) -> None:
    """Bring the bars up to `status`: the first is for the time before any image has begun."""
    waiting, *images = bars
    if status.queue_position is not None:
        progress.update(waiting, description=f"waiting, number {status.queue_position}")
    if status.state != "pending" and not status.progress:
        progress.update(waiting, description="working")
    if status.progress and not images:
        progress.update(waiting, visible=False)
        names = (f"image {number}" for number in range(1, len(status.progress) + 1))
        bars += (progress.add_task(name, total=1.0) for name in names)
    for bar, done in zip(bars[1:], status.progress, strict=False):
        progress.update(bar, completed=done)
