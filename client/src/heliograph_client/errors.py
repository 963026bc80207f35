"""What can go wrong on the way to a picture.

HeliographClientError
├── NoKey         no API key was given
├── NoAnswer      the server cannot be reached, or answered with something else than its API
├── ApiError      the server refused: `status`, `message`, `request_id`
└── TaskFailed    the task ended without a picture: `code`, `message`, `task_id`
"""


class HeliographClientError(Exception):
    """The root of what this package raises."""


class NoKey(HeliographClientError):
    """No API key was given."""


class NoAnswer(HeliographClientError):
    """The server cannot be reached, or it does not speak this API."""


class ApiError(HeliographClientError):
    """The server refused the request; `status` is the HTTP status, which the body repeats as `code`."""

    def __init__(self, status: int, message: str, request_id: str | None) -> None:
        super().__init__(f"{message} (HTTP {status})")
        self.status = status
        self.message = message
        self.request_id = request_id


class TaskFailed(HeliographClientError):
    """The task ended without a picture; what was held for it is given back."""

    def __init__(self, task_id: str, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.task_id = task_id
        self.code = code
        self.message = message
