"""Operations of the doors: OpenAI's images API and the Model Context Protocol."""

from collections.abc import Iterator, Mapping
from typing import Any

from heliograph.api.described.operation import (
    JSON_BODY,
    KEYED,
    TASK_ID,
    Operation,
    Shape,
    model_parameter,
)
from heliograph.api.described.repeating import (
    IDEMPOTENCY_KEY,
    KEY_IS_ANOTHERS,
    STILL_BEING_WRITTEN,
)
from heliograph.api.doors.mcp.rpc import RpcMessage, RpcRefusal, rpc_refusal_body
from heliograph.api.doors.openai.answer import (
    ListedModel,
    ListedModels,
    MadeImages,
    Refusal,
    refusal_body,
)
from heliograph.api.doors.openai.body import EditBody, GenerationBody
from heliograph.api.doors.openai.routes import TASK_ID as TASK_ID_HEADER
from heliograph.api.idempotency import REPLAYED
from heliograph.base.errors import (
    BadRequest,
    Fault,
    Forbidden,
    Gone,
    NotFound,
    PaymentRequired,
    TaskFault,
)
from heliograph.catalog.model import Model

OPENAI = Shape(wrap=lambda answer: answer, refuse=refusal_body, refusal=Refusal)
JSON_RPC = Shape(wrap=lambda answer: answer, refuse=rpc_refusal_body, refusal=RpcRefusal)

NO_MODEL = NotFound(
    "The model 'dall-e-9' does not exist here. Use wan-2-5-image, or leave model out.",
    data={"error": "There is no such model", "field": "model"},
)
ENDINGS = (
    TaskFault("PromptInvalid", "Prompt is invalid or rejected by the model service"),
    TaskFault(
        "SensitiveContentDetected", "The picture failed the safety checks of the model service."
    ),
    TaskFault("Cancelled", "The task was cancelled. What was held for it has been given back."),
    TaskFault("Timeout", "The task was not finished in time. What was held has been given back."),
    TaskFault("InternalError", "The model service failed. What was held has been given back."),
)
BINARY = {"type": "string", "format": "binary"}
MADE = {
    "created": 1767965652,
    "data": [{"url": f"https://images.example.com/files/{TASK_ID}/1-0-5mVd0sZkqUu3eYxk.png"}],
    "size": "1280x1280",
}
LISTED = {"id": "wan-2-5-image", "object": "model", "created": 0, "owned_by": "heliograph"}


def door_operations(models: Mapping[str, Model]) -> Iterator[Operation]:
    """OpenAI's, then MCP's."""
    yield _generations()
    yield _edits()
    yield Operation(
        "GET",
        "/v1/models",
        "openaiModels",
        "OpenAI",
        "List models, as OpenAI does",
        "",
        KEYED,
        answer=ListedModels,
        examples={"models": {"object": "list", "data": [LISTED]}},
        keyed=True,
        shape=OPENAI,
    )
    yield Operation(
        "GET",
        "/v1/models/{model}",
        "openaiModel",
        "OpenAI",
        "Read a model, as OpenAI does",
        "",
        [NO_MODEL, *KEYED],
        answer=ListedModel,
        examples={"model": LISTED},
        parameters=[model_parameter(models)],
        keyed=True,
        shape=OPENAI,
    )
    yield _mcp()


def _generations() -> Operation:
    return _making(
        "/v1/images/generations",
        "openaiGenerate",
        "Make images, as OpenAI does",
        "Makes a task, holds the connection until it has ended, and answers with its images. For OpenAI's own"
        " clients: give them this server's address with `/v1` and a key. A client that leaves does not"
        " end its task, which `X-Task-Id` names. Whoever has no money gets 429 `insufficient_quota`.",
        faults=[
            BadRequest("n must be a whole number from 1 to 4, but is 9. Leave it out for 1.", "n"),
        ],
        body=GenerationBody,
        body_examples={"one": {"prompt": "a red fox in a forest at dawn", "size": "1024x1024"}},
    )


def _edits() -> Operation:
    fields = ("prompt", "model", "n", "size", "response_format", "negative_prompt")
    form = {
        "type": "object",
        "required": ["prompt", "image"],
        "properties": {
            **{name: {"type": "string"} for name in fields},
            "image": {"type": "array", "items": BINARY, "minItems": 1, "maxItems": 3},
        },
    }
    return _making(
        "/v1/images/edits",
        "openaiEdit",
        "Change or merge images, as OpenAI does",
        "As generations, with one to three images: files in a form (`image` or `image[]`), or addresses in"
        " JSON. The size is that of the nearest aspect ratio to `size`, else to the first file.",
        faults=[BadRequest("image must be 1 to 3 images, but there are 0.", "image")],
        body=EditBody,
        body_examples={
            "address": {"prompt": "make it winter", "image": "https://example.com/base.png"}
        },
        body_content={"multipart/form-data": {"schema": form}},
    )


def _making(
    path: str,
    name: str,
    summary: str,
    description: str,
    *,
    faults: list[Fault],
    **body: Any,
) -> Operation:
    return Operation(
        "POST",
        path,
        name,
        "OpenAI",
        summary,
        description,
        [
            *faults,
            *KEYED,
            NO_MODEL,
            STILL_BEING_WRITTEN,
            Gone(
                "The images have been deleted: their retention time is over, or the task's data was deleted"
            ),
            *JSON_BODY,
            KEY_IS_ANOTHERS,
            PaymentRequired(
                "Insufficient balance: the task needs $0.12, available is $0.05."
                " Add balance or ask for fewer images."
            ),
            *ENDINGS,
        ],
        answer=MadeImages,
        examples={"made": MADE},
        parameters=[IDEMPOTENCY_KEY],
        keyed=True,
        headers=(REPLAYED, TASK_ID_HEADER),
        shape=OPENAI,
        **body,
    )


def _mcp() -> Operation:
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    return Operation(
        "POST",
        "/mcp",
        "mcp",
        "MCP",
        "Talk to the tools of an agent",
        "The Model Context Protocol over streamable HTTP, without sessions: one JSON-RPC message in, one out, as"
        " JSON or as a stream with progress. Tools: generate_image, get_task, cancel_task, quote,"
        " get_balance, list_models. Messages that the protocol refuses get its own errors, with 400 or"
        " 404.",
        [
            BadRequest("The body did not arrive within 30 seconds"),
            Forbidden(
                "Pages of https://evil.example may not use this server: only its own pages, and those of"
                " this machine, may."
            ),
            NotFound("Method not found"),
            *JSON_BODY,
            *KEYED,
        ],
        media_type="text/event-stream",
        body=RpcMessage,
        body_examples={"list the tools": call},
        keyed=True,
        other_answers={"202": "The notification is taken note of."},
        shape=JSON_RPC,
    )
