"""The limit for the web part: the same two calls in Starlette and msgspec, and nothing behind them."""

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from heliograph.catalog.body import GenerateTaskBody

DECODER = msgspec.json.Decoder(GenerateTaskBody)
ENCODER = msgspec.json.Encoder()
TASK_ID = "01a203267159759fbaa0032011f326c4"


async def generate_task(request: Request) -> Response:
    DECODER.decode(await request.body())
    return _answer({"taskId": TASK_ID})


async def status_task(request: Request) -> Response:
    task_id = request.query_params["taskId"]
    return _answer({"taskId": task_id, "state": "processing", "createTime": 1767965610929})


def _answer(data: object) -> Response:
    body = ENCODER.encode({"code": 200, "message": "success", "data": data})
    return Response(body, media_type="application/json")


app = Starlette(
    routes=[
        Route("/api/v1/generateTask/{model}", generate_task, methods=["POST"]),
        Route("/api/v1/statusTask/{model}", status_task, methods=["GET"]),
    ]
)
