"""Operations on who is signed in."""

from collections.abc import Iterator, Mapping
from typing import Any

from heliograph.api.described.account import USAGE
from heliograph.api.described.inboxes import path_parameter
from heliograph.api.described.operation import ALWAYS, KEYED, Operation
from heliograph.api.session import COOKIE, NOT_FROM_HERE
from heliograph.api.session_wire import SessionData, SignedOut
from heliograph.api.wire import Success
from heliograph.base.errors import Forbidden

TAG = "Signing in"
PATH = "/api/v1/session"

OWNER: Mapping[str, Any] = {
    "role": "account",
    "name": "Ada's shop",
    "expiresTime": 1795736000000,
    "accountId": "acc_8m3k1v9q2x7c",
    "ownsAccount": True,
    "balance": 74.87,
    "held": 0.24,
    "liveTasks": 2,
    "maxLiveTasks": 1000,
}
WITH_KEY = {name: value for name, value in OWNER.items() if name != "ownsAccount"} | {"key": USAGE}
OPERATOR = {"role": "operator", "name": "Ada", "expiresTime": 1795736000000}

FROM_ELSEWHERE = Forbidden(NOT_FROM_HERE)


def session_operations() -> Iterator[Operation]:
    """In by a key, who, out; and the page of a link."""
    yield Operation(
        "POST",
        PATH,
        "signIn",
        TAG,
        "Sign in with an API key",
        f"Sets the cookie `{COOKIE}`. The session may read what the key may and spend nothing; it cannot"
        " change keys, and ends with the key, or after 12 hours.",
        KEYED,
        answer=Success[SessionData],
        examples={"with a key": WITH_KEY},
        keyed=True,
    )
    yield Operation(
        "GET",
        PATH,
        "session",
        TAG,
        "Who is signed in?",
        "Says so too when nobody is.",
        [KEYED[1], *ALWAYS],
        answer=Success[SessionData],
        examples={"by a link": OWNER, "an operator": OPERATOR, "nobody": {"role": "nobody"}},
    )
    yield Operation(
        "DELETE",
        PATH,
        "signOut",
        TAG,
        "Sign out",
        "The session has ended, whoever else has its cookie. Harmless when nobody is signed in.",
        [FROM_ELSEWHERE, *ALWAYS],
        answer=Success[SignedOut],
        examples={"signed out": {"signedOut": True}},
    )
    yield from _link_operations()


def _link_operations() -> Iterator[Operation]:
    token = path_parameter(
        "token",
        "The secret of the link.",
        "^hgl_[A-Za-z0-9_-]{43}$",
        "hgl_Yk3vQ0b7mXw2Rt9zLc5dHs8nFj1pGa4eUi6oKyTq0Wx",
    )
    yield Operation(
        "GET",
        "/sign-in/{token}",
        "signInPage",
        TAG,
        "The page of a link that signs in",
        "It has one button and uses nothing up, so that previews of the link are harmless.",
        ALWAYS,
        media_type="text/html",
        parameters=[token],
    )
    yield Operation(
        "POST",
        "/sign-in/{token}",
        "followLink",
        TAG,
        "Sign in by a link",
        "What the button does. A link of `heliograph account sign-in` or `heliograph admin sign-in` works"
        f" once, within 15 minutes; the cookie `{COOKIE}` is good for 12 hours.",
        [FROM_ELSEWHERE, *ALWAYS],
        media_type="",
        other_answers={
            "303": "On to the console, to the operators' page, or to a page that says that the link is over."
        },
        parameters=[token],
    )
