"""Operations on the account and on what it can ask for."""

from collections.abc import Iterator

from heliograph.api.described.operation import KEYED, Operation
from heliograph.api.wire import ModelList, Success


def account_operations() -> Iterator[Operation]:
    """Balance and models."""
    yield Operation(
        "GET",
        "/api/v1/apikeys/current-balance",
        "currentBalance",
        "Account",
        "Read the balance of the key's account",
        "`data` is a bare number: US dollars that can be spent, exact to the micro-dollar.",
        KEYED,
        answer=Success[float],
        examples={"balance": 74.87},
        keyed=True,
    )
    yield Operation(
        "GET",
        "/api/v1/models",
        "models",
        "Models",
        "List the models",
        "What can be asked of this server, with limits and the prices that the key pays.",
        KEYED,
        answer=Success[ModelList],
        keyed=True,
    )
