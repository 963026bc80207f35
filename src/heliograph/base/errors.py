"""Every error of Heliograph, in one tree.

HeliographError
├── Fault                    what a client is told, in the envelope, with its HTTP status
│   ├── BadRequest           400  a field of the request is wrong
│   ├── Unauthorized         401  the API key is missing or not valid, or nobody is signed in
│   ├── PaymentRequired      402  the balance does not cover the hold
│   ├── Forbidden            403  the key may not do this
│   ├── NotFound             404  no such route, model, task or file
│   ├── MethodNotAllowed     405  the path exists, the method does not
│   ├── Conflict             409  the thing is in a state in which this cannot be done
│   ├── Gone                 410  the file has been deleted, as announced
│   ├── TooLarge             413  the body is over the limit
│   ├── UnsupportedMediaType 415  the body is not JSON
│   ├── UnprocessableEntity  422  the idempotency key belongs to another request
│   ├── TooManyRequests      429  a rate or concurrency limit is reached
│   ├── HeadTooLarge         431  the request line and headers are over the limit
│   ├── ServerFault          500  a defect of ours; the client learns a request id, never a traceback
│   └── Busy                 503  try again later: the store is busy or the service is stopping
├── TaskFault                why an accepted task ends as failed: failCode and failMsg
├── OutboundRefused          a URL leads where Heliograph must not go
├── OutboundFailed           the host behind a URL was not reached, or did not answer as it should
├── PictureRefused           a reference picture is not one that is taken
└── OperatorError            the installation is wrong; the message says what to do about it
"""

from collections.abc import Mapping


class HeliographError(Exception):
    """The root: everything that Heliograph raises on purpose."""


class Fault(HeliographError):
    """An answer other than success: HTTP status, sentence, and what else the client should know."""

    status = 500

    def __init__(
        self,
        message: str,
        *,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.data = data
        self.headers = dict(headers or {})


class BadRequest(Fault):
    """A field is wrong. `field` is its path (`input.prompt`), or None for the body as a whole."""

    status = 400

    def __init__(self, error: str, field: str | None = None) -> None:
        named = {} if field is None else {"field": field}
        super().__init__(error, data={"error": error, **named})


class Unauthorized(Fault):
    """The documented 401: always the same sentence, so that nothing can be probed.

    Where an API key is no use, another one says that nobody is signed in.
    """

    status = 401

    def __init__(self, message: str = "Invalid or missing API key") -> None:
        super().__init__(message)


class PaymentRequired(Fault):
    status = 402


class Forbidden(Fault):
    status = 403


class NotFound(Fault):
    status = 404


class MethodNotAllowed(Fault):
    status = 405


class Conflict(Fault):
    status = 409


class Gone(Fault):
    status = 410


class TooLarge(Fault):
    status = 413


class UnsupportedMediaType(Fault):
    status = 415


class UnprocessableEntity(Fault):
    status = 422


class TooManyRequests(Fault):
    """A limit is reached; `retry_after_seconds` says when to come back."""

    status = 429

    def __init__(
        self, message: str, retry_after_seconds: int, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(
            message, headers={**(headers or {}), "Retry-After": str(retry_after_seconds)}
        )


class HeadTooLarge(Fault):
    status = 431


class ServerFault(Fault):
    status = 500


class Busy(Fault):
    """Nothing is wrong with the request; `retry_after_seconds` says when to come back.

    `locked`: somebody else holds a row that is needed, and has held it for too long.
    """

    status = 503

    def __init__(self, message: str, retry_after_seconds: int = 2, *, locked: bool = False) -> None:
        super().__init__(message, headers={"Retry-After": str(retry_after_seconds)})
        self.locked = locked


class TaskFault(HeliographError):
    """A task cannot go on. `code` is a documented failCode, `message` a sentence for the customer."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class _Sentence(HeliographError):
    """An error that is nothing but a sentence; whoever catches it knows which field it is about."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class OutboundRefused(_Sentence, ValueError):
    """A URL leads where Heliograph must not go. Refused before a byte is sent; trying again is no use."""


class OutboundFailed(_Sentence):
    """The host behind a URL was not reached, or did not answer as it should."""


class PictureRefused(_Sentence):
    """A reference picture is not one that is taken: format, size, transparency, damage."""


class OperatorError(HeliographError):
    """The installation is wrong; the message says what happened and what to do about it."""
