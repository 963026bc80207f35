"""Operations for operators, and the documentation."""

import re
from collections.abc import Iterator

from heliograph.api.described.operation import ALWAYS, Operation
from heliograph.api.wire import Live, Ready, Success
from heliograph.base.errors import Busy, NotFound

#: What may stand in a path. Any version will do: what is here now is answered.
EXAMPLES = {
    ("playgroundAsset", "name"): "js/app.js",
    ("consoleAsset", "name"): "js/console.js",
    ("adminAsset", "name"): "js/admin.js",
    ("docsAsset", "name"): "docs.css",
    ("guide", "path"): "quickstart",
}


def documentation_operations() -> Iterator[Operation]:
    """The pages."""
    for path, name, summary, media_type in (
        ("/", "playground", "The playground: a page to make pictures with", "text/html"),
        ("/playground/{version}/{name}", "playgroundAsset", "A part of the playground", "text/*"),
        ("/console", "console", "The console: tasks, webhooks, usage and statement", "text/html"),
        ("/console/{version}/{name}", "consoleAsset", "A part of the console", "text/*"),
        ("/admin", "admin", "The pages of the operator", "text/html"),
        ("/admin/{version}/{name}", "adminAsset", "A part of the pages of the operator", "text/*"),
        ("/docs", "docs", "This documentation, for people", "text/html"),
        (
            "/docs/assets/{version}/{name}",
            "docsAsset",
            "A part of the documentation page",
            "text/*",
        ),
        ("/docs/{path}", "guide", "A guide, as a page or, with `.md`, as Markdown", "text/*"),
        ("/pricing", "pricing", "What one image costs here", "text/html"),
        ("/llms.txt", "llms", "What there is to read, for programs", "text/plain"),
        ("/openapi.json", "openapi", "This document", "application/json"),
    ):
        yield _page(path, name, summary, media_type)


def _page(path: str, name: str, summary: str, media_type: str) -> Operation:
    parameters = [
        {"name": part, "in": "path", "required": True, "schema": {"type": "string"}}
        | {"example": EXAMPLES.get((name, part), "current")}
        for part in re.findall(r"{(\w+)}", path)
    ]
    return Operation(
        "GET",
        path,
        name,
        "Documentation",
        summary,
        "",
        [*([NotFound("There is nothing at this path.")] if parameters else []), *ALWAYS],
        media_type=media_type,
        parameters=parameters,
    )


def operating_operations() -> Iterator[Operation]:
    """Health and metrics."""
    for path, name, summary, answer, example, faults in (
        ("/health/live", "live", "Does the process answer?", Success[Live], {"live": True}, ALWAYS),
        (
            "/health/ready",
            "ready",
            "Can requests be served?",
            Success[Ready],
            {"database": "ok"},
            (Busy("Not ready: the database did not answer within 1 s"), *ALWAYS),
        ),
    ):
        yield Operation(
            "GET",
            path,
            name,
            "Operating",
            summary,
            "",
            faults,
            answer=answer,
            examples={"good": example},
        )
    yield Operation(
        "GET",
        "/metrics",
        "metrics",
        "Operating",
        "Figures for Prometheus",
        "",
        ALWAYS,
        media_type="text/plain",
    )
