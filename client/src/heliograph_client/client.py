"""The documented routes, one method each."""

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx2

from heliograph_client.errors import ApiError, NoAnswer, NoKey, TaskFailed

DEFAULT_BASE_URL = "http://127.0.0.1:8080"
DEFAULT_MODEL = "wan-2-5-image"
TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class TaskStatus:
    """State of a task; times are Unix milliseconds. `urls` is empty until `state` is `success`."""

    task_id: str
    state: str
    create_time: int
    urls: tuple[str, ...] = ()
    fail_code: str | None = None
    fail_message: str | None = None
    complete_time: int | None = None

    @property
    def ended(self) -> bool:
        """Whether the state will not change any more."""
        return self.state in ("success", "failed")


class Client:
    """A connection to one server with one API key.

    `api_key` and `base_url` default to HELIOGRAPH_API_KEY and HELIOGRAPH_BASE_URL.
    Every method raises ApiError when the server refuses and NoAnswer when it cannot be reached.
    """

    def __init__(self, api_key: str | None = None, base_url: str | None = None) -> None:
        key = api_key or os.environ.get("HELIOGRAPH_API_KEY")
        if not key:
            raise NoKey("No API key: set HELIOGRAPH_API_KEY or pass one.")
        self.base_url = (
            base_url or os.environ.get("HELIOGRAPH_BASE_URL") or DEFAULT_BASE_URL
        ).rstrip("/")
        self._http = httpx2.Client(
            base_url=self.base_url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=TIMEOUT_SECONDS,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def submit(  # noqa: PLR0913 - a request has as many parts
        self,
        prompt: str,
        *,
        negative_prompt: str | None = None,
        image_urls: Sequence[str] = (),
        aspect_ratio: str = "1:1",
        num_images: int = 4,
        model: str = DEFAULT_MODEL,
    ) -> str:
        """Submit a task, image-to-image when `image_urls` are given; gives its id."""
        body: dict[str, Any] = {
            "mode": "image-to-image" if image_urls else "text-to-image",
            "prompt": prompt,
            "aspect_ratio": aspect_ratio,
            "num_images": num_images,
        }
        if image_urls:
            body["image_urls"] = list(image_urls)
        if negative_prompt:
            body["negative_prompt"] = negative_prompt
        data = self._call(
            "POST", f"/api/v1/generateTask/{model}", json={"request_type": "async", "input": body}
        )
        return str(data["taskId"])

    def status(self, task_id: str, model: str = DEFAULT_MODEL) -> TaskStatus:
        """Read the state of a task once."""
        data = self._call("GET", f"/api/v1/statusTask/{model}", params={"taskId": task_id})
        result = json.loads(data["resultJson"]) if "resultJson" in data else {}
        return TaskStatus(
            task_id=data["taskId"],
            state=data["state"],
            create_time=data["createTime"],
            urls=tuple(result.get("resultUrls", ())),
            fail_code=data.get("failCode"),
            fail_message=data.get("failMsg"),
            complete_time=data.get("completeTime"),
        )

    def follow(
        self,
        task_id: str,
        *,
        model: str = DEFAULT_MODEL,
        every_seconds: float = 1.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Iterator[TaskStatus]:
        """Yield the status again and again until the task has ended (the last one included)."""
        while True:
            status = self.status(task_id, model)
            yield status
            if status.ended:
                return
            sleep(every_seconds)

    def wait(self, task_id: str, *, model: str = DEFAULT_MODEL) -> TaskStatus:
        """Wait for the end of a task. Raises TaskFailed when it ended without a picture."""
        *_, last = self.follow(task_id, model=model)
        if last.state == "failed":
            raise TaskFailed(task_id, last.fail_code or "", last.fail_message or "")
        return last

    def progress(self, task_id: str) -> list[float]:
        """How far each image is, from 0 to 1; empty while the task waits."""
        data = self._call("GET", f"/api/v1/tasks/{task_id}")
        return list(data.get("progress", ()))

    def download(self, url: str) -> bytes:
        """Fetch a picture; result addresses need no key, so none is sent."""
        try:
            answer = httpx2.get(url, timeout=TIMEOUT_SECONDS)
        except httpx2.HTTPError as error:
            raise NoAnswer(f"{url} cannot be fetched: {error}") from None
        if answer.status_code != httpx2.codes.OK:
            raise ApiError(answer.status_code, f"{url} cannot be fetched", None)
        return answer.content

    def balance(self) -> float:
        """What is left to spend, in dollars."""
        return float(self._call("GET", "/api/v1/apikeys/current-balance"))

    def models(self) -> list[dict[str, Any]]:
        """The models that can be asked, with modes, sizes, limits and prices."""
        return list(self._call("GET", "/api/v1/models")["items"])

    def _call(self, method: str, path: str, **options: Any) -> Any:
        try:
            answer = self._http.request(method, path, **options)
        except httpx2.HTTPError as error:
            raise NoAnswer(
                f"{self.base_url} does not answer ({error}). Is the server running there?"
            ) from None
        try:
            body = answer.json()
            code, message = body["code"], body["message"]
        except (ValueError, KeyError, TypeError):
            raise NoAnswer(f"{self.base_url} answered with something else than this API.") from None
        if code != httpx2.codes.OK:
            raise ApiError(answer.status_code, message, answer.headers.get("x-request-id"))
        return body["data"]
