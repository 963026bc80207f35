"""What can be asked of each model, as JSON Schema with its prices: documents that agents' tools read."""

import math
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from heliograph.api.wire import ENCODER
from heliograph.base.errors import NotFound
from heliograph.catalog.body import EXAMPLES, GenerateTaskBody
from heliograph.catalog.model import Mode, Model
from heliograph.catalog.prices import ROUTES, Prices
from heliograph.catalog.reference import IMAGE_URL_START
from heliograph.ledger.money import dollars
from heliograph.runtime import Runtime

FOLDER = "/docs/models/schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
HEADERS = {"cache-control": "no-cache", "x-content-type-options": "nosniff"}

Schema = dict[str, Any]


class ListedSchema(msgspec.Struct, frozen=True):
    """One model, and where its schema is."""

    model_id: str
    slug: str
    category: str
    title: str
    integration_type: Literal["task_api"]
    schema_path: str
    doc_path: str


class SchemaIndex(msgspec.Struct, frozen=True):
    """All models of the server. `generated_at` is a moment in ISO 8601."""

    schema_version: str
    generated_at: str
    total_models: int
    models: list[ListedSchema]


class SchemaRoutes:
    """GET /docs/models/schemas/index.json and /docs/models/schemas/{model}.json; made once, at the start."""

    def __init__(self, runtime: Runtime) -> None:
        models = runtime.models
        started_at = runtime.clock.now().isoformat(timespec="seconds")
        self._index = ENCODER.encode(build_index(models, started_at))
        self._schemas = {
            name.lower(): ENCODER.encode(
                build_schema(model, runtime.prices, runtime.settings.result_retention_hours)
            )
            for name, model in models.items()
        }

    async def index(self, _: Request) -> Response:
        """Every model, with the path of its schema."""
        return Response(self._index, headers=HEADERS, media_type="application/json")

    async def schema(self, request: Request) -> Response:
        """The schema of one model, however its id is capitalised. Raises NotFound."""
        schema = self._schemas.get(request.path_params["model"].lower())
        if schema is None:
            raise NotFound(f"There is no such model. {FOLDER}/index.json lists them.")
        return Response(schema, headers=HEADERS, media_type="application/json")


def build_index(models: Mapping[str, Model], generated_at: str) -> SchemaIndex:
    """The index of `models`, in the shape that clients of the hosted API read."""
    listed = [
        ListedSchema(
            model_id=model.model_id,
            slug=model.model_id,
            category=model.category,
            title=model.title,
            integration_type="task_api",
            schema_path=f"{FOLDER}/{model.model_id}.json",
            doc_path="/docs",
        )
        for model in models.values()
    ]
    return SchemaIndex("1", generated_at, len(listed), listed)


def build_schema(model: Model, prices: Prices, most_retention_hours: float) -> Schema:
    """The JSON Schema of a generateTask body for `model`; its own names stand beside those of the dialect.

    A body is taken when it fits, except for what no schema can say: whether an address may be called.
    """
    body, parts = _schema_of(GenerateTaskBody)
    properties = body["properties"]
    hours = next(one for one in properties["retention_hours"]["anyOf"] if "minimum" in one)
    hours["maximum"] = math.floor(most_retention_hours)
    modes = [_mode(model, mode, parts["Input"]) for mode in model.modes.values()]
    return {
        "$schema": DIALECT,
        "title": model.title,
        "description": model.description,
        "model_id": model.model_id,
        "category": model.category,
        "endpoints": {
            "submit": f"POST /api/v1/generateTask/{model.model_id}",
            "status": f"GET /api/v1/statusTask/{model.model_id}?taskId={{taskId}}",
            "quote": f"POST /api/v1/quoteTask/{model.model_id}",
        },
        "pricing": _pricing(model, prices),
        "polling": {
            "first_seconds": model.first_poll_seconds,
            "interval_seconds": model.poll_interval_seconds,
        },
        "type": "object",
        "properties": {**properties, "input": {"oneOf": modes}},
        "required": body["required"],
        "if": {"properties": {"request_type": {"const": "callback"}}, "required": ["request_type"]},
        "then": {
            "properties": {"callback_url": {"type": "string", "pattern": r"^[^\u0000]+$"}},
            "required": ["callback_url"],
        },
        "examples": list(EXAMPLES.values()),
    }


def _schema_of(kind: type[msgspec.Struct]) -> tuple[Schema, dict[str, Schema]]:
    """The schema of `kind`, and those of the types in it."""
    parts: dict[str, Schema] = msgspec.json.schema(kind)["$defs"]
    return parts.pop(kind.__name__), parts


def _mode(model: Model, mode: Mode, base: Schema) -> Schema:
    """The schema of `input` in one mode, made of that of all modes."""
    names = dict(base["properties"])
    ratio, images = names["aspect_ratio"], names.pop("image_urls")
    names["mode"] = {"description": names["mode"]["description"], "const": mode.name}
    names["aspect_ratio"] = {
        "description": "Width to height.",
        "enum": [*mode.sizes, None],
        "default": ratio["default"],
    }
    required = list(base["required"])
    if mode.max_references:
        names["image_urls"] = _references(mode, images)
        required.append("image_urls")
    return {
        "title": mode.name,
        "description": mode.description,
        "type": "object",
        "properties": names,
        "required": required,
        "sizes_px": {name: list(size) for name, size in mode.sizes.items()},
        "limits": _limits(model, mode),
    }


def _references(mode: Mode, images: Schema) -> Schema:
    return {
        "description": images["description"],
        "type": "array",
        "items": {"type": "string", "pattern": f"^{IMAGE_URL_START}"},
        "minItems": mode.min_references,
        "maxItems": mode.max_references,
    }


def _limits(model: Model, mode: Mode) -> Schema:
    limits: Schema = {
        "min_images": model.min_images,
        "max_images": model.max_images,
        "max_prompt_characters": model.max_prompt_characters,
        "max_negative_prompt_characters": model.max_negative_prompt_characters,
    }
    if not mode.max_references:
        return limits
    references = model.references
    return limits | {
        "reference_formats": list(references.formats),
        "min_reference_side_px": references.min_side_px,
        "max_reference_side_px": references.max_side_px,
        "max_reference_bytes": references.max_bytes,
    }


def _pricing(model: Model, prices: Prices) -> Schema:
    """Dollars for one image, by mode and by the routing strategy of the key."""
    return {
        "currency": "USD",
        "unit": "image",
        "modes": {
            mode: {
                route: dollars(prices.unit_price_micros(model.model_id, mode, route))
                for route in ROUTES
            }
            for mode in model.modes
        },
    }
