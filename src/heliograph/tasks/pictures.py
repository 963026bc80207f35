"""Pictures on disk before the money moves: a customer pays only for files that can be served."""

import asyncio
import hashlib
import secrets
import uuid
from typing import Any

from heliograph.base.beside import beside
from heliograph.base.errors import PictureRefused
from heliograph.base.log import log
from heliograph.intake.header import scan
from heliograph.providers.provider import Finished, Made, Missing
from heliograph.runtime import Runtime
from heliograph.tasks.task import Ending, Task

SUFFIXES = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}


def folder_of(task_id: uuid.UUID) -> str:
    """Where all pictures of a task are, those too that a worker left who was killed before the ending."""
    return f"results/{task_id.hex}"


async def store_pictures(runtime: Runtime, task: Task, finished: Finished) -> Ending:
    """Write every picture that was made, under the claim's own names; give the task's ending.

    Images that are missing, or that turn out to be no pictures, are named with their reason.
    Raises Busy when storage cannot take them.
    """
    wanted = enumerate(finished.images[: task.request.num_images])
    images = await asyncio.gather(*(_store_one(runtime, task, *one) for one in wanted))
    missing = next((image for image in images if "path" not in image), None)
    if missing is None or any("path" in image for image in images):
        return Ending(
            tuple(images),
            warnings=finished.warnings,
            scene=finished.scene,
            stored_at=runtime.clock.now(),
        )
    return Ending(tuple(images), missing["fail_code"], missing["fail_message"], finished.warnings)


async def _store_one(
    runtime: Runtime, task: Task, index: int, image: Made | Missing
) -> dict[str, Any]:
    if isinstance(image, Missing):
        return _missing(image.code, image.message)
    try:
        header = scan(image.data)
        suffix = SUFFIXES[header.format]
    except (PictureRefused, KeyError) as error:
        log.error("provider.not_a_picture", index=index, error=str(error))
        return _missing(
            "InternalError", "The image engine answered with something that is no picture."
        )
    objection = await runtime.moderation.find(image.data)
    if objection is not None:
        return _missing(objection.code, "The picture that was made is not allowed here.")
    # the path is the only key to the file, so it must not be guessable
    name = f"{task.claim_no}-{index}-{secrets.token_hex(16)}.{suffix}"
    path = f"{folder_of(task.task_id)}/{name}"
    digest, _ = await asyncio.gather(
        beside(hashlib.sha256, image.data), runtime.storage.write(path, image.data)
    )
    return {
        "path": path,
        "width": header.width,
        "height": header.height,
        "size_bytes": len(image.data),
        "sha256": digest.hexdigest(),
    }


def _missing(code: str, message: str) -> dict[str, Any]:
    return {"fail_code": code, "fail_message": message}


async def discard_pictures(runtime: Runtime, ending: Ending) -> None:
    """Delete what a lost claim has written; no row names these files."""
    for image in ending.images:
        if "path" in image:
            await runtime.storage.delete(image["path"])
