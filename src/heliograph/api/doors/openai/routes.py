"""The calls of OpenAI's images API: each is one task, and the connection is held until it has ended."""

import base64
import uuid
from collections.abc import Sequence
from functools import partial

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from heliograph.accounts.account import Key
from heliograph.api.auth import Gate
from heliograph.api.body import read_json
from heliograph.api.doors.openai.answer import (
    RETRY,
    ListedModel,
    ListedModels,
    MadeImage,
    MadeImages,
    refusal,
)
from heliograph.api.doors.openai.body import (
    EditBody,
    GenerationBody,
    Size,
    nearest_ratio,
    outward,
    read_edit,
    read_size,
)
from heliograph.api.edge import ANSWER_HEADERS
from heliograph.api.idempotency import marked, read_idempotency_key
from heliograph.api.routes import MAX_SUBMITS_PER_COMMIT
from heliograph.api.wire import ENCODER, Json
from heliograph.base.batch import Batch
from heliograph.base.errors import BadRequest, Busy, Fault, Gone, NotFound, TaskFault
from heliograph.catalog.model import Mode, Model
from heliograph.catalog.request import Submission, read_submission
from heliograph.runtime import Runtime
from heliograph.tasks.observe.watch import wait_for_end
from heliograph.tasks.submit import Accepted, NewTask, submit_tasks
from heliograph.tasks.task import TaskStatus
from heliograph.tasks.view import file_url
from heliograph.uploads.store import Upload
from heliograph.uploads.upload import forget_uploads, keep_upload

#: Marks the tasks that came in through this door, in the statistics of their owner.
SOURCE = "openai"
TASK_ID = "X-Task-Id"

#: How long after its deadline a task may need to be ended: the sweep comes every few seconds.
DEADLINE_GRACE_SECONDS = 15


class OpenAIRoutes:
    """POST /v1/images/generations and /v1/images/edits, GET /v1/models and /v1/models/{model}."""

    def __init__(self, runtime: Runtime, gate: Gate) -> None:
        self._runtime = runtime
        self._gate = gate
        self._submit: Batch[NewTask, Accepted | Fault] = Batch(
            partial(submit_tasks, runtime), MAX_SUBMITS_PER_COMMIT
        )

    async def generate(self, request: Request) -> Response:
        """Images from a prompt."""
        key = await self._gate.admit(request)
        body = await read_json(request, GenerationBody)
        body.check()
        model = self._model(body.model)
        (mode, *_) = (mode for mode in model.modes.values() if not mode.max_references)
        size = read_size(body.size)
        submission = self._submission(model, mode, body, size, [])
        task = NewTask(key, submission, route="openai.generate")
        return await self._answer(request, body, task, await self._accept(request, task))

    async def edit(self, request: Request) -> Response:
        """Images from a prompt and other images, which come as files or as addresses."""
        key = await self._gate.admit(request)
        async with read_edit(request, self._model(None)) as (body, files):
            body.check()
            model = self._model(body.model)
            (mode, *_) = (mode for mode in model.modes.values() if mode.max_references)
            _check_count(mode, len(files) + len(body.addresses))
            # what is wrong with these is said before anything is kept
            read_size(body.size)
            read_idempotency_key(request)
            uploads = await self._keep(key, model, files)
        try:
            task = self._editing(key, model, mode, body, uploads)
            accepted = await self._accept(request, task)
        except Busy:
            raise  # the task may have been accepted, and need them
        except Fault:
            await forget_uploads(self._runtime, uploads)
            raise
        if accepted.replayed:
            await forget_uploads(self._runtime, uploads)
        return await self._answer(request, body, task, accepted)

    async def models(self, request: Request) -> Response:
        """What can be asked for."""
        await self._gate.admit(request)
        return _json(ListedModels(data=[_listed(name) for name in self._runtime.models]))

    async def model(self, request: Request) -> Response:
        """One model. Raises NotFound."""
        await self._gate.admit(request)
        return _json(_listed(self._model(request.path_params["model"]).model_id))

    def _model(self, name: str | None) -> Model:
        models = self._runtime.models
        if name is None:
            return next(iter(models.values()))
        if name not in models:
            raise NotFound(
                f"The model {name[:60]!r} does not exist here. Use {' or '.join(models)},"
                " or leave model out.",
                data={"error": "There is no such model", "field": "model"},
            )
        return models[name]

    async def _keep(self, key: Key, model: Model, files: Sequence[bytes]) -> list[Upload]:
        """The uploads of all `files`; when one of them cannot be kept, none is. Raises its Fault."""
        uploads: list[Upload] = []
        try:
            for index, data in enumerate(files):
                uploads.append(await self._keep_one(key, model, index, data))
        except Fault:
            await forget_uploads(self._runtime, uploads)
            raise
        return uploads

    async def _keep_one(self, key: Key, model: Model, index: int, data: bytes) -> Upload:
        try:
            return await keep_upload(self._runtime, key.account_id, data, model.references)
        except BadRequest as fault:
            name = f"image[{index}]"
            raise BadRequest(fault.message.replace("file", name, 1), name) from fault

    def _submission(
        self, model: Model, mode: Mode, body: GenerationBody, size: Size | None, urls: list[str]
    ) -> Submission:
        """The very request that generateTask would read. Raises BadRequest."""
        fields = {
            "mode": mode.name,
            "prompt": body.prompt,
            "negative_prompt": body.negative_prompt,
            "aspect_ratio": nearest_ratio(mode, size) if size else model.default_ratio,
            "num_images": body.num_images,
            "image_urls": urls,
        }
        try:
            return read_submission(
                msgspec.json.encode({"input": fields, "source": SOURCE}),
                model,
                check_callback=self._runtime.check_callback,
                check_image_url=self._runtime.check_image_url,
            )
        except BadRequest as fault:
            field = str((fault.data or {}).get("field") or "")
            raise BadRequest(outward(fault.message), outward(field) or None) from fault

    def _editing(
        self, key: Key, model: Model, mode: Mode, body: EditBody, uploads: list[Upload]
    ) -> NewTask:
        """The task that makes of `uploads`, and of what lies at addresses, what is asked."""
        urls = [file_url(upload.path, self._runtime.settings.public_url) for upload in uploads]
        first = (uploads[0].width, uploads[0].height) if uploads else None
        addresses = body.addresses
        size = read_size(body.size) or first
        submission = self._submission(model, mode, body, size, [*urls, *addresses])
        same = (*(upload.sha256 for upload in uploads), *addresses)
        repeated_as = msgspec.structs.replace(submission.image, image_urls=same)
        return NewTask(key, submission, route="openai.edit", repeated_as=repeated_as)

    async def _accept(self, request: Request, task: NewTask) -> Accepted:
        """Submit `task`. Raises the Fault with which it is refused."""
        key = read_idempotency_key(request)
        accepted = await self._submit(msgspec.structs.replace(task, idempotency_key=key))
        if isinstance(accepted, Fault):
            raise accepted
        return accepted

    async def _answer(
        self, request: Request, body: GenerationBody, task: NewTask, accepted: Accepted
    ) -> Response:
        """Wait for the end of the task, and answer with its images or with why there are none.

        A client that leaves does not end its task.
        """
        key = read_idempotency_key(request)
        headers = request.scope[ANSWER_HEADERS]
        headers.append((TASK_ID.lower().encode(), accepted.task_id.encode()))
        # from here on, whatever goes wrong, asking again without a key would make and charge another
        headers.append((RETRY, b"false" if key is None else b"true"))
        ended = await self._wait(self._runtime.models[task.submission.model], accepted.task_id)
        await self._gate.admit_again(request)
        if not ended.ended:
            raise _not_ended(accepted.task_id, repeatable=key is not None)
        headers[-1] = (RETRY, b"false")
        if ended.state == "failed":
            return refusal(TaskFault(str(ended.fail_code), outward(str(ended.fail_message))))
        images = await self._images(ended, as_bytes=body.response_format == "b64_json")
        return marked(_json(images), replayed=accepted.replayed)

    async def _wait(self, model: Model, task_id: str) -> TaskStatus:
        deadline = model.deadline_seconds or self._runtime.settings.task_deadline_seconds
        seconds = deadline + DEADLINE_GRACE_SECONDS
        task = await wait_for_end(self._runtime, uuid.UUID(task_id), seconds)
        assert task is not None, "a task that was accepted is there"
        return task

    async def _images(self, task: TaskStatus, *, as_bytes: bool) -> MadeImages:
        assert task.completed_at is not None, "a task that has ended did so at some time"
        first = next(image for image in task.images or () if "path" in image)
        public_url = self._runtime.settings.public_url
        return MadeImages(
            created=int(task.completed_at.timestamp()),
            data=[
                MadeImage(b64_json=await self._base64(path))
                if as_bytes
                else MadeImage(url=file_url(path, public_url))
                for path in task.paths
            ],
            size=f"{first['width']}x{first['height']}",
        )

    async def _base64(self, path: str) -> str:
        data = await self._runtime.storage.read(path)
        if data is None:
            raise Gone(
                "The images have been deleted: their retention time is over, or the task's data was deleted"
            )
        return base64.b64encode(data).decode()


def _check_count(mode: Mode, count: int) -> None:
    if not mode.min_references <= count <= mode.max_references:
        raise BadRequest(
            f"image must be {mode.min_references} to {mode.max_references} images, but there are {count}.",
            "image",
        )


def _not_ended(task_id: str, *, repeatable: bool) -> Busy:
    """The service stops, or nobody works on the task."""
    after = (
        "Repeat the request with its Idempotency-Key to wait on."
        if repeatable
        else f"Read GET /api/v1/tasks/{task_id} for its images; to repeat the request makes others."
    )
    return Busy(f"Task {task_id} has not ended yet, and goes on. {after}")


def _listed(name: str) -> ListedModel:
    # the catalogue knows of no dates
    return ListedModel(id=name, created=0)


def _json(answer: ListedModel | ListedModels | MadeImages) -> Json:
    return Json(ENCODER.encode(answer))
