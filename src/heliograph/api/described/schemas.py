"""Operations on the schemas of the models."""

from collections.abc import Iterator, Mapping

import msgspec

from heliograph.api.described.operation import ALWAYS, Operation, Shape, model_parameter
from heliograph.api.schemas import FOLDER, SchemaIndex, build_index
from heliograph.api.wire import Failure, failure_body
from heliograph.base.errors import NotFound
from heliograph.catalog.model import Model

#: The index stands in no envelope, because those who read it expect none.
BARE = Shape(
    wrap=lambda document: document,
    refuse=lambda fault: (fault.status, failure_body(fault)),
    refusal=Failure,
)


def schema_operations(models: Mapping[str, Model]) -> Iterator[Operation]:
    """The index, and one schema for each model."""
    yield Operation(
        "GET",
        f"{FOLDER}/index.json",
        "schemaIndex",
        "Models",
        "List the schemas of the models",
        "For tools of agents: each model with the path of its schema. No key is needed.",
        ALWAYS,
        answer=SchemaIndex,
        examples={"models": msgspec.to_builtins(build_index(models, "2026-11-22T12:00:00+00:00"))},
        shape=BARE,
    )
    yield Operation(
        "GET",
        f"{FOLDER}/{{model}}.json",
        "modelSchema",
        "Models",
        "Read the schema of a model",
        "JSON Schema of the body that generateTask takes for this model, mode by mode, with sizes, limits,"
        " prices in dollars by routing strategy, and examples. No key is needed.",
        [NotFound(f"There is no such model. {FOLDER}/index.json lists them."), *ALWAYS],
        parameters=[model_parameter(models)],
    )
