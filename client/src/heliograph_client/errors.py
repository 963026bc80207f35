"""What can go wrong on the way to a picture.

HeliographClientError
├── NoKey                no API key was given
├── NoAnswer             the server cannot be reached, or answers with something else than its API
├── ApiError             the server refuses; this class itself for statuses without one of their own
│   ├── BadRequest       400  a field is wrong: `field`
│   ├── Unauthorized     401  the API key is not valid
│   ├── PaymentRequired  402  the balance does not cover the task
│   ├── Forbidden        403  the key may not do this
│   ├── NotFound         404  no such task or model, or a server that does not know the route
│   ├── Conflict         409  the task is in a state in which this cannot be done
│   ├── RateLimited      429  a rate or concurrency limit is reached
│   └── ServerError      5xx  the server is at fault, or away
├── TaskFailed           the task ended without a picture: `code`, `message`, `task_id`
├── StillRunning         the time to wait is over, the task is not: `task_id`
├── BadPicture           a reference image cannot be read
└── BadSignature         a webhook message is not proven to come from the server
"""

FIRST_SERVER_ERROR = 500


class HeliographClientError(Exception):
    """The root of what this package raises on purpose.

    `task_id` is the task that it is about, once there is one: so nothing that was paid for is lost.
    """

    task_id: str | None = None


class NoKey(HeliographClientError):
    """No API key was given."""


class NoAnswer(HeliographClientError):
    """The server cannot be reached, or what answers does not speak this API.

    `sent` is whether the request may have reached the server. `status` is the HTTP status when
    something answered, but not in the form of this API: a proxy's error page, for example.
    """

    def __init__(self, message: str, *, sent: bool, status: int | None = None) -> None:
        super().__init__(message)
        self.sent = sent
        self.status = status
        self.retry_after_seconds: float | None = None


class ApiError(HeliographClientError):
    """The server refuses. `status` is the HTTP status, `message` the server's sentence.

    `request_id` names the request in the server's log. `field` is the path of the wrong field
    (`input.prompt`), when one is named. `retry_after_seconds` is when the server asks to come back.
    """

    def __init__(
        self,
        status: int,
        message: str,
        request_id: str | None = None,
        *,
        field: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        of_request = (
            f", request {request_id}" if request_id and status >= FIRST_SERVER_ERROR else ""
        )
        super().__init__(f"{message} (HTTP {status}{of_request})")
        self.status = status
        self.message = message
        self.request_id = request_id
        self.field = field
        self.retry_after_seconds = retry_after_seconds


class BadRequest(ApiError):
    """400: a field of the request is wrong; `field` names it."""


class Unauthorized(ApiError):
    """401: the API key is missing, wrong or revoked."""


class PaymentRequired(ApiError):
    """402: the balance, or a cap of the key, does not cover the task."""


class Forbidden(ApiError):
    """403: the key may not use this model, or not from here."""


class NotFound(ApiError):
    """404: there is no such task or model, or the server does not know the route."""


class Conflict(ApiError):
    """409: the task is in a state in which this cannot be done."""


class RateLimited(ApiError):
    """429: too many requests, or too many unfinished tasks."""


class ServerError(ApiError):
    """500 and above: the server is at fault, or not ready."""


class TaskFailed(HeliographClientError):
    """The task ended without a picture; what was held for it is given back."""

    def __init__(self, task_id: str, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.task_id = task_id
        self.code = code
        self.message = message


class StillRunning(HeliographClientError):
    """The task has not ended within the time given; `wait` with its `task_id` goes on waiting."""

    def __init__(self, task_id: str, state: str, seconds: float) -> None:
        super().__init__(f"Task {task_id} is still {state} after {seconds:g} s.")
        self.task_id = task_id
        self.state = state


class BadPicture(HeliographClientError):
    """A reference image cannot be read, or is none of the kinds that are taken."""


class BadSignature(HeliographClientError):
    """A webhook message is not signed with this secret, or is too old or too new."""


BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: Unauthorized,
    402: PaymentRequired,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    429: RateLimited,
}


def error_class(status: int) -> type[ApiError]:
    """The class of errors with this HTTP status."""
    return BY_STATUS.get(status, ServerError if status >= FIRST_SERVER_ERROR else ApiError)
