"""Waiting for pictures with a progress bar, and saving them."""

import base64
import io
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from heliograph.base.errors import OperatorError
from heliograph_client import Client, TaskFailed, TaskStatus

POLL_SECONDS = 0.5

#: What all references of one request may weigh as data URLs, below the body limit of 1 MB.
DATA_URL_BYTES = 900_000
REFERENCE_SIDE_PX = 1280
MOST_QUALITY = 90
LEAST_QUALITY = 30


def make(client: Client, task_id: str, model: str, out: Path, *, quiet: bool) -> list[Path]:
    """Wait for the end of `task_id` and save its pictures in `out`; gives their paths, in order.

    Raises TaskFailed when it ended without a picture.
    """
    ended = _wait(client, task_id, model, quiet=quiet or not sys.stderr.isatty())
    if ended.state == "failed":
        raise TaskFailed(task_id, ended.fail_code or "", ended.fail_message or "")
    out.mkdir(parents=True, exist_ok=True)
    return [_save(client, url, out / f"{task_id}-{n}") for n, url in enumerate(ended.urls, start=1)]


def _save(client: Client, url: str, path: Path) -> Path:
    path = path.with_suffix(Path(urlsplit(url).path).suffix)
    path.write_bytes(client.download(url))
    return path.absolute()


def _wait(client: Client, task_id: str, model: str, *, quiet: bool) -> TaskStatus:
    if quiet:
        *_, last = client.follow(task_id, model=model, every_seconds=POLL_SECONDS)
        return last
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as bars:
        return _show(client, task_id, model, bars)


def _show(client: Client, task_id: str, model: str, bars: "object") -> TaskStatus:
    """One bar for each image, and the elapsed time behind it."""
    from rich.progress import Progress, TaskID

    assert isinstance(bars, Progress)
    waiting = bars.add_task("waiting for a free slot", total=None)
    images: list[TaskID] = []
    while True:
        status = client.status(task_id, model)
        progress = client.progress(task_id)
        if progress and not images:
            bars.update(waiting, visible=False)
            images = [bars.add_task(f"image {n + 1}", total=1.0) for n in range(len(progress))]
        for bar, done in zip(images, progress, strict=False):
            bars.update(bar, completed=1.0 if status.ended else done)
        if status.ended:
            return status
        time.sleep(POLL_SECONDS)


def reference_url(image: str, images: int) -> str:
    """An address as it is; a file as a data URL that fits, with `images` of them, into one request.

    Raises OperatorError when the file cannot be read as a picture.
    """
    if image.startswith(("http://", "https://", "data:")):
        return image
    from PIL import Image, ImageOps

    try:
        with Image.open(image) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, ValueError) as error:
        raise OperatorError(f"{image} cannot be read as a picture: {error}") from None
    picture.thumbnail((REFERENCE_SIDE_PX, REFERENCE_SIDE_PX))
    for quality in range(MOST_QUALITY, LEAST_QUALITY, -10):
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality)
        encoded = base64.b64encode(buffer.getvalue()).decode()
        if len(encoded) <= DATA_URL_BYTES // images:
            break
    return f"data:image/jpeg;base64,{encoded}"
