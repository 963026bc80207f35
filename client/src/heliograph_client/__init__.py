"""Pictures from a Heliograph server, or from the hosted API that it is compatible with.

from heliograph_client import Client

with Client() as client:
    for image in client.generate("a red fox in a forest at dawn").images:
        image.save("pictures/")
"""

from heliograph_client import errors, webhooks
from heliograph_client._answers import (
    Batch,
    BatchTask,
    ExpectedSeconds,
    Mode,
    Model,
    Quote,
    ReferenceImage,
    Upload,
)
from heliograph_client._async_client import AsyncClient, AsyncImage
from heliograph_client._client import Client, Image
from heliograph_client._image import Result
from heliograph_client._options import (
    BatchItem,
    ImageOptions,
    QuoteOptions,
    Reference,
    TaskFilter,
    TaskOptions,
)
from heliograph_client._task import (
    ImageOutcome,
    Receipt,
    ReceiptLine,
    Task,
    TaskEvent,
    TaskStatus,
)
from heliograph_client.errors import (
    ApiError,
    BadPicture,
    BadRequest,
    BadSignature,
    Conflict,
    Forbidden,
    HeliographClientError,
    NoAnswer,
    NoKey,
    NotFound,
    PaymentRequired,
    RateLimited,
    ServerError,
    StillRunning,
    TaskFailed,
    Unauthorized,
)

__all__ = [
    "ApiError",
    "AsyncClient",
    "AsyncImage",
    "BadPicture",
    "BadRequest",
    "BadSignature",
    "Batch",
    "BatchItem",
    "BatchTask",
    "Client",
    "Conflict",
    "ExpectedSeconds",
    "Forbidden",
    "HeliographClientError",
    "Image",
    "ImageOptions",
    "ImageOutcome",
    "Mode",
    "Model",
    "NoAnswer",
    "NoKey",
    "NotFound",
    "PaymentRequired",
    "Quote",
    "QuoteOptions",
    "RateLimited",
    "Receipt",
    "ReceiptLine",
    "Reference",
    "ReferenceImage",
    "Result",
    "ServerError",
    "StillRunning",
    "Task",
    "TaskEvent",
    "TaskFailed",
    "TaskFilter",
    "TaskOptions",
    "TaskStatus",
    "Unauthorized",
    "Upload",
    "errors",
    "webhooks",
]
