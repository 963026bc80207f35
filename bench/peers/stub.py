"""The upstream of everybody: an OpenAI-images server that has every picture ready.

With the variable STUB_SECONDS each answer takes so long.
"""

import asyncio
import base64
import io
import os

import msgspec
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

SECONDS = float(os.environ.get("STUB_SECONDS", "0"))


class Order(msgspec.Struct):
    """What the answer depends on."""

    size: str = "1024x1024"


DECODER = msgspec.json.Decoder(Order)
answers: dict[str, bytes] = {}


async def generations(request: Request) -> Response:
    order = DECODER.decode(await request.body())
    if SECONDS:
        await asyncio.sleep(SECONDS)
    if order.size not in answers:
        answers[order.size] = answer_of(order.size)
    return Response(answers[order.size], media_type="application/json")


def answer_of(size: str) -> bytes:
    width, height = map(int, size.split("x"))
    file = io.BytesIO()
    Image.new("RGB", (width, height), "navy").save(file, "PNG")
    picture = base64.b64encode(file.getvalue()).decode()
    return msgspec.json.encode({"created": 1767965610, "data": [{"b64_json": picture}]})


async def well(_request: Request) -> Response:
    return Response(b'{"object":"list","data":[]}', media_type="application/json")


app = Starlette(
    routes=[
        Route("/v1/images/generations", generations, methods=["POST"]),
        Route("/v1/models", well),
        Route("/health", well),
    ]
)
