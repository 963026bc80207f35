"""When to try again: a rule without a clock."""

from collections.abc import Mapping
from http import HTTPStatus

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 8.0

#: A server may ask for a longer pause than our own, but for no longer than this.
LONGEST_ASKED_SECONDS = 60.0

#: Refusals that may not be there the next time. A 409 counts only where it means that
#: the first of two equal requests is still being worked on.
PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


def may_pass(status: int, *, has_idempotency_key: bool) -> bool:
    """Whether a refusal with this HTTP status may not be there the next time."""
    if status == HTTPStatus.CONFLICT:
        return has_idempotency_key
    return status in PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def pause_seconds(failures: int, asked: float | None, jitter: float) -> float:
    """How long to wait after so many `failures` in a row.

    `asked` is what Retry-After said, obeyed up to a limit. `jitter`, from 0 to 1, keeps many clients
    from coming back at the same moment: never before the time that was asked.
    """
    if asked is not None:
        return min(asked, LONGEST_ASKED_SECONDS) * (1 + 0.1 * jitter)
    pause = min(FIRST_PAUSE_SECONDS * 2.0 ** (failures - 1), LONGEST_PAUSE_SECONDS)
    return pause * (0.5 + 0.5 * jitter)


def asked_seconds(headers: Mapping[str, str]) -> float | None:
    """What `Retry-After` asks for, as a number or as a date; None without a usable one."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    # Dates are rare, and email takes longer to import than all the rest here.
    import email.utils

    try:
        then = email.utils.parsedate_to_datetime(text)
        # Beside the date of the same answer, so that a wrong clock here does no harm.
        now = email.utils.parsedate_to_datetime(headers["date"])
        return max(0.0, (then - now).total_seconds())
    except (ValueError, TypeError, KeyError):
        return None
