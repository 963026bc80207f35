"""The form of every answer, `{"code": …, "message": …, "data": …}`, and what stands in it."""

import json
from collections.abc import Mapping
from typing import Any

from heliograph_client._retry import asked_seconds
from heliograph_client._wire import Answer
from heliograph_client.errors import FIRST_SERVER_ERROR, ApiError, NoAnswer, error_class

OK = 200
FIRST_ERROR = 400


def refusal(answer: Answer) -> ApiError | NoAnswer | None:
    """Why `answer` is no good one; None when it is.

    Without the envelope, a status below 400 or from 500 up is no word of this API: NoAnswer. What
    lies between is a refusal by whatever stands there, such as a 404 for a route that it lacks.
    """
    envelope = _envelope(answer)
    if envelope is None:
        return _foreign(answer)
    # The hosted API has been seen to refuse with another code in an HTTP 200.
    status = envelope["code"] if answer.status < FIRST_ERROR else answer.status
    if status == OK:
        return None
    return _refused(answer, status, envelope)


def data_of(answer: Answer) -> Any:
    """What a good `answer` brings."""
    envelope = _envelope(answer)
    assert envelope is not None
    return envelope.get("data")


def file_refusal(answer: Answer) -> ApiError | NoAnswer | None:
    """As `refusal`, for the answer to a download: the file itself needs no envelope."""
    return None if answer.status == OK else refusal(answer)


def not_this_api(what: str, answer: Answer) -> NoAnswer:
    """The error for an answer that is good in form and makes no sense."""
    return NoAnswer(
        f"The answer to {what} is none of this API. Check the base URL and the versions.",
        sent=True,
        status=answer.status,
    )


def _refused(answer: Answer, status: int, envelope: Mapping[str, Any]) -> ApiError:
    detail = envelope.get("data")
    detail = detail if isinstance(detail, dict) else {}
    message, error = str(envelope["message"]), detail.get("error")
    if error and str(error) not in message:
        message = f"{message}: {error}"
    return _with_headers(answer, status, message, detail.get("field"))


def _foreign(answer: Answer) -> ApiError | NoAnswer:
    if FIRST_ERROR <= answer.status < FIRST_SERVER_ERROR:
        return _with_headers(answer, answer.status, "Refused without a reason", None)
    where = answer.headers.get("location")
    hint = f", which leads to {where}" if where else ""
    silence = NoAnswer(
        f"What answers is not this API (HTTP {answer.status}{hint}). Check the base URL.",
        sent=True,
        status=answer.status,
    )
    silence.retry_after_seconds = asked_seconds(answer.headers)
    return silence


def _with_headers(answer: Answer, status: int, message: str, field: str | None) -> ApiError:
    return error_class(status)(
        status,
        message,
        answer.headers.get("x-request-id"),
        field=field,
        retry_after_seconds=asked_seconds(answer.headers),
    )


def _envelope(answer: Answer) -> dict[str, Any] | None:
    try:
        body = json.loads(answer.content)
    except ValueError:
        return None
    if isinstance(body, dict) and type(body.get("code")) is int and "message" in body:
        return body
    return None
