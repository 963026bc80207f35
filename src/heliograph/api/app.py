"""The application: which path is answered by what."""

from starlette.responses import Response
from starlette.routing import Route, Router

from heliograph.api.account import AccountRoutes
from heliograph.api.admin.routes import admin_routes
from heliograph.api.apikeys import KeyRoutes
from heliograph.api.auth import Gate
from heliograph.api.batches import BatchRoutes
from heliograph.api.body import BodyLimits
from heliograph.api.catalogue import CatalogueRoutes
from heliograph.api.console.page import ConsoleRoutes
from heliograph.api.docs.frame import Frame
from heliograph.api.docs.guides import GuideRoutes
from heliograph.api.docs.page import DocsRoutes
from heliograph.api.doors.mcp.routes import McpRoutes
from heliograph.api.doors.mcp.rpc import rpc_refusal
from heliograph.api.doors.openai.answer import refusal
from heliograph.api.doors.openai.routes import OpenAIRoutes
from heliograph.api.edge import Answer, Edge, Endpoint
from heliograph.api.files import FileRoutes
from heliograph.api.health import HealthRoutes
from heliograph.api.inbox import InboxRoutes
from heliograph.api.playground.page import PlaygroundRoutes
from heliograph.api.quote import QuoteRoutes
from heliograph.api.routes import GenerationRoutes
from heliograph.api.schemas import SchemaRoutes
from heliograph.api.session import Sessions
from heliograph.api.sign_in import SignInRoutes
from heliograph.api.tasks import TaskRoutes
from heliograph.api.traced import Traced
from heliograph.api.uploads import UploadRoutes
from heliograph.api.webhooks import WebhookRoutes
from heliograph.api.wire import failure
from heliograph.base.errors import Fault
from heliograph.base.places import Places
from heliograph.base.trace import is_traced
from heliograph.runtime import Runtime
from heliograph.tasks.observe.pace import Pace

#: Memory of a process for bodies that are on their way; of each account a quarter at most.
BODY_ROOM_BYTES = 256 * 1024 * 1024


def create_app(runtime: Runtime) -> Edge | Traced:
    """The ASGI application over an open `runtime`, which stays the caller's to close."""
    router = Router(_routes(runtime), redirect_slashes=False)
    settings = runtime.settings
    room = Places(BODY_ROOM_BYTES, BODY_ROOM_BYTES // 4)
    limits = BodyLimits(settings.max_body_bytes, settings.request_timeout_seconds, room)
    edge = Edge(router, _refuse, limits, log_requests=settings.log_level == "debug")
    return Traced(edge) if is_traced() else edge


def _refuse(fault: Fault, path: str) -> Response:
    """Behind each door, errors have its shape, those of paths that do not exist too."""
    if path.startswith("/v1/"):
        return refusal(fault)
    return rpc_refusal(fault) if path == "/mcp" else failure(fault)


def _routes(runtime: Runtime) -> list[Route]:
    """All routes; those that are asked most stand first, because they are tried in order."""
    sessions = Sessions(runtime)
    gate = Gate(runtime, sessions)
    pace = Pace(runtime.pool)
    generation = GenerationRoutes(runtime, gate, pace)
    tasks = TaskRoutes(runtime, gate)
    quotes = QuoteRoutes(runtime, gate, pace)
    uploads = UploadRoutes(runtime, gate)
    batches = BatchRoutes(runtime, gate)
    account = AccountRoutes(runtime, gate)
    catalogue = CatalogueRoutes(runtime, gate)
    files = FileRoutes(runtime)
    health = HealthRoutes(runtime)
    playground = PlaygroundRoutes()
    console = ConsoleRoutes()
    sign_in = SignInRoutes(runtime, gate, sessions, console)
    return [
        _route("GET", "/api/v1/statusTask/{model}", generation.status_task),
        _route("POST", "/api/v1/generateTask/{model}", generation.generate_task),
        _route("GET", "/api/v1/apikeys/current-balance", generation.current_balance),
        _route("GET", "/api/v1/tasks/{taskId}", tasks.task),
        _route("DELETE", "/api/v1/tasks/{taskId}", tasks.delete),
        _route("GET", "/api/v1/tasks/{taskId}/events", tasks.events),
        _route("GET", "/api/v1/tasks", tasks.list),
        _route("POST", "/api/v1/cancelTask/{model}", tasks.cancel),
        _route("POST", "/api/v1/quoteTask/{model}", quotes.quote_task),
        _route("POST", "/api/v1/files", uploads.upload),
        _route("POST", "/api/v1/generateTask/{model}/batches", batches.submit),
        _route("GET", "/api/v1/generateTask/{model}/batches/{batchId}", batches.show),
        _route("GET", "/api/v1/apikeys/usage", account.usage),
        _route("GET", "/api/v1/usage", account.days),
        _route("GET", "/api/v1/statement", account.statement),
        _route("GET", "/api/v1/models", catalogue.models),
        _route("POST", "/api/v1/session", sign_in.open),
        _route("GET", "/api/v1/session", sign_in.show),
        _route("DELETE", "/api/v1/session", sign_in.close),
        *_key_routes(runtime, gate),
        *_webhook_routes(runtime, gate),
        *_doors(runtime, gate),
        _route("GET", "/files/{path:path}", files.file),
        _route("GET", "/health/live", health.live),
        _route("GET", "/health/ready", health.ready),
        _route("GET", "/metrics", health.metrics),
        _route("GET", "/", playground.home),
        _route("GET", "/playground/{version}/{name:path}", playground.asset),
        _route("GET", "/console", console.page),
        _route("GET", "/console/{version}/{name:path}", console.asset),
        *(_route(*entry) for entry in admin_routes(runtime, gate)),
        _route("GET", "/sign-in/{token}", sign_in.page),
        _route("POST", "/sign-in/{token}", sign_in.follow),
        *_documents(runtime),
    ]


def _key_routes(runtime: Runtime, gate: Gate) -> list[Route]:
    keys = KeyRoutes(runtime, gate)
    return [
        _route("GET", "/api/v1/apikeys", keys.list_all),
        _route("POST", "/api/v1/apikeys", keys.create),
        _route("PATCH", "/api/v1/apikeys/{keyId:key_id}", keys.change),
        _route("POST", "/api/v1/apikeys/{keyId:key_id}/rotate", keys.rotate),
        _route("POST", "/api/v1/apikeys/{keyId:key_id}/revoke", keys.revoke),
    ]


def _webhook_routes(runtime: Runtime, gate: Gate) -> list[Route]:
    webhooks = WebhookRoutes(runtime, gate)
    inboxes = InboxRoutes(runtime, gate)
    return [
        _route("GET", "/api/v1/webhooks", webhooks.deliveries),
        _route("GET", "/api/v1/webhooks/receivers", webhooks.receivers),
        _route("POST", "/api/v1/webhooks/receivers/enable", webhooks.enable),
        _route("POST", "/api/v1/webhooks/resend", webhooks.resend_all),
        _route("POST", "/api/v1/webhooks/test", webhooks.test),
        _route("POST", "/api/v1/webhooks/secret/rotate", webhooks.rotate),
        _route("POST", "/api/v1/webhooks/inboxes", inboxes.open),
        _route("GET", "/api/v1/webhooks/inboxes/{inboxId}/messages", inboxes.messages),
        _route("GET", "/api/v1/webhooks/{id:uuid}", webhooks.delivery),
        _route("POST", "/api/v1/webhooks/{id:uuid}/resend", webhooks.resend),
        _route("POST", "/inbox/{inboxId}", inboxes.post),
    ]


def _doors(runtime: Runtime, gate: Gate) -> list[Route]:
    openai = OpenAIRoutes(runtime, gate)
    mcp = McpRoutes(runtime, gate)
    return [
        _route("POST", "/v1/images/generations", openai.generate),
        _route("POST", "/v1/images/edits", openai.edit),
        _route("GET", "/v1/models", openai.models),
        _route("GET", "/v1/models/{model}", openai.model),
        _route("POST", "/mcp", mcp.exchange),
    ]


def _documents(runtime: Runtime) -> list[Route]:
    schemas = SchemaRoutes(runtime)
    frame = Frame()
    docs = DocsRoutes(runtime.models, runtime.settings.public_url, frame)
    guides = GuideRoutes(runtime.models, runtime.prices, runtime.settings.public_url, frame)
    return [
        _route("GET", "/docs", docs.page),
        _route("GET", "/docs/models/schemas/index.json", schemas.index),
        _route("GET", "/docs/models/schemas/{model}.json", schemas.schema),
        _route("GET", "/docs/assets/{version}/{name:path}", docs.asset),
        _route("GET", "/docs/{path:path}", guides.page),
        _route("GET", "/pricing", guides.pricing),
        _route("GET", "/llms.txt", guides.llms),
        _route("GET", "/openapi.json", docs.openapi),
    ]


def _route(method: str, path: str, answer: Answer) -> Route:
    return Route(path, Endpoint(answer), methods=[method])
