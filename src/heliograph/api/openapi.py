"""The OpenAPI 3.1 document, made of the types that decode requests and encode answers."""

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from heliograph.api.described.operation import Operation
from heliograph.api.described.operations import operations
from heliograph.api.session import COOKIE
from heliograph.base.errors import Fault, TaskFault
from heliograph.catalog.model import Model

DESCRIPTION = """\
Image generation as tasks: submit a task, keep its `taskId`, and collect one to four pictures by
polling or by webhook.

Every JSON answer has the same envelope: `code` (the HTTP status), `message`, and `data`. Every answer
carries `X-Request-Id`, yours if you send a sane one; answers to a key carry its rate limit in
`X-RateLimit-Limit`, `-Remaining` and `-Reset`; 429 and 503 say in `Retry-After` when to come back.
A method that a path does not have is answered with 405 and `Allow`.
"""

SESSION = (
    "Who is signed in at the pages of this server, where no key is sent. A request that changes something"
    " must then come from one of these pages (403 otherwise) and be of the type application/json (415)."
)

HEADERS = {
    "X-Request-Id": "Names this request, here and in the service's log.",
    "Retry-After": "Seconds after which to come back.",
    "ETag": "Names this very answer; send it in If-None-Match to be told when it is still so.",
    "Idempotent-Replayed": "`true` when this was accepted before, under the same Idempotency-Key.",
    "X-Task-Id": "The task that makes the images.",
    "X-RateLimit-Limit": "Requests a minute that the key may make.",
    "X-RateLimit-Remaining": "How many of them are left.",
    "X-RateLimit-Reset": "Seconds until the limit is whole again.",
}
TEXTS = ("X-Request-Id", "ETag", "Idempotent-Replayed", "X-Task-Id")

_REFERENCE = "#/components/schemas/{name}"


def build_openapi(models: Mapping[str, Model], server_url: str = "/") -> dict[str, Any]:
    """The whole document for a service at `server_url` that offers `models`."""
    described = operations(models)
    types = [kind for one in described for kind in (one.answer, one.body, one.shape.refusal)]
    distinct = [kind for kind in dict.fromkeys(types) if kind is not None]
    schemas, components = msgspec.json.schema_components(distinct, ref_template=_REFERENCE)
    by_type = dict(zip(distinct, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for one in described:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, by_type)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Heliograph",
            "version": "1",
            "summary": "Image generation as tasks",
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server_url}],
        "tags": [{"name": tag} for tag in dict.fromkeys(one.tag for one in described)],
        "paths": paths,
        "components": {
            "schemas": _tidy(components),
            "headers": _headers(),
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "Your API key."},
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": COOKIE,
                    "description": SESSION,
                },
            },
        },
    }


def _operation(one: Operation, schemas: Mapping[Any, Any]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "operationId": one.name,
        "tags": [one.tag],
        "summary": one.summary,
        "description": one.description,
        "security": [
            *([{"key": []}] if one.keyed else []),
            *([{"session": []}] if one.signed else []),
        ],
        "parameters": list(one.parameters),
        "responses": _responses(one, schemas),
    }
    content = dict(one.body_content or {})
    if one.body is not None:
        examples = _examples(one.body_examples or {})
        content["application/json"] = {"schema": schemas[one.body], "examples": examples}
    if content:
        document["requestBody"] = {"required": True, "content": content}
    return {name: value for name, value in document.items() if value or name == "security"}


def _responses(one: Operation, schemas: Mapping[Any, Any]) -> dict[str, Any]:
    responses = {
        code: _response(text, one, one.headers) for code, text in (one.other_answers or {}).items()
    }
    if one.answer is not None:
        wrapped = {name: one.shape.wrap(data) for name, data in (one.examples or {}).items()}
        content = {"schema": schemas[one.answer], "examples": _examples(wrapped)}
        responses["200"] = _response("Success.", one, one.headers) | {
            "content": {one.media_type: {}, "application/json": content}
        }
    elif one.media_type:
        responses["200"] = _response("Success.", one, one.headers) | {
            "content": {one.media_type: {}}
        }
    alike: dict[int, list[tuple[Fault | TaskFault, Any]]] = {}
    for fault in one.faults:
        status, body = one.shape.refuse(fault)
        alike.setdefault(status, []).append((fault, body))
    for status, refusals in sorted(alike.items()):
        responses[str(status)] = _failure(refusals, one, schemas[one.shape.refusal])
    return dict(sorted(responses.items()))


def _failure(
    refusals: Sequence[tuple[Fault | TaskFault, Any]], one: Operation, schema: Any
) -> dict[str, Any]:
    examples = {
        _example_name(fault, number): msgspec.to_builtins(body)
        for number, (fault, body) in enumerate(refusals, 1)
    }
    content = {"schema": schema, "examples": _examples(examples)}
    faults = [fault for fault, _ in refusals]
    extra = [name for fault in faults if isinstance(fault, Fault) for name in fault.headers]
    return _response(_meaning(faults[0]), one, extra) | {"content": {"application/json": content}}


def _example_name(fault: Fault | TaskFault, number: int) -> str:
    if isinstance(fault, TaskFault):
        return fault.code
    return str((fault.data or {}).get("field") or f"example {number}")


def _meaning(fault: Fault | TaskFault) -> str:
    """The name of a fault as a sentence: of PaymentRequired, "Payment required."."""
    words = re.findall(r"[A-Z][a-z]+", type(fault).__name__)
    return " ".join(words).capitalize() + "."


def _response(description: str, one: Operation, extra: Iterable[str] = ()) -> dict[str, Any]:
    counted = one.keyed or one.signed
    limits = [name for name in HEADERS if name.startswith("X-RateLimit")] if counted else []
    named = [name for name in extra if name in HEADERS]
    names = dict.fromkeys(["X-Request-Id", *limits, *named])
    links = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {"description": description, "headers": links}


def _headers() -> dict[str, Any]:
    return {
        name: {
            "description": description,
            "schema": {"type": "string" if name in TEXTS else "integer"},
        }
        for name, description in HEADERS.items()
    }


def _examples(examples: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {"value": value} for name, value in examples.items()}


def _tidy(components: dict[str, Any]) -> dict[str, Any]:
    """The schemas without what is of the code alone: reasons in docstrings, null for absent fields."""
    for schema in components.values():
        first_paragraph, *_ = inspect.cleandoc(schema.get("description", "")).split("\n\n")
        schema["description"] = " ".join(first_paragraph.split())
    for name in _omitting(msgspec.Struct) & components.keys():
        schema = components[name]
        properties = schema["properties"]
        schema["properties"] = {name: _never_null(part) for name, part in properties.items()}
    return components


def _omitting(kind: type[msgspec.Struct]) -> set[str]:
    """The names of our types in which a field that does not apply is absent, never null."""
    names = {name for child in kind.__subclasses__() for name in _omitting(child)}
    ours = kind.__module__.startswith("heliograph.")
    return names | ({kind.__name__} if ours and kind.__struct_config__.omit_defaults else set())


def _never_null(schema: dict[str, Any]) -> dict[str, Any]:
    kept = [part for part in schema.get("anyOf", ()) if part != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
    return rest | kept[0] if len(kept) == 1 else rest | ({"anyOf": kept} if kept else {})
