"""Pictures from replicas on a Ray cluster, in the shape of OpenAI's images API. See docs/how-to/ray.md.

serve run app:build engine=studio most_replicas=8

Calls come to one door, which is never busy; each replica behind it makes one picture at a time.
"""

import base64
import time
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from pydantic import BaseModel, Field, ValidationError
from ray.exceptions import RayActorError
from ray.serve.handle import DeploymentHandle
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ray import serve

LARGEST_SIDE_PX = 2048
DOOR_CALLS = 1_000
QUEUED_SECONDS_BEFORE_GROWTH = 5.0
IDLE_SECONDS_BEFORE_SHRINKING = 120.0


class Options(BaseModel):
    """What `serve run` takes as name=value. `model` is a folder, or a name at Hugging Face."""

    engine: Literal["studio", "diffusers"] = "studio"
    model: str = ""
    cache_dir: Path = Path.home() / ".cache" / "heliograph-ray"
    fewest_replicas: int = Field(1, ge=1)
    most_replicas: int = Field(8, ge=1)
    cpus_per_replica: float = Field(1, gt=0)
    gpus_per_replica: float = Field(0, ge=0)


class Order(BaseModel):
    """One picture to make. Fields that are not named here are ignored."""

    prompt: str = Field(min_length=1)
    negative_prompt: str = ""
    size: str = Field("1024x1024", pattern=r"^\d{2,4}x\d{2,4}$")
    seed: int = Field(0, ge=0)
    n: int = Field(1, ge=1, le=1)
    references: tuple[bytes, ...] = ()

    @property
    def sides_px(self) -> tuple[int, int]:
        """Width and height."""
        width, height = self.size.split("x")
        return int(width), int(height)


class Drawn(NamedTuple):
    """A PNG, or why there is none."""

    png: bytes = b""
    reason: str = ""


class Engine(Protocol):
    """Whatever makes one picture at a time."""

    async def draw(self, order: Order) -> Drawn:
        """The picture in exactly the size that is ordered, or a reason."""


class StudioEngine:
    """The offline picture maker, in one process of its own."""

    def __init__(self, options: Options) -> None:
        from heliograph_studio import Studio

        self._studio = Studio(1, options.cache_dir)

    async def draw(self, order: Order) -> Drawn:
        """The picture, or the studio's own words."""
        import heliograph_studio as studio

        width, height = order.sides_px
        wanted = studio.Order(
            order.prompt, order.negative_prompt, width, height, order.seed, order.references
        )
        try:
            picture = await self._studio.draw(wanted, lambda _: None)
        except studio.StudioError as error:
            return Drawn(reason=str(error))
        return Drawn(picture.png)


class DiffusersEngine:
    """A pipeline of the library diffusers, called as the provider `diffusers` of the service calls it."""

    def __init__(self, options: Options) -> None:
        from heliograph.providers.diffusers.messages import Setup
        from heliograph.providers.diffusers.pipeline import load

        setup = Setup(options.model, "auto", "auto", str(options.cache_dir), None)
        self._painter = load(setup, lambda *_: None)

    async def draw(self, order: Order) -> Drawn:
        """The picture. The one call at a time may as well wait here."""
        from heliograph.providers.diffusers.messages import Order as Wanted

        width, height = order.sides_px
        negative, references = order.negative_prompt or None, order.references
        wanted = Wanted(0, order.prompt, negative, width, height, order.seed, references)
        png = self._painter.paint(wanted, lambda _: True)
        return Drawn(png or b"", "" if png else "the pipeline stopped")


ENGINES: dict[str, type[StudioEngine] | type[DiffusersEngine]] = {
    "studio": StudioEngine,
    "diffusers": DiffusersEngine,
}


@serve.deployment(max_ongoing_requests=1)
class Replica:
    """One engine, and one picture at a time."""

    def __init__(self, options: Options) -> None:
        self._engine: Engine = ENGINES[options.engine](options)

    async def draw(self, order: Order) -> Drawn:
        """The picture, or a reason."""
        return await self._engine.draw(order)


@serve.deployment(
    num_replicas=1, max_ongoing_requests=DOOR_CALLS, ray_actor_options={"num_cpus": 0}
)
class Door:
    """Reads calls, hands them to whichever replica is free, and answers."""

    def __init__(self, name: str, replicas: DeploymentHandle) -> None:
        self._name = name
        self._replicas = replicas

    async def __call__(self, request: Request) -> Response:
        """Answer one call."""
        match request.method, request.url.path:
            case "GET", "/health":
                return JSONResponse({"status": "healthy"})
            case "GET", "/v1/models":
                return JSONResponse({"object": "list", "data": [{"id": self._name}]})
            case "POST", "/v1/images/generations" | "/v1/images/edits":
                return await self._make(request)
        return refused(404, f"There is no {request.method} {request.url.path}")

    async def _make(self, request: Request) -> Response:
        try:
            order = Order(**await fields_of(request))
        except (ValidationError, ValueError, TypeError) as error:
            return refused(400, str(error))
        if max(order.sides_px) > LARGEST_SIDE_PX:
            return refused(400, f"size: a side has more than {LARGEST_SIDE_PX} px")
        try:
            drawn: Drawn = await self._replicas.draw.remote(order)
        except RayActorError:
            # asked again at once, it goes to another replica
            return refused(503, "The replica that made this picture is gone", {"Retry-After": "0"})
        if not drawn.png:
            return refused(500, drawn.reason)
        picture = {"b64_json": base64.b64encode(drawn.png).decode()}
        return JSONResponse({"created": int(time.time()), "data": [picture]})


async def fields_of(request: Request) -> dict[str, Any]:
    """The fields of a call, its pictures as `references`. Raises ValueError for a body that is none."""
    if request.url.path.endswith("generations"):
        body = await request.json()
        return {**body, "references": ()} if isinstance(body, dict) else {}
    async with request.form() as form:
        fields = {name: text for name, text in form.items() if isinstance(text, str)}
        files = [one for _, one in form.multi_items() if isinstance(one, UploadFile)]
        return fields | {"references": tuple([await file.read() for file in files])}


def refused(status: int, words: str, headers: dict[str, str] | None = None) -> Response:
    """An error in OpenAI's shape."""
    return JSONResponse({"error": {"message": words}}, status, headers)


def build(options: Options) -> serve.Application:
    """The application that `serve run` and `serve deploy` start."""
    replicas = Replica.options(
        ray_actor_options={
            "num_cpus": options.cpus_per_replica,
            "num_gpus": options.gpus_per_replica,
        },
        autoscaling_config={
            "min_replicas": options.fewest_replicas,
            "max_replicas": options.most_replicas,
            "target_ongoing_requests": 1,
            "upscale_delay_s": QUEUED_SECONDS_BEFORE_GROWTH,
            "downscale_delay_s": IDLE_SECONDS_BEFORE_SHRINKING,
        },
    ).bind(options)
    return Door.bind(options.model or options.engine, replicas)
