"""Parameters of a query: read, or refused with a sentence that names them."""

import datetime
from collections.abc import Callable, Collection
from typing import TypeVar

from starlette.requests import Request

from heliograph.base.errors import BadRequest

Value = TypeVar("Value")

#: More digits than any number that is asked for has; Python refuses to read thousands of them.
LONGEST_NUMBER = 18


def read_query(request: Request, name: str, read: Callable[[str], Value]) -> Value | None:
    """What `read` makes of parameter `name`, or None when it is absent.

    Raises BadRequest when `read` raises ValueError, whose text follows the name: "must be …".
    """
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        return read(text)
    except ValueError as error:
        raise BadRequest(f"{name} {error}", name) from None


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Reads a number from `least` to `most`, written in ASCII digits."""

    def read(text: str) -> int:
        good = text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER
        if not good or not least <= int(text) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(text)

    return read


def one_of(names: Collection[str]) -> Callable[[str], str]:
    """Reads one of `names`."""

    def read(text: str) -> str:
        if text not in names:
            raise ValueError(f"must be one of {', '.join(names)}")
        return text

    return read


#: The first millisecond of the last year that dates have: a search may look a little beyond a time.
LATEST_MS = 253_370_764_800_000


def moment_of(unix_ms: int) -> datetime.datetime:
    """Unix milliseconds, from 0 to LATEST_MS, as a moment."""
    return datetime.datetime.fromtimestamp(0, datetime.UTC) + datetime.timedelta(
        milliseconds=unix_ms
    )
