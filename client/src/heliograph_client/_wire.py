"""What passes between the flows and the network, and who carries it.

The flows of this package (submit, wait, events and the rest) are written once, as coroutines that do
all input and output through a `Wire`. `AsyncClient` gives them one that awaits the network.
`Client` gives them one that blocks and never suspends, so that its coroutines run through in one go.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Request:
    """One HTTP request. `url` is a path on the server, or a whole address.

    `keyed`: the API key goes with it. `spends`: doing it twice would cost twice.
    `extra_seconds`: how much longer than usual the answer may take.
    """

    method: str
    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    keyed: bool = True
    spends: bool = False
    extra_seconds: float = 0


@dataclass(frozen=True)
class Answer:
    """What came back; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True)
class StreamEvent:
    """One server-sent event."""

    name: str
    id: str
    data: str


class NotAStream(Exception):
    """Events were asked for, and something else came; its body was not read."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"HTTP {answer.status}")
        self.answer = answer


class Wire(Protocol):
    """Carries requests to one server, and lets time pass."""

    async def send(self, request: Request) -> Answer:
        """One request, once. Raises NoAnswer when no whole answer comes back."""
        ...

    def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """The events that the server sends. Raises NoAnswer when they break off, and NotAStream."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Do nothing for a while."""
        ...

    def now(self) -> float:
        """Seconds on a clock that never goes back."""
        ...
