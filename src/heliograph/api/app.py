"""The application: which path is answered by what."""

from starlette.routing import Route, Router

from heliograph.api.auth import Gate
from heliograph.api.catalogue import CatalogueRoutes
from heliograph.api.docs.page import DocsRoutes
from heliograph.api.edge import Answer, Edge, Endpoint
from heliograph.api.files import FileRoutes
from heliograph.api.health import HealthRoutes
from heliograph.api.routes import TaskRoutes
from heliograph.runtime import Runtime


def create_app(runtime: Runtime) -> Edge:
    """The ASGI application over an open `runtime`, which stays the caller's to close."""
    router = Router(_routes(runtime), redirect_slashes=False)
    return Edge(router, log_requests=runtime.settings.log_level == "debug")


def _routes(runtime: Runtime) -> list[Route]:
    """All routes; those that are asked most stand first, because they are tried in order."""
    gate = Gate(runtime.keys, runtime.limiter)
    tasks = TaskRoutes(runtime, gate)
    catalogue = CatalogueRoutes(runtime, gate)
    files = FileRoutes(runtime)
    health = HealthRoutes(runtime)
    docs = DocsRoutes(runtime.models, runtime.settings.public_url)
    return [
        _route("GET", "/api/v1/statusTask/{model}", tasks.status_task),
        _route("POST", "/api/v1/generateTask/{model}", tasks.generate_task),
        _route("GET", "/api/v1/apikeys/current-balance", tasks.current_balance),
        _route("GET", "/api/v1/tasks/{taskId}", catalogue.task),
        _route("GET", "/api/v1/models", catalogue.models),
        _route("GET", "/files/{path:path}", files.result),
        _route("GET", "/health/live", health.live),
        _route("GET", "/health/ready", health.ready),
        _route("GET", "/metrics", health.metrics),
        _route("GET", "/", docs.home),
        _route("GET", "/docs", docs.page),
        _route("GET", "/docs/assets/{name}", docs.asset),
        _route("GET", "/openapi.json", docs.openapi),
    ]


def _route(method: str, path: str, answer: Answer) -> Route:
    return Route(path, Endpoint(answer), methods=[method])
