"""The messages of the MCP door: JSON-RPC. What is not let in is told in its shape too."""

from typing import Any, Literal

import msgspec

from heliograph.api.wire import ENCODER, Json, add_headers
from heliograph.base.errors import Fault, ServerFault

INVALID_REQUEST = -32600
INTERNAL_ERROR = -32603


class RpcMessage(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A request, or without `id` a notification."""

    jsonrpc: Literal["2.0"]
    id: int | str | None = None
    method: str
    params: dict[str, Any] | None = None


class RpcError(msgspec.Struct, frozen=True):
    """What went wrong, by the numbers of JSON-RPC and in a sentence."""

    code: int
    message: str


class RpcRefusal(msgspec.Struct, frozen=True):
    """The request was not let in. `id` is null, as the request was not read."""

    error: RpcError
    id: None = None
    jsonrpc: Literal["2.0"] = "2.0"


def rpc_refusal_body(fault: Fault) -> tuple[int, RpcRefusal]:
    """HTTP status and public JSON of `fault`."""
    ours = fault.status >= ServerFault.status
    code = INTERNAL_ERROR if ours else INVALID_REQUEST
    return fault.status, RpcRefusal(RpcError(code, fault.message))


def rpc_refusal(fault: Fault) -> Json:
    """`fault` as an answer."""
    status, body = rpc_refusal_body(fault)
    return add_headers(Json(ENCODER.encode(body), status), fault)
